import { queryOptions } from '@tanstack/react-query';
import { api, ask } from '@/api/client';

export function secretsQuery(workspace: string) {
  return queryOptions({
    queryKey: [workspace, 'secrets'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/secrets', { params: { path: { workspace } } })),
  });
}
