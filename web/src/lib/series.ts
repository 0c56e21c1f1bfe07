import type { MetricSeries } from '@/api/nouns';
import { toNumber } from './format';

/** Steps, the seconds since a beginning, or the time of day in seconds since 1970. */
export type XAxis = 'step' | 'time' | 'clock';

export interface Line {
  label: string;
  /** Which of the series colours, from 0. */
  colour: number;
  xs: number[];
  ys: (number | null)[];
}

/** A series as a line: x is the step, or the seconds since the run's first point. */
export function toLine(series: MetricSeries, label: string, colour: number, axis: XAxis): Line {
  const start = series.points[0] ? Date.parse(series.points[0].timestamp) : 0;
  const points = series.points.map((point) => ({
    x: axis === 'step' ? point.step : (Date.parse(point.timestamp) - start) / 1000,
    y: toNumber(point.value),
  }));
  points.sort((a, b) => a.x - b.x);
  return {
    label,
    colour,
    xs: points.map((point) => point.x),
    ys: points.map((point) => (Number.isFinite(point.y) ? point.y : null)),
  };
}

/** An exponential moving average, without its pull to the first value. */
export function smooth(ys: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return [...ys];
  let average = 0;
  let mass = 0;
  return ys.map((y) => {
    if (y === null) return null;
    average = average * weight + y * (1 - weight);
    mass = mass * weight + (1 - weight);
    return average / mass;
  });
}

/** Lines over one common axis, as the chart wants them: gaps are undefined, so that lines go on across them. */
export function align(lines: readonly Line[]): [number[], ...(number | null | undefined)[][]] {
  const xs = [...new Set(lines.flatMap((line) => line.xs))].sort((a, b) => a - b);
  const place = new Map(xs.map((x, i) => [x, i]));
  const columns = lines.map((line) => {
    const column: (number | null | undefined)[] = new Array<undefined>(xs.length).fill(undefined);
    line.xs.forEach((x, i) => {
      column[place.get(x) ?? 0] = line.ys[i];
    });
    return column;
  });
  return [xs, ...columns];
}
