import { queryOptions, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { api, ask } from '@/api/client';
import type { Job, Run } from '@/api/nouns';
import { toStatus, type Status } from '@/components/status';

export function jobsQuery(workspace: string) {
  return queryOptions({
    queryKey: [workspace, 'jobs'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/jobs', { params: { path: { workspace }, query: { max_results: 200 } } })),
  });
}

export function jobQuery(workspace: string, job: string) {
  return queryOptions({
    queryKey: [workspace, 'job', job],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/jobs/{job}', { params: { path: { workspace, job } } })) as Promise<Job>,
  });
}

/** The programs beside a running job, and how they are. */
export function servicesQuery(workspace: string, job: string) {
  return queryOptions({
    queryKey: [workspace, 'job', job, 'services'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/jobs/{job}/services', { params: { path: { workspace, job } } })),
  });
}

export function snapshotQuery(workspace: string, tree: string) {
  return queryOptions({
    queryKey: [workspace, 'tree', tree],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/trees/{tree}', { params: { path: { workspace, tree } } })),
    staleTime: Infinity,
  });
}

/** What a run read and made. */
export function runDataQuery(workspace: string, run: string) {
  return queryOptions({
    queryKey: [workspace, 'run', run, 'data'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/runs/{run}/data', { params: { path: { workspace, run } } })),
  });
}

/** The tree of a job's snapshot: "azureml:<tree>:1". */
export function treeOf(job: Job): string | undefined {
  return /^azureml:([0-9a-f]{64}):/.exec(job.code ?? '')?.[1];
}

/** A run's status, or its job's where the job knows more exactly. */
export function useStatusOf(workspace: string): (run: Run) => Status {
  const { data } = useQuery(jobsQuery(workspace));
  return useMemo(() => {
    const exact = new Map(data?.items.map((job) => [job.name, job.status]));
    return (run) => toStatus(exact.get(run.id) ?? run.status);
  }, [data]);
}
