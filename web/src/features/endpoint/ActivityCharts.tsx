import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { LineChart } from '@/components/LineChart';
import { Section } from '@/components/Page';
import { ErrorState, LoadingRows } from '@/components/States';
import { useNow } from '@/lib/clock';
import { seriesColour } from '@/lib/colours';
import { formatCount, formatLatency, formatMetric } from '@/lib/format';
import type { Line } from '@/lib/series';
import { failing, latency, linesOf, rate, recentOf, replicas, type Recent } from './activity';
import { activityQuery } from './queries';
import { percentiles } from './search';
import classes from './Activity.module.css';

/** What the endpoint answered lately: news of it comes over the tab's one stream, and the time moves on by itself. */
export function useRecent(workspace: string, endpoint: string) {
  const query = useQuery(activityQuery(workspace, endpoint));
  const now = useNow(2500, query.data !== undefined).getTime();
  const recent = useMemo(() => query.data && recentOf(query.data, now - query.dataUpdatedAt), [query.data, query.dataUpdatedAt, now]);
  return { recent, rollout: query.data?.rollout, error: query.error };
}

/** Requests, latency, failures and replicas of the last minutes, one line for each deployment. */
export function ActivityCharts({ recent, error }: { recent: Recent | undefined; error: unknown }) {
  const { t } = useTranslation();
  const { latency: chosen = 'p95' } = useSearch({ from: '/app/w/$workspace/endpoints/$endpoint' });
  const navigate = useNavigate({ from: '/w/$workspace/endpoints/$endpoint' });
  const choice = (
    <SegmentedControl
      size="xs" aria-label={t('activity.percentile')} value={chosen} data={percentiles.map((value) => ({ value, label: value }))}
      onChange={(next) => void navigate({ search: (old) => ({ ...old, latency: next === 'p95' ? undefined : (next as typeof chosen) }), resetScroll: false, replace: true })}
    />
  );
  return (
    <Section title={t('activity.title')} aside={choice}>
      {error && !recent ? <ErrorState error={error} /> : !recent ? <LoadingRows rows={8} /> : <Charts recent={recent} percentile={chosen} />}
    </Section>
  );
}

function Charts({ recent, percentile }: { recent: Recent; percentile: (typeof percentiles)[number] }) {
  const { t, i18n } = useTranslation();
  const language = i18n.language;
  const percent = useCallback((value: number) => `${formatMetric(Math.round(value * 10) / 10, language)} %`, [language]);
  const duration = useCallback((value: number) => formatLatency(value, language), [language]);
  const plain = useCallback((value: number) => formatMetric(Math.round(value * 100) / 100, language), [language]);
  const lines = useMemo(() => ({
    rate: linesOf(recent, rate(recent.stepSeconds)), latency: linesOf(recent, latency(percentile)), failing: linesOf(recent, failing), replicas: linesOf(recent, replicas),
  }), [recent, percentile]);
  return (
    <>
      {recent.deployments.length > 1 && (
        <p className={classes.legend}>
          {recent.deployments.map(({ name }, i) => <span key={name}><Swatch index={i} /><bdi>{name}</bdi></span>)}
        </p>
      )}
      <div className={classes.charts}>
        <Chart title={t('activity.rate')} lines={lines.rate} format={plain} least={1} />
        <Chart title={t('activity.latency', { percentile })} lines={lines.latency} format={duration} least={1} />
        <Chart title={t('activity.failing')} lines={lines.failing} format={percent} least={1} />
        <Chart title={t('activity.replicas')} lines={lines.replicas} format={plain} least={2}>
          <Present recent={recent} />
        </Chart>
      </div>
    </>
  );
}

interface ChartProps {
  title: string;
  lines: readonly Line[];
  format: (value: number) => string;
  least: number;
  children?: ReactNode;
}

function Chart({ title, lines, format, least, children }: ChartProps) {
  return (
    <figure className={classes.chart}>
      <figcaption><span>{title}</span>{children}</figcaption>
      <LineChart title={title} lines={lines} axis="clock" height={150} syncKey="activity" format={format} least={least} />
    </figure>
  );
}

/** The requests of this moment, where there are any. */
function Present({ recent }: { recent: Recent }) {
  const { t, i18n } = useTranslation();
  const inFlight = recent.deployments.reduce((sum, one) => sum + one.inFlight, 0);
  const waiting = recent.deployments.reduce((sum, one) => sum + one.waiting, 0);
  if (inFlight + waiting === 0) return null;
  return <span className="muted">{t('activity.present', { inFlight: formatCount(inFlight, i18n.language), waiting: formatCount(waiting, i18n.language) })}</span>;
}

export function Swatch({ index }: { index: number }) {
  return <span className={classes.swatch} style={{ background: seriesColour(index) }} aria-hidden="true" />;
}
