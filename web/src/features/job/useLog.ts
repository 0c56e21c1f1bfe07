import { workspacePath } from '@/api/client';
import { useTextLog } from '@/api/log';

/** One of a job's logs. */
export function useLog(workspace: string, job: string, name: string, live: boolean) {
  const path = `${workspacePath(workspace, 'jobs', job, 'logs')}?name=${encodeURIComponent(name)}`;
  return useTextLog(path, live, job);
}
