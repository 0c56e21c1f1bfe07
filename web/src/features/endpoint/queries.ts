import { queryOptions } from '@tanstack/react-query';
import { api, ask } from '@/api/client';

export function endpointsQuery(workspace: string) {
  return queryOptions({
    queryKey: [workspace, 'endpoints'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/online-endpoints', { params: { path: { workspace }, query: { max_results: 200 } } })),
  });
}

export function endpointQuery(workspace: string, endpoint: string) {
  return queryOptions({
    queryKey: [workspace, 'endpoint', endpoint],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}', { params: { path: { workspace, endpoint } } })),
  });
}

export function deploymentsQuery(workspace: string, endpoint: string) {
  return queryOptions({
    queryKey: [workspace, 'endpoint', endpoint, 'deployments'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}/deployments', { params: { path: { workspace, endpoint } } })),
  });
}

export function deploymentLogsQuery(workspace: string, endpoint: string, deployment: string) {
  return queryOptions({
    queryKey: [workspace, 'endpoint', endpoint, 'logs', deployment],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}/deployments/{deployment}/logs', {
      params: { path: { workspace, endpoint, deployment }, query: { tail: 2000 } },
    })),
    refetchInterval: 5000,
  });
}
