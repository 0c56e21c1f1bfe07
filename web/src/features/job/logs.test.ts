import { expect, it } from 'vitest';
import { processesOf, processLogs } from './logs';

it('counts the processes of a job as the server does', () => {
  expect(processesOf({})).toBe(1);
  expect(processesOf({ distribution: { type: 'pytorch', process_count_per_instance: 2 }, resources: { instance_count: 3 } })).toBe(6);
  expect(processesOf({ distribution: { type: 'mpi' } })).toBe(1);
  expect(processesOf({ distribution: { type: 'tensorflow', worker_count: 2, parameter_server_count: 1 } })).toBe(3);
});

it('names the log of each process', () => {
  expect(processLogs(1)).toEqual(['user_logs/std_log.txt']);
  expect(processLogs(12).at(-1)).toBe('user_logs/std_log_process_11.txt');
});
