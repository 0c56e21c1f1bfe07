import { expect, it } from 'vitest';
import { allows } from './permission';

it.each([
  [['*'], [], 'jobs/write', true],
  [['*/read'], [], 'jobs/read', true],
  [['*/read'], [], 'experiments/runs/read', true],
  [['*/read'], [], 'jobs/write', false],
  [['jobs/*'], [], 'jobs/cancel/action', true],
  [['jobs/write'], [], 'jobs/write', true],
  [['*'], ['endpoints/online/listKeys/action'], 'endpoints/online/listKeys/action', false],
  [['*'], ['tasks/*'], 'tasks/report/action', false],
  [[], [], 'jobs/read', false],
])('%j without %j covers %s: %s', (actions, not_actions, permission, want) => {
  expect(allows({ actions, not_actions }, permission)).toBe(want);
});
