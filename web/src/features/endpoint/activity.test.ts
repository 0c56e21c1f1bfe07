import { expect, it } from 'vitest';
import type { Activity } from '@/api/nouns';
import { failing, lastMinute, latency, linesOf, rate, recentOf } from './activity';

const quiet = { requests: 0, failures: 0, p50: 0, p95: 0, p99: 0, replicas: 1 };
const busy = { requests: 10, failures: 1, p50: 4, p95: 20, p99: 40, replicas: 2 };
const activity: Activity = {
  since: '2026-01-01T00:00:00Z', step_seconds: 5,
  deployments: [{ name: 'blue', in_flight: 0, waiting: 0, steps: [quiet, quiet, busy] }, { name: 'green', in_flight: 1, waiting: 2, steps: [quiet, quiet, quiet] }],
};
const start = Date.parse(activity.since) / 1000;

it('draws a line for each deployment, with gaps where there is nothing to say', () => {
  const recent = recentOf(activity, 0);
  expect(recent.xs).toEqual([start + 5, start + 10, start + 15]);
  const [blue, green] = linesOf(recent, rate(5));
  expect([blue?.ys, blue?.colour, green?.ys, green?.colour]).toEqual([[0, 0, 2], 0, [0, 0, 0], 1]);
  expect(linesOf(recent, failing)[0]?.ys).toEqual([null, null, 10]);
  expect(linesOf(recent, latency('p95'))[0]?.ys).toEqual([null, null, 20]);
});

it('moves on with the time while nothing is heard', () => {
  const recent = recentOf(activity, 7000);
  expect(recent.xs).toEqual([start + 10, start + 15, start + 20]);
  expect(linesOf(recent, rate(5))[0]?.ys).toEqual([0, 2, 0]);
  expect(recent.deployments[0]?.steps.at(-1)?.replicas).toBe(2);
  expect(linesOf(recentOf(activity, 1e9), rate(5))[0]?.ys).toEqual([0, 0, 0]);
});

it('sums up the last minute', () => {
  const recent = recentOf(activity, 0);
  expect(lastMinute(recent, 'blue')).toEqual({ perSecond: 10 / 15, failing: 10, p95: 20 });
  expect(lastMinute(recent, 'green')).toEqual({ perSecond: 0, failing: undefined, p95: undefined });
  expect(lastMinute(recent, 'red')).toBeUndefined();
});
