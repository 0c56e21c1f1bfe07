// What the addresses of the pages of runs carry.

export interface RunsSearch {
  experiment?: string | undefined;
  status?: string | undefined;
  filter?: string | undefined;
  order?: string | undefined;
  /** The params and metrics that are columns. */
  columns?: string[] | undefined;
  /** The other columns that are not. */
  hidden?: string[] | undefined;
  pinned?: string[] | undefined;
}

export const runTabs = ['overview', 'metrics', 'logs', 'outputs', 'code', 'environment', 'lineage'] as const;
export type RunTab = (typeof runTabs)[number];

export interface RunSearch {
  tab?: RunTab | undefined;
  path?: string | undefined;
  log?: string | undefined;
  axis?: 'time' | undefined;
  scale?: 'log' | undefined;
  smooth?: number | undefined;
}

export interface CompareSearch {
  runs: string[];
  differing?: boolean | undefined;
  axis?: 'time' | undefined;
  scale?: 'log' | undefined;
  smooth?: number | undefined;
}

type Raw = Record<string, unknown>;

function text(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function texts(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.map(text).filter((one) => one !== undefined) : undefined;
}

function charts(raw: Raw) {
  const smooth = Number(raw.smooth);
  return {
    axis: raw.axis === 'time' ? ('time' as const) : undefined,
    scale: raw.scale === 'log' ? ('log' as const) : undefined,
    smooth: smooth > 0 && smooth < 1 ? smooth : undefined,
  };
}

export function parseRunsSearch(raw: Raw): RunsSearch {
  return {
    experiment: text(raw.experiment), status: text(raw.status), filter: text(raw.filter), order: text(raw.order), columns: texts(raw.columns),
    hidden: texts(raw.hidden), pinned: texts(raw.pinned),
  };
}

export function parseRunSearch(raw: Raw): RunSearch {
  const tab = runTabs.find((one) => one === raw.tab);
  return { tab, path: text(raw.path), log: text(raw.log), ...charts(raw) };
}

export function parseCompareSearch(raw: Raw): CompareSearch {
  return { runs: texts(raw.runs) ?? [], differing: raw.differing === true ? true : undefined, ...charts(raw) };
}

export function toLook(search: Pick<RunSearch, 'axis' | 'scale' | 'smooth'>) {
  return { axis: search.axis ?? ('step' as const), log: search.scale === 'log', smooth: search.smooth ?? 0 };
}

export function fromLook(look: { axis: 'step' | 'time'; log: boolean; smooth: number }) {
  return { axis: look.axis === 'time' ? look.axis : undefined, scale: look.log ? ('log' as const) : undefined, smooth: look.smooth || undefined };
}
