import { queryOptions } from '@tanstack/react-query';
import { api, ask, fetchRaw } from '@/api/client';
import { readDocument } from './schema';

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
  });
}

export function activityQuery(workspace: string, endpoint: string) {
  return queryOptions({
    queryKey: [workspace, 'endpoint', endpoint, 'activity'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}/activity', { params: { path: { workspace, endpoint } } })),
  });
}

/** What a deployment says of its requests; nothing where it says nothing that can be read. */
export function documentQuery(workspace: string, endpoint: string, deployment: string) {
  return queryOptions({
    queryKey: [workspace, 'endpoint-document', endpoint, deployment],
    queryFn: async () => {
      const path = ['/workspaces', workspace, 'endpoints', endpoint, 'swagger.json'].map((part, i) => (i === 0 ? part : encodeURIComponent(part))).join('/');
      const answer = await fetchRaw(path, { headers: { 'azureml-model-deployment': deployment } });
      return readDocument(await answer.text());
    },
    retry: false,
  });
}
