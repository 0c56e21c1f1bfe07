import { useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useEffect } from 'react';
import { onNotice, openEvents, type Notice } from '@/api/events';

/** What a piece of news makes stale. The first part of every key is the workspace. */
export function staleKeys(workspace: string, { topic, id }: Notice): QueryKey[] {
  switch (topic) {
    case 'job': return [[workspace, 'jobs'], [workspace, 'job', id], [workspace, 'runs'], [workspace, 'run', id], [workspace, 'artifacts', id], [workspace, 'queue'], [workspace, 'computes'], [workspace, 'lineage']];
    case 'run': return [[workspace, 'runs'], [workspace, 'run', id], [workspace, 'artifacts', id]];
    case 'metrics': return [[workspace, 'runs'], [workspace, 'run', id], [workspace, 'metrics', id]];
    case 'experiment': return [[workspace, 'experiments']];
    case 'model': return [[workspace, 'models'], [workspace, 'model'], [workspace, 'lineage']];
    case 'data': return [[workspace, 'data'], [workspace, 'asset', id], [workspace, 'lineage']];
    case 'datastore': return [[workspace, 'datastores'], [workspace, 'datastore', id]];
    case 'endpoint':
    case 'deployment': return [[workspace, 'endpoints'], [workspace, 'endpoint']];
    case 'activity': return [[workspace, 'endpoint', id, 'activity']];
    case 'logs': return deploymentLogs(workspace, id);
    case 'workspace': return [['workspaces'], ['me']];
    default: return [];
  }
}

/** The news of a job's log is heard where the log is read (api/log.ts). */
function deploymentLogs(workspace: string, id: string): QueryKey[] {
  const [endpoint, deployment] = id.split('/');
  return deployment === undefined ? [] : [[workspace, 'endpoint', endpoint, 'logs', deployment]];
}

const gatherFor = 400;

/** Keeps what the page shows true: news is gathered for a moment, then what it touches is read anew. */
export function useLive(workspace: string) {
  const queries = useQueryClient();
  useEffect(() => {
    if (workspace === '') return;
    const waiting = new Map<string, QueryKey>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      for (const queryKey of waiting.values()) void queries.invalidateQueries({ queryKey });
      waiting.clear();
    };
    const unsubscribe = onNotice((notice) => {
      for (const key of staleKeys(workspace, notice)) waiting.set(JSON.stringify(key), key);
      timer ??= setTimeout(flush, gatherFor);
    });
    const close = openEvents(workspace, () => void queries.invalidateQueries());
    return () => {
      clearTimeout(timer);
      unsubscribe();
      close();
    };
  }, [workspace, queries]);
}
