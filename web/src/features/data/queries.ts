import { queryOptions } from '@tanstack/react-query';
import { api, ask } from '@/api/client';
import type { DataAsset, DataVersion } from '@/api/nouns';

const pageSize = 1000;
const mostPages = 20;

/** Reads a list page by page: what is shown can then be searched by its words at once. */
async function all<T>(page: (token: string) => Promise<{ items: T[]; next_page_token?: string }>): Promise<{ items: T[]; complete: boolean }> {
  const items: T[] = [];
  let token = '';
  for (let i = 0; i < mostPages; i++) {
    const answer = await page(token);
    items.push(...answer.items);
    token = answer.next_page_token ?? '';
    if (token === '') return { items, complete: true };
  }
  return { items, complete: false };
}

export function assetsQuery(workspace: string, archived: boolean) {
  return queryOptions({
    queryKey: [workspace, 'data', { archived }],
    queryFn: () => all<DataAsset>((token) => ask(api.GET('/api/v1/workspaces/{workspace}/data', {
      params: { path: { workspace }, query: { archived, max_results: pageSize, ...(token ? { page_token: token } : {}) } },
    }))),
  });
}

export function assetQuery(workspace: string, asset: string) {
  return queryOptions({
    queryKey: [workspace, 'asset', asset],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/data/{asset}', { params: { path: { workspace, asset } } })),
  });
}

export function assetVersionsQuery(workspace: string, asset: string) {
  return queryOptions({
    queryKey: [workspace, 'asset', asset, 'versions'],
    queryFn: () => all<DataVersion>((token) => ask(api.GET('/api/v1/workspaces/{workspace}/data/{asset}/versions', {
      params: { path: { workspace, asset }, query: { archived: true, max_results: pageSize, ...(token ? { page_token: token } : {}) } },
    }))),
  });
}

export function previewQuery(workspace: string, asset: string, version: string, path: string | undefined) {
  return queryOptions({
    queryKey: [workspace, 'asset', asset, 'preview', version, path ?? ''],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/data/{asset}/versions/{version}/preview', {
      params: { path: { workspace, asset, version }, query: { rows: 100, ...(path ? { path } : {}) } },
    })),
    retry: false,
  });
}

/** What is made in the background is asked for again until it is there. */
const again = 1000;

export function profileQuery(workspace: string, asset: string, version: string) {
  return queryOptions({
    queryKey: [workspace, 'asset', asset, 'profile', version],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/data/{asset}/versions/{version}/profile', { params: { path: { workspace, asset, version } } })),
    refetchInterval: (query) => (query.state.data?.status === 'Queued' ? again : false),
  });
}

export function differenceQuery(workspace: string, asset: string, version: string, since: string) {
  return queryOptions({
    queryKey: [workspace, 'asset', asset, 'difference', since, version],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/data/{asset}/versions/{version}/difference', {
      params: { path: { workspace, asset, version }, query: { since } },
    })),
    refetchInterval: (query) => (query.state.data?.status === 'Queued' ? again : false),
  });
}

export function usesQuery(workspace: string, asset: string, version: string) {
  return queryOptions({
    queryKey: [workspace, 'asset', asset, 'uses', version],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/data/{asset}/versions/{version}/uses', { params: { path: { workspace, asset, version } } })),
  });
}

export function treeQuery(workspace: string, tree: string) {
  return queryOptions({
    queryKey: [workspace, 'tree', tree],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/trees/{tree}', { params: { path: { workspace, tree } } })),
    staleTime: Infinity,
  });
}
