import { queryOptions } from '@tanstack/react-query';
import { api, ask } from '@/api/client';

export function computesQuery(workspace: string) {
  return queryOptions({
    queryKey: [workspace, 'computes'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/computes', { params: { path: { workspace } } })),
  });
}

/** What runs and what waits. News of jobs makes it stale; jobs of other workspaces are only counted, now and then. */
export function queueQuery(workspace: string) {
  return queryOptions({
    queryKey: [workspace, 'queue'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/queue', { params: { path: { workspace } } })),
    refetchInterval: 10_000,
  });
}

export function limitsQuery(workspace: string) {
  return queryOptions({
    queryKey: [workspace, 'job-limits'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/job-limits', { params: { path: { workspace } } })),
  });
}

export function whyQuery(workspace: string, job: string) {
  return queryOptions({
    queryKey: [workspace, 'job', job, 'why'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/jobs/{job}/why', { params: { path: { workspace, job } } })),
    refetchInterval: 10_000,
  });
}
