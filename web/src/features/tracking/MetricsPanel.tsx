import { SegmentedControl, Slider, Switch, TextInput } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { useMemo, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { MetricSeries } from '@/api/nouns';
import { LineChart } from '@/components/LineChart';
import { Section } from '@/components/Page';
import { EmptyState, ErrorState, LoadingRows } from '@/components/States';
import { seriesColour } from '@/lib/colours';
import { formatCount } from '@/lib/format';
import { toLine, type XAxis } from '@/lib/series';
import { seriesQuery } from './queries';
import classes from './MetricsPanel.module.css';

export interface ChartLook {
  axis: Exclude<XAxis, 'clock'>;
  log: boolean;
  smooth: number;
}

export interface ChartedRun {
  id: string;
  label: string;
}

interface ChartGridProps {
  workspace: string;
  runs: readonly ChartedRun[];
  keys: readonly string[];
  look: ChartLook;
  /** At most this many charts, and smaller; all of them when absent. */
  most?: number;
  /** What to show instead when nothing has more than one point. */
  fallback?: ReactNode;
}

const mostKeys = 80;

interface Charted {
  key: string;
  series: { run: ChartedRun; colour: number; data: MetricSeries }[];
}

/** One chart per metric that has a history, the same colour for the same run in all of them. */
export function ChartGrid({ workspace, runs, keys, look, most, fallback }: ChartGridProps) {
  const asked = useMemo(
    () => keys.slice(0, mostKeys).flatMap((key) => runs.map((run, colour) => ({ key, run, colour }))),
    [keys, runs],
  );
  const answers = useQueries({ queries: asked.map(({ run, key }) => seriesQuery(workspace, run.id, key)) });
  const failed = answers.find((answer) => answer.isError && answer.data === undefined);
  if (failed) return <ErrorState error={failed.error} onRetry={() => void failed.refetch()} />;
  if (answers.some((answer) => answer.isPending)) return <LoadingRows rows={5} />;
  const charted = new Map<string, Charted>();
  asked.forEach(({ key, run, colour }, i) => {
    const data = answers[i]?.data;
    if (!data || data.count < 2) return;
    const chart = charted.get(key) ?? { key, series: [] };
    chart.series.push({ run, colour, data });
    charted.set(key, chart);
  });
  const charts = [...charted.values()].slice(0, most);
  if (charts.length === 0) return <>{fallback}</>;
  return (
    <div className={most === undefined ? classes.grid : classes.small}>
      {charts.map((chart) => <Chart key={chart.key} chart={chart} look={look} height={most === undefined ? 230 : 160} />)}
    </div>
  );
}

function Chart({ chart, look, height }: { chart: Charted; look: ChartLook; height: number }) {
  const { t, i18n } = useTranslation();
  const lines = useMemo(
    () => chart.series.map(({ run, colour, data }) => toLine(data, run.label, colour, look.axis)),
    [chart.series, look.axis],
  );
  const sampled = chart.series.find(({ data }) => data.sampled);
  return (
    <figure className={classes.chart}>
      <figcaption className={classes.title}>
        <span className="ellipsis" title={chart.key}>{chart.key}</span>
        {sampled && <span className={classes.sampled}>{t('chart.sampled', { count: sampled.data.count, shown: formatCount(sampled.data.count, i18n.language) })}</span>}
      </figcaption>
      <LineChart title={chart.key} lines={lines} axis={look.axis} logScale={look.log} smoothing={look.smooth} height={height} syncKey="metrics" />
    </figure>
  );
}

/** Which line is which run. */
export function Legend({ runs }: { runs: readonly ChartedRun[] }) {
  return (
    <ul className={classes.legend}>
      {runs.map((run, i) => (
        <li key={run.id}><span className={classes.swatch} style={{ background: seriesColour(i) }} />{run.label}</li>
      ))}
    </ul>
  );
}

/** How charts are drawn: axis, scale, smoothing. */
export function ChartControls({ look, onChange }: { look: ChartLook; onChange: (look: ChartLook) => void }) {
  const { t } = useTranslation();
  return (
    <div className={classes.controls}>
      <SegmentedControl
        size="xs" aria-label={t('chart.axis')} value={look.axis} onChange={(axis) => onChange({ ...look, axis: axis as ChartLook['axis'] })}
        data={[{ value: 'step', label: t('chart.step') }, { value: 'time', label: t('chart.time') }]}
      />
      <Switch size="xs" label={t('chart.log')} checked={look.log} onChange={(event) => onChange({ ...look, log: event.currentTarget.checked })} />
      <label className={classes.smoothing}>
        <span>{t('chart.smoothing')}</span>
        <Slider
          size="sm" w={110} min={0} max={0.95} step={0.05} label={(value) => value.toFixed(2)} thumbLabel={t('chart.smoothing')}
          value={look.smooth} onChange={(smooth) => onChange({ ...look, smooth })}
        />
      </label>
    </div>
  );
}

interface MetricsPanelProps {
  workspace: string;
  runs: readonly ChartedRun[];
  keys: readonly string[];
  look: ChartLook;
  onLook: (look: ChartLook) => void;
}

/** All the charts of one or more runs. */
export function MetricsPanel({ workspace, runs, keys, look, onLook }: MetricsPanelProps) {
  const { t } = useTranslation();
  const [words, setWords] = useState('');
  const shown = useMemo(() => keys.filter((key) => key.toLowerCase().includes(words.toLowerCase())).toSorted(), [keys, words]);
  if (keys.length === 0) {
    return <Section><EmptyState title={t('metrics.none')} snippet={'mlflow.log_metric("loss", loss, step=epoch)'}>{t('metrics.noneHint')}</EmptyState></Section>;
  }
  return (
    <>
      <div className={classes.bar}>
        <TextInput size="xs" w={220} aria-label={t('metrics.find')} placeholder={t('metrics.find')} value={words} onChange={(event) => setWords(event.currentTarget.value)} />
        <ChartControls look={look} onChange={onLook} />
      </div>
      {runs.length > 1 && <Legend runs={runs} />}
      <ChartGrid workspace={workspace} runs={runs} keys={shown} look={look} fallback={<Section><EmptyState title={t('metrics.single')}>{t('metrics.singleHint')}</EmptyState></Section>} />
    </>
  );
}
