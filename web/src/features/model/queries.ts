import { queryOptions } from '@tanstack/react-query';
import { api, ask } from '@/api/client';

export function modelsQuery(workspace: string) {
  return queryOptions({
    queryKey: [workspace, 'models'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/models', { params: { path: { workspace }, query: { max_results: 200 } } })),
  });
}

export function modelQuery(workspace: string, model: string) {
  return queryOptions({
    queryKey: [workspace, 'model', model],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/models/{model}', { params: { path: { workspace, model } } })),
  });
}

export function versionsQuery(workspace: string, model: string) {
  return queryOptions({
    queryKey: [workspace, 'model', model, 'versions'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/models/{model}/versions', { params: { path: { workspace, model }, query: { max_results: 200 } } })),
  });
}

export function versionQuery(workspace: string, model: string, version: string) {
  return queryOptions({
    queryKey: [workspace, 'model', model, 'version', version],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/models/{model}/versions/{version}', { params: { path: { workspace, model, version } } })),
  });
}

export function modelTreeQuery(workspace: string, tree: string) {
  return queryOptions({
    queryKey: [workspace, 'tree', tree],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/trees/{tree}', { params: { path: { workspace, tree } } })),
    staleTime: Infinity,
  });
}
