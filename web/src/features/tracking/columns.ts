import type { Run } from '@/api/nouns';
import { betterDirection } from '@/lib/direction';

/** What the runs at hand have to show: "metrics.rmse", "params.alpha", the commonest first. */
export function fieldsOf(runs: readonly Run[]): string[] {
  const counts = new Map<string, number>();
  for (const run of runs) {
    for (const key of Object.keys(run.metrics ?? {})) add(counts, `metrics.${key}`);
    for (const key of Object.keys(run.params ?? {})) add(counts, `params.${key}`);
  }
  return [...counts.entries()]
    .sort(([a, inA], [b, inB]) => group(a) - group(b) || inB - inA || a.localeCompare(b))
    .map(([field]) => field);
}

function add(counts: Map<string, number>, field: string) {
  counts.set(field, (counts.get(field) ?? 0) + 1);
}

function group(field: string): number {
  return field.startsWith('metrics.') ? 0 : 1;
}

const mostMetrics = 3;
const mostParams = 3;

/** The columns to show before the reader has chosen: results that can be ranked, and params that differ. */
export function defaultColumns(runs: readonly Run[]): string[] {
  const fields = fieldsOf(runs);
  const metrics = fields.filter((field) => field.startsWith('metrics.'));
  const ranked = metrics.toSorted((a, b) => worth(b.slice('metrics.'.length)) - worth(a.slice('metrics.'.length)));
  const params = fields.filter((field) => field.startsWith('params.'));
  const differing = params.filter((field) => differs(runs, field));
  return [...ranked.slice(0, mostMetrics), ...(differing.length > 0 ? differing : params).slice(0, mostParams)];
}

/** How much a metric says about which run is best: results on held-out data most, time and what has no direction least. */
export function worth(metric: string): number {
  if (betterDirection(metric) === null || /time|seconds|latency|duration/i.test(metric)) return 0;
  if (/train/i.test(metric)) return 1;
  return /rmse|accuracy|auc|f1/i.test(metric) ? 3 : 2;
}

function differs(runs: readonly Run[], field: string): boolean {
  const key = field.slice('params.'.length);
  const values = new Set(runs.flatMap((run) => run.params?.[key] ?? []));
  return values.size > 1;
}

/** "metrics.val/loss" as its group and its key. */
export function splitField(field: string): { group: 'metrics' | 'params'; key: string } {
  const group = field.startsWith('metrics.') ? 'metrics' : 'params';
  return { group, key: field.slice(group.length + 1) };
}

/** The experiment last worked on, and its commonest metric that can be ranked. */
export function rankingOf(runs: readonly Run[]): { experiment: string; metric: string; descending: boolean } | null {
  for (const experiment of new Set(runs.map((run) => run.experiment_name))) {
    const counts = new Map<string, number>();
    for (const run of runs.filter((one) => one.experiment_name === experiment)) {
      for (const key of Object.keys(run.metrics ?? {})) {
        if (betterDirection(key) !== null) counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    const [metric] = [...counts.entries()].toSorted(([a, inA], [b, inB]) => worth(b) - worth(a) || inB - inA || a.localeCompare(b))[0] ?? [];
    if (metric !== undefined) return { experiment, metric, descending: betterDirection(metric) === 'higher' };
  }
  return null;
}

/** The params in which some runs differ, of one of them: "ridge, 0.3". */
export function tellingParams(run: Run, runs: readonly Run[], most: number): string {
  const keys = fieldsOf(runs).filter((field) => field.startsWith('params.') && differs(runs, field)).map((field) => splitField(field).key);
  return keys.slice(0, most).map((key) => `${key} ${run.params?.[key] ?? '–'}`).join(', ');
}
