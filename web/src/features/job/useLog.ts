import { workspacePath } from '@/api/client';
import { useTextLog } from '@/api/log';

export const logNames = {
  output: 'user_logs/std_log.txt',
  environment: 'system_logs/environment.txt',
  runner: 'system_logs/runner.txt',
} as const;

export type LogName = keyof typeof logNames;

/** One of a job's logs. */
export function useLog(workspace: string, job: string, name: string, live: boolean) {
  const path = `${workspacePath(workspace, 'jobs', job, 'logs')}?name=${encodeURIComponent(name)}`;
  return useTextLog(path, live, job);
}
