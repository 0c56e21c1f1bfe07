import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatClock, formatDuration, formatMetric } from '@/lib/format';
import { seriesColour, seriesColours } from '@/lib/colours';
import { align, smooth, type Line, type XAxis } from '@/lib/series';
import classes from './LineChart.module.css';

interface LineChartProps {
  title: string;
  lines: readonly Line[];
  axis: XAxis;
  logScale?: boolean;
  smoothing?: number;
  height?: number;
  /** Charts with the same key move their cursors together. */
  syncKey?: string;
  /** Writes a value, with its unit. */
  format?: (value: number) => string;
  /** Begins at nothing, and reaches at least this far up. */
  least?: number;
}

interface Hover {
  left: number;
  /** Whether the pointer is in the right half, where the values go to its left. */
  right: boolean;
  top: number;
  x: number;
  values: { label: string; colour: number; value: number }[];
}

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Lines over steps or time, with legible axes and the values under the pointer. */
export function LineChart({ title, lines, axis, logScale, smoothing = 0, height = 220, syncKey, format, least }: LineChartProps) {
  const { i18n, t } = useTranslation();
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [hover, setHover] = useState<Hover | null>(null);
  const scheme = useComputedColorScheme();
  const language = i18n.language;
  const data = useMemo(() => dataOf(lines, smoothing), [lines, smoothing]);
  const write = useMemo(() => format ?? ((value: number) => formatMetric(value, language)), [format, language]);
  const shape = lines.map((line) => `${line.label}:${line.colour}`).join('|');

  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const options = optionsOf({ lines, axis, logScale: logScale ?? false, smoothing, height, syncKey, language, width: element.clientWidth, onHover: setHover, write, least });
    const created = new uPlot(options, data as uPlot.AlignedData, element);
    plot.current = created;
    const observer = new ResizeObserver(() => created.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      created.destroy();
      plot.current = null;
    };
    // The chart is made anew when its look changes; new points go in below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [shape, axis, logScale, smoothing > 0, height, syncKey, language, scheme, write, least]);

  useEffect(() => {
    plot.current?.setData(data as uPlot.AlignedData);
  }, [data]);

  const last = lines.map((line) => `${line.label} ${write(line.ys.findLast((y) => y !== null) ?? NaN)}`);
  return (
    <div className={classes.chart} style={{ height }}>
      <div ref={holder} role="img" aria-label={t('chart.label', { title, values: last.join(', ') })} onMouseLeave={() => setHover(null)} />
      {hover && hover.values.length > 0 && <Tip hover={hover} axis={axis} write={write} />}
    </div>
  );
}

function Tip({ hover, axis, write }: { hover: Hover; axis: XAxis; write: (value: number) => string }) {
  const { i18n, t } = useTranslation();
  const x = axis === 'step' ? t('chart.atStep', { step: hover.x }) : axisText(hover.x, axis, i18n.language, true);
  return (
    <div className={classes.tip} data-side={hover.right ? 'left' : 'right'} style={{ left: hover.left, top: 8 }}>
      <div className={classes.tipHead}>{x}</div>
      {hover.values.map((entry) => (
        <div key={entry.label} className={classes.tipRow}>
          <span className={classes.swatch} style={{ background: seriesColour(entry.colour) }} />
          <span className={`ellipsis ${classes.tipLabel}`}>{entry.label}</span>
          <span className="number">{write(entry.value)}</span>
        </div>
      ))}
    </div>
  );
}

/** The columns for the chart: the lines, and when smoothed, their raw shadows before them. */
function dataOf(lines: readonly Line[], smoothing: number) {
  if (smoothing <= 0) return align(lines);
  const smoothed = lines.map((line) => ({ ...line, ys: smooth(line.ys, smoothing) }));
  return align([...lines, ...smoothed]);
}

function axisText(x: number, axis: XAxis, language: string, exact = false): string {
  if (axis === 'step') return formatMetric(x, language);
  if (axis === 'time') return formatDuration(x * 1000, language);
  return formatClock(new Date(x * 1000), language, exact);
}

/** Ticks between two steps would be at steps that never were. */
const wholeSteps = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat();

/** Whole minutes, for the time of day. */
const wholeMinutes = [60, 300, 600, 1800, 3600];

interface Look {
  lines: readonly Line[];
  axis: XAxis;
  logScale: boolean;
  smoothing: number;
  height: number;
  width: number;
  syncKey: string | undefined;
  language: string;
  onHover: (hover: Hover | null) => void;
  write: (value: number) => string;
  least: number | undefined;
}

function optionsOf(look: Look): uPlot.Options {
  const { lines, smoothing, language, write, least } = look;
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const axisLook: uPlot.Axis = {
    stroke: token('--muted'),
    font,
    grid: { stroke: token('--line'), width: 1 },
    ticks: { show: false },
  };
  const isShadow = (index: number) => smoothing > 0 && index < lines.length;
  const all = smoothing > 0 ? [...lines, ...lines] : lines;
  return {
    width: look.width,
    height: look.height,
    legend: { show: false },
    padding: [6, 10, 0, 0],
    cursor: {
      points: { size: 7 },
      drag: { x: true, y: false },
      focus: { prox: 24 },
      ...(look.syncKey ? { sync: { key: look.syncKey } } : {}),
    },
    scales: { x: { time: false }, y: look.logScale ? { distr: 3 } : least === undefined ? {} : { range: (_, __, max) => [0, Math.max(least, max * 1.08)] } },
    axes: [
      {
        ...axisLook,
        grid: { show: false },
        size: 28,
        gap: 6,
        space: 64,
        ...(look.axis === 'step' ? { incrs: wholeSteps } : look.axis === 'clock' ? { incrs: wholeMinutes } : {}),
        values: (_, splits) => splits.map((v) => axisText(v, look.axis, language)),
      },
      {
        ...axisLook,
        size: (_, values) => Math.max(36, 12 + 6.6 * Math.max(...(values ?? ['']).map((v) => v?.length ?? 0))),
        gap: 6,
        space: 36,
        values: (_, splits) => splits.map((v) => (v === null ? '' : write(v))),
      },
    ],
    series: [
      {},
      ...all.map((line, i): uPlot.Series => {
        const colour = token(`--series-${(line.colour % seriesColours) + 1}`);
        return {
          label: line.label,
          stroke: isShadow(i) ? `${colour}40` : colour,
          width: isShadow(i) ? 1 : 1.75,
          points: { show: !isShadow(i), filter: alone, size: 5, fill: colour },
        };
      }),
    ],
    hooks: { setCursor: [(u) => look.onHover(hoverOf(u, look))] },
  };
}

/** The points without a neighbour, which no line would show. */
function alone(u: uPlot, series: number): number[] {
  const column = Array.from<number | null | undefined>(u.data[series] ?? []);
  return [...column.keys()].filter((i) => column[i] !== null && column[i] !== undefined && isLonely(column, i));
}

/** Whether a line would end at the point from both sides: gaps are null, and lines go on across undefined. */
function isLonely(column: readonly (number | null | undefined)[], at: number): boolean {
  const next = (by: number) => {
    let i = at + by;
    while (i >= 0 && i < column.length && column[i] === undefined) i += by;
    return column[i] ?? null;
  };
  return next(-1) === null && next(1) === null;
}

/** The values under the pointer; a line that has none there gives its nearest earlier one. */
function hoverOf(u: uPlot, look: Look): Hover | null {
  const { idx, left, top } = u.cursor;
  if (idx === null || idx === undefined || left === undefined || left < 0) return null;
  const first = look.smoothing > 0 ? look.lines.length : 0;
  const values = look.lines.flatMap((line, i) => {
    const column = u.data[1 + first + i] ?? [];
    let at = idx;
    while (at > 0 && (column[at] === undefined || column[at] === null)) at--;
    const value = column[at];
    return value === undefined || value === null ? [] : [{ label: line.label, colour: line.colour, value }];
  });
  return { left: left + u.bbox.left / devicePixelRatio, right: left > u.over.clientWidth / 2, top: top ?? 0, x: u.data[0][idx] ?? 0, values };
}
