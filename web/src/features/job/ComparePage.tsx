import { Switch } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Job, Metric, Run } from '@/api/nouns';
import { Page, Section } from '@/components/Page';
import { toStatus } from '@/components/status';
import { EmptyState, ErrorState, LoadingRows } from '@/components/States';
import { StatusBadge } from '@/components/StatusBadge';
import { Ago, Duration } from '@/components/Time';
import { ChartControls, ChartGrid, type ChartedRun } from '@/features/tracking/MetricsPanel';
import { runQuery } from '@/features/tracking/queries';
import { seriesColour } from '@/lib/colours';
import { compareRecords, type CompareRow } from '@/lib/compare';
import { bestOf, betterDirection } from '@/lib/direction';
import { formatMetric, shortID, toNumber } from '@/lib/format';
import { runLabels } from '@/lib/run-label';
import { useWorkspaceName } from '@/lib/workspace';
import { jobQuery, treeOf } from './queries';
import { fromLook, toLook, type CompareSearch } from './search';
import classes from './ComparePage.module.css';

/** Runs side by side: what differs between them, and which did best. */
export default function ComparePage() {
  const { t } = useTranslation();
  const workspace = useWorkspaceName();
  const search = useSearch({ from: '/app/w/$workspace/compare' });
  const answers = useQueries({ queries: search.runs.map((id) => runQuery(workspace, id)) });
  const runs = answers.flatMap((answer) => answer.data ?? []);
  const jobs = useQueries({ queries: runs.filter((run) => run.job).map((run) => jobQuery(workspace, run.id)) }).flatMap((answer) => answer.data ?? []);
  const failed = answers.find((answer) => answer.isError);
  const title = t('compare.title', { count: search.runs.length });
  return (
    <Page wide title={title} parents={[{ label: t('runs.title'), link: { to: '/w/$workspace/runs', params: { workspace }, search: {} } }]}>
      {search.runs.length < 2 ? <Section><EmptyState title={t('compare.few')}>{t('compare.fewHint')}</EmptyState></Section>
        : failed ? <Section><ErrorState error={failed.error} onRetry={() => void failed.refetch()} /></Section>
        : runs.length < search.runs.length ? <Section><LoadingRows rows={8} /></Section>
        : <Comparison workspace={workspace} runs={runs} jobs={jobs} search={search} />}
    </Page>
  );
}

interface ComparisonProps {
  workspace: string;
  runs: Run[];
  jobs: Job[];
  search: CompareSearch;
}

function Comparison({ workspace, runs, jobs, search }: ComparisonProps) {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: '/w/$workspace/compare' });
  const change = (part: Partial<CompareSearch>) => void navigate({ search: (old) => ({ ...old, ...part }), replace: true });
  const ids = runs.map((run) => run.id).join();
  const names = runs.map((run) => run.name || run.id).join('\n');
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the same runs by id and name are the same lines
  const charted = useMemo<ChartedRun[]>(() => [...runLabels(runs)].map(([id, label]) => ({ id, label })), [ids, names]);
  const keyText = [...new Set(runs.flatMap((run) => Object.keys(run.metrics ?? {})))].toSorted().join('\n');
  const keys = useMemo(() => (keyText === '' ? [] : keyText.split('\n')), [keyText]);
  const look = toLook(search);
  return (
    <>
      <Sheet workspace={workspace} runs={runs} jobs={jobs} onlyDiffering={search.differing ?? false} onOnlyDiffering={(differing) => change({ differing: differing || undefined })} />
      <div className={classes.chartsHead}>
        <h2 className={classes.heading}>{t('compare.charts')}</h2>
        <ChartControls look={look} onChange={(next) => change(fromLook(next))} />
      </div>
      <ChartGrid workspace={workspace} runs={charted} keys={keys} look={look} fallback={<Section><EmptyState title={t('metrics.single')}>{t('metrics.singleHint')}</EmptyState></Section>} />
    </>
  );
}

interface SheetProps {
  workspace: string;
  runs: Run[];
  jobs: Job[];
  onlyDiffering: boolean;
  onOnlyDiffering: (only: boolean) => void;
}

function Sheet({ workspace, runs, jobs, onlyDiffering, onOnlyDiffering }: SheetProps) {
  const { t, i18n } = useTranslation();
  const metrics = compareRecords<Metric>(runs.map((run) => run.metrics ?? {}), (a, b) => a?.value === b?.value);
  const params = compareRecords<string>(runs.map((run) => run.params ?? {}), Object.is);
  const origins = compareRecords<string>(runs.map((run) => originOf(run, jobs.find((job) => job.name === run.id))), sameOrUnknown);
  const kept = <T,>(rows: CompareRow<T>[]) => rows.filter((row) => !onlyDiffering || row.differs);
  const only = <Switch size="xs" label={t('compare.onlyDiffering')} checked={onlyDiffering} onChange={(event) => onOnlyDiffering(event.currentTarget.checked)} />;
  return (
    <Section title={t('compare.table')} aside={only} flush>
      <div className={classes.scroll} tabIndex={0} role="group" aria-label={t('compare.table')}>
        <table className={classes.table}>
          <thead>
            <tr>
              <td />
              {runs.map((run, i) => (
                <th key={run.id} scope="col">
                  <span className={classes.swatch} style={{ background: seriesColour(i) }} />
                  <Link to="/w/$workspace/runs/$run" params={{ workspace, run: run.id }} search={{}}>{run.name || shortID(run.id)}</Link>
                  {run.name !== '' && <span className={classes.id}>{shortID(run.id)}</span>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <Row name={t('common.status')} cells={runs.map((run) => <StatusBadge key={run.id} plain status={toStatus(run.status)} />)} />
            <Row name={t('runs.started')} cells={runs.map((run) => <Ago key={run.id} at={run.started_at} />)} />
            <Row name={t('common.duration')} cells={runs.map((run) => <Duration key={run.id} from={run.started_at} to={run.ended_at} running={run.status === 'RUNNING'} />)} />
          </tbody>
          <Group title={t('runs.metrics')} count={kept(metrics).length}>
            {kept(metrics).map((row) => <MetricRow key={row.key} row={row} language={i18n.language} />)}
          </Group>
          <Group title={t('runs.params')} count={kept(params).length}>
            {kept(params).map((row) => <Row key={row.key} name={row.key} differs={row.differs} cells={row.values.map((value, i) => <span key={i} className="mono">{value ?? '–'}</span>)} />)}
          </Group>
          <Group title={t('compare.origin')} count={kept(origins).length}>
            {kept(origins).map((row) => <Row key={row.key} name={t(`compare.${row.key as keyof ReturnType<typeof originOf>}`)} differs={row.differs} cells={row.values.map((value, i) => <span key={i} className="mono">{value ?? '–'}</span>)} />)}
          </Group>
        </table>
      </div>
    </Section>
  );
}

/** A run without a job has no snapshot to compare: that is no difference. */
function sameOrUnknown(a: string | undefined, b: string | undefined): boolean {
  return a === undefined || b === undefined || a === b;
}

function Group({ title, count, children }: { title: string; count: number; children: ReactNode }) {
  if (count === 0) return null;
  return (
    <tbody>
      <tr><th scope="rowgroup" colSpan={99} className={classes.group}>{title}</th></tr>
      {children}
    </tbody>
  );
}

function Row({ name, cells, differs }: { name: string; cells: ReactNode[]; differs?: boolean }) {
  return (
    <tr data-differs={differs || undefined}>
      <th scope="row">{name}</th>
      {cells.map((cell, i) => <td key={i}>{cell}</td>)}
    </tr>
  );
}

function MetricRow({ row, language }: { row: CompareRow<Metric>; language: string }) {
  const { t } = useTranslation();
  const direction = betterDirection(row.key);
  const best = bestOf(row.values.map((metric) => toNumber(metric?.value)), direction);
  return (
    <Row
      name={row.key}
      cells={row.values.map((metric, i) => (
        <span key={i} className={`number ${best.has(i) ? classes.best : ''}`} title={best.has(i) && direction ? t(`compare.best.${direction}`) : undefined}>
          {metric === undefined ? '–' : formatMetric(metric.value, language, true)}
          {best.has(i) && <span className={classes.bestMark}>{t('compare.bestMark')}</span>}
        </span>
      ))}
    />
  );
}

/** Where a run comes from: code, environment, data. Equal hashes are equal content. */
function originOf(run: Run, job: Job | undefined) {
  const facts = { ...run.tags, ...job?.properties };
  const tree = job && treeOf(job);
  const origin: Record<'code' | 'commit' | 'environment' | 'python' | 'experiment' | 'data', string | undefined> = {
    experiment: run.experiment_name,
    code: tree ? shortID(tree) : undefined,
    commit: facts['mlflow.source.git.commit']?.slice(0, 10),
    environment: job?.environment_info?.hash ? shortID(job.environment_info.hash) : job?.environment_info?.name,
    python: job?.environment_info?.python,
    data: dataOf(job),
  };
  return Object.fromEntries(Object.entries(origin).filter(([, value]) => value !== undefined)) as Record<keyof typeof origin, string>;
}

function dataOf(job: Job | undefined): string | undefined {
  const paths = Object.values(job?.inputs ?? {}).flatMap((input) => {
    const path = input !== null && typeof input === 'object' ? (input as { path?: string }).path : undefined;
    return path ? [path.split('/').slice(-2).map(shortID).join('/')] : [];
  });
  return paths.length > 0 ? paths.join(', ') : undefined;
}
