import { expect, it } from 'vitest';
import { allows } from './permission';

it.each([
  [['*'], 'jobs/write', true],
  [['*/read'], 'jobs/read', true],
  [['*/read'], 'experiments/runs/read', true],
  [['*/read'], 'jobs/write', false],
  [['jobs/*'], 'jobs/cancel/action', true],
  [['jobs/write'], 'jobs/write', true],
  [['*', '!endpoints/online/listKeys/action'], 'endpoints/online/listKeys/action', false],
  [[], 'jobs/read', false],
])('%j covers %s: %s', (patterns, permission, want) => {
  expect(allows(patterns, permission)).toBe(want);
});
