import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { api, ask } from '@/api/client';

export function datastoresQuery(workspace: string) {
  return queryOptions({
    queryKey: [workspace, 'datastores'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/datastores', { params: { path: { workspace } } })),
  });
}

export function datastoreQuery(workspace: string, datastore: string) {
  return queryOptions({
    queryKey: [workspace, 'datastore', datastore],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/datastores/{datastore}', { params: { path: { workspace, datastore } } })),
  });
}

/** The files below a folder, a page at a time: there may be millions. */
export function datastoreFilesQuery(workspace: string, datastore: string, path: string) {
  return infiniteQueryOptions({
    queryKey: [workspace, 'datastore', datastore, 'files', path],
    queryFn: ({ pageParam }) => ask(api.GET('/api/v1/workspaces/{workspace}/datastores/{datastore}/files', {
      params: { path: { workspace, datastore }, query: { ...(path ? { path } : {}), ...(pageParam ? { page_token: pageParam } : {}) } },
    })),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_page_token || undefined,
    retry: false,
  });
}
