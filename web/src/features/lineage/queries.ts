import { queryOptions } from '@tanstack/react-query';
import { api, ask } from '@/api/client';

/** What a thing comes from and what became of it; of is as in "model:diabetes:3". */
export function lineageQuery(workspace: string, of: string) {
  return queryOptions({
    queryKey: [workspace, 'lineage', of],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/lineage', { params: { path: { workspace }, query: { of } } })),
  });
}
