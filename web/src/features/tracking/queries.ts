import { queryOptions } from '@tanstack/react-query';
import { api, ask } from '@/api/client';
import type { Artifact } from '@/api/nouns';

export interface RunSearch {
  experiment?: string | undefined;
  filter: string;
  orderBy: string | undefined;
  /** The deleted ones instead of the others. */
  deleted?: boolean | undefined;
}

export function firstRunsQuery(workspace: string, search: RunSearch, count: number) {
  return queryOptions({
    queryKey: [workspace, 'runs', 'first', search, count],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/runs', {
      params: {
        path: { workspace },
        query: {
          max_results: count,
          ...(search.experiment ? { experiment: [search.experiment] } : {}),
          ...(search.filter ? { filter: search.filter } : {}),
          ...(search.orderBy ? { order_by: [search.orderBy] } : {}),
        },
      },
    })),
  });
}

export function runQuery(workspace: string, run: string) {
  return queryOptions({
    queryKey: [workspace, 'run', run],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/runs/{run}', { params: { path: { workspace, run } } })),
  });
}

export function experimentsQuery(workspace: string) {
  return queryOptions({
    queryKey: [workspace, 'experiments'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/experiments', { params: { path: { workspace }, query: { max_results: 1000 } } })),
  });
}

export function seriesQuery(workspace: string, run: string, key: string) {
  return queryOptions({
    queryKey: [workspace, 'metrics', run, key],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/runs/{run}/metrics', {
      params: { path: { workspace, run }, query: { key, max_points: 1000 } },
    })),
  });
}

const mostFolders = 200;

export function artifactsQuery(workspace: string, run: string) {
  return queryOptions({
    queryKey: [workspace, 'artifacts', run],
    queryFn: () => listArtifacts(workspace, run),
  });
}

/** Every file of a run: the server lists a folder at a time. */
async function listArtifacts(workspace: string, run: string): Promise<{ files: Artifact[]; complete: boolean }> {
  const files: Artifact[] = [];
  const folders = [''];
  for (let i = 0; i < folders.length && i < mostFolders; i++) {
    const path = folders[i];
    const page = await ask(api.GET('/api/v1/workspaces/{workspace}/runs/{run}/artifacts', {
      params: { path: { workspace, run }, query: path ? { path } : {} },
    }));
    for (const item of page.items) {
      if (item.is_dir) folders.push(item.path);
      else files.push(item);
    }
  }
  return { files, complete: folders.length <= mostFolders };
}
