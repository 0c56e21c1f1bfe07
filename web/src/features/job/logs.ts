// Which logs a job has.
import type { Job } from '@/api/nouns';

export const logNames = {
  output: 'user_logs/std_log.txt',
  environment: 'system_logs/environment.txt',
  runner: 'system_logs/runner.txt',
} as const;

export type LogName = keyof typeof logNames;

/** How many processes the job is. */
export function processesOf({ distribution, resources }: Pick<Job, 'distribution' | 'resources'>): number {
  if (!distribution) return 1;
  if (distribution.type === 'tensorflow') return (distribution.worker_count ?? 1) + (distribution.parameter_server_count ?? 0);
  return (distribution.process_count_per_instance ?? 1) * (resources?.instance_count ?? 1);
}

/** The log of each process, the first one's first. */
export function processLogs(processes: number): string[] {
  return Array.from({ length: processes }, (_, rank) => (rank === 0 ? logNames.output : `user_logs/std_log_process_${String(rank).padStart(2, '0')}.txt`));
}
