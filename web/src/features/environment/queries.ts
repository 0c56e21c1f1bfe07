import { queryOptions } from '@tanstack/react-query';
import { api, ask } from '@/api/client';

/** Every version of every environment; of one, with a name. */
export function environmentsQuery(workspace: string, name?: string) {
  return queryOptions({
    queryKey: [workspace, 'environments', name ?? ''],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/environments', {
      params: { path: { workspace }, query: name === undefined ? {} : { name, archived: true } },
    })),
  });
}

/** How far each environment's content is built on the server's machine, by hash. */
export function buildsQuery(workspace: string) {
  return queryOptions({
    queryKey: [workspace, 'environments', 'builds'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/environments/builds', { params: { path: { workspace } } })),
  });
}

const again = 1000;

export function buildQuery(workspace: string, environment: string, version: string) {
  return queryOptions({
    queryKey: [workspace, 'environments', 'build', environment, version],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/environments/{environment}/versions/{version}/build', {
      params: { path: { workspace, environment, version } },
    })),
    refetchInterval: (query) => (query.state.data?.state === 'building' ? again : false),
  });
}
