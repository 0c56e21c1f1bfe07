// What an endpoint answered lately, as lines for charts.
import type { Activity, ActivityStep } from '@/api/nouns';
import type { Line } from '@/lib/series';
import type { Percentile } from './search';

export interface Recent {
  /** When each step ended, in seconds since 1970. */
  xs: number[];
  stepSeconds: number;
  deployments: { name: string; inFlight: number; waiting: number; steps: ActivityStep[] }[];
}

/**
 * The window as it is at this moment. News comes when there were requests; what
 * has passed since without any was quiet. age is the time since the answer came.
 */
export function recentOf(activity: Activity, age: number): Recent {
  const { step_seconds: stepSeconds } = activity;
  const length = activity.deployments[0]?.steps.length ?? 0;
  const quiet = Math.min(length, Math.max(0, Math.floor(age / 1000 / stepSeconds)));
  const first = Date.parse(activity.since) / 1000 + quiet * stepSeconds;
  return {
    xs: Array.from({ length }, (_, i) => first + (i + 1) * stepSeconds),
    stepSeconds,
    deployments: activity.deployments.map((one) => {
      const silence = { requests: 0, failures: 0, p50: 0, p95: 0, p99: 0, replicas: one.steps.at(-1)?.replicas ?? 0 };
      return { name: one.name, inFlight: one.in_flight, waiting: one.waiting, steps: [...one.steps.slice(quiet), ...new Array<ActivityStep>(quiet).fill(silence)] };
    }),
  };
}

type Reading = (step: ActivityStep) => number | null;

/** How many requests there were in a second. */
export const rate = (stepSeconds: number): Reading => (step) => step.requests / stepSeconds;
/** How many percent of the requests failed; nothing without a request. */
export const failing: Reading = (step) => (step.requests > 0 ? (100 * step.failures) / step.requests : null);
export const latency = (percentile: Percentile): Reading => (step) => (step.requests > 0 ? step[percentile] : null);
export const replicas: Reading = (step) => step.replicas;

/** One line for each deployment, always in the same colour. */
export function linesOf(recent: Recent, reading: Reading): Line[] {
  return recent.deployments.map((one, colour) => ({ label: one.name, colour, xs: recent.xs, ys: one.steps.map(reading) }));
}

export interface Summary {
  perSecond: number;
  failing: number | undefined;
  p95: number | undefined;
}

/** The last minute of a deployment in a few numbers. */
export function lastMinute(recent: Recent, name: string): Summary | undefined {
  const steps = recent.deployments.find((one) => one.name === name)?.steps.slice(-60 / recent.stepSeconds);
  if (!steps || steps.length === 0) return undefined;
  const requests = steps.reduce((sum, step) => sum + step.requests, 0);
  const failures = steps.reduce((sum, step) => sum + step.failures, 0);
  return {
    perSecond: requests / (steps.length * recent.stepSeconds),
    failing: requests > 0 ? (100 * failures) / requests : undefined,
    p95: requests > 0 ? Math.max(...steps.map((step) => step.p95)) : undefined,
  };
}
