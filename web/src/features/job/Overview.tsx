import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { DataUse, Job, Run } from '@/api/nouns';
import { CommandLine } from '@/components/CommandLine';
import { Columns, Facts, Section } from '@/components/Page';
import { Table } from '@/components/Table';
import { Tags } from '@/components/Tag';
import { useMay } from '@/features/access/queries';
import { ChartGrid } from '@/features/tracking/MetricsPanel';
import { withoutEscapes } from '@/lib/log';
import { formatBytes, formatDuration, formatMetric, formatTime, shortID } from '@/lib/format';
import { Comparison } from './Comparison';
import { whyQuery } from './computes';
import { runDataQuery } from './queries';
import { logNames } from './logs';
import { Ranks } from './Ranks';
import { Services } from './Services';
import { useLog } from './useLog';
import { WhyText } from './Why';
import classes from './RunPage.module.css';

interface OverviewProps {
  workspace: string;
  run: Run;
  job: Job | undefined;
}

const plainLook = { axis: 'step', log: false, smooth: 0 } as const;

/** What one wants to know first: did it work, how good is it, what was it given, where does it come from. */
export function Overview({ workspace, run, job }: OverviewProps) {
  const { t } = useTranslation();
  const keys = useMemo(() => Object.keys(run.metrics ?? {}).filter((key) => !key.startsWith('system/')), [run.metrics]);
  const charted = useMemo(() => [{ id: run.id, label: run.name || run.id }], [run.id, run.name]);
  return (
    <>
      {job?.error && (
        <div className={classes.failure} role="alert">
          <p>{job.error.message}</p>
          <LogsLink workspace={workspace} run={run.id} />
        </div>
      )}
      {job?.status === 'Queued' && <Waits workspace={workspace} job={job} />}
      <Columns
        main={(
          <>
            {job && job.status === 'Failed' && <LastLines workspace={workspace} job={job} />}
            <div className={keys.length > 0 ? classes.charts : undefined}>
              <ChartGrid workspace={workspace} runs={charted} keys={keys} look={plainLook} most={4} />
            </div>
            {job && <Comparison workspace={workspace} job={job} />}
            {job && <Ranks workspace={workspace} job={job} />}
            <Metrics run={run} />
            <Params run={run} />
          </>
        )}
        side={<Side workspace={workspace} run={run} job={job} />}
      />
      {job?.command && <Section title={t('job.command')} flush><pre className={classes.command}>{job.command}</pre></Section>}
    </>
  );
}

/** What a queued job waits for. */
function Waits({ workspace, job }: { workspace: string; job: Job }) {
  const { t } = useTranslation();
  const why = useQuery(whyQuery(workspace, job.name));
  if (!why.data) return null;
  return (
    <div className={classes.waits} role="status">
      <div>
        <p><strong>{t('why.title')}</strong></p>
        <p><WhyText why={why.data} /></p>
      </div>
      <Link to="/w/$workspace/compute" params={{ workspace }} className="nowrap">{t('why.queue')}</Link>
    </div>
  );
}

const shownLines = 14;

/** The end of a failed job's log, where the reason usually is. */
function LastLines({ workspace, job }: { workspace: string; job: Job }) {
  const { t } = useTranslation();
  const { lines } = useLog(workspace, job.name, logNames.output, false);
  if (lines.length === 0) return null;
  return (
    <Section title={t('log.last')} flush>
      <pre className={classes.lastLines} tabIndex={0}>{lines.slice(-shownLines).map(withoutEscapes).join('\n')}</pre>
    </Section>
  );
}

function Metrics({ run }: { run: Run }) {
  const { t, i18n } = useTranslation();
  const rows = Object.entries(run.metrics ?? {}).toSorted(([a], [b]) => a.localeCompare(b));
  return (
    <Section title={t('runs.metrics')} flush>
      {rows.length === 0 ? <p className={classes.quiet}>{t('metrics.none')} · <code>mlflow.log_metric(&quot;rmse&quot;, rmse)</code></p> : (
        <Table
          label={t('runs.metrics')} rows={rows} rowKey={([key]) => key}
          columns={[
            { key: 'key', head: t('common.name'), grow: true, cell: ([key]) => key },
            { key: 'step', head: t('metrics.lastStep'), numeric: true, cell: ([, metric]) => <span className="muted">{metric.step}</span> },
            { key: 'value', head: t('metrics.value'), numeric: true, cell: ([, metric]) => <strong>{formatMetric(metric.value, i18n.language, true)}</strong> },
          ]}
        />
      )}
    </Section>
  );
}

function Params({ run }: { run: Run }) {
  const { t } = useTranslation();
  const rows = Object.entries(run.params ?? {}).toSorted(([a], [b]) => a.localeCompare(b));
  return (
    <Section title={t('runs.params')} flush>
      {rows.length === 0 ? <p className={classes.quiet}>{t('params.none')} · <code>mlflow.log_param(&quot;alpha&quot;, 0.5)</code></p> : (
        <Table
          label={t('runs.params')} rows={rows} rowKey={([key]) => key}
          columns={[
            { key: 'key', head: t('common.name'), cell: ([key]) => <span className="nowrap">{key}</span> },
            { key: 'value', head: t('metrics.value'), grow: true, cell: ([, value]) => <span className={`mono ${classes.value}`}>{value}</span> },
          ]}
        />
      )}
    </Section>
  );
}

function Side({ workspace, run, job }: OverviewProps) {
  const { t, i18n } = useTranslation();
  const language = i18n.language;
  const time = (at: string | undefined) => (at ? formatTime(new Date(at), language) : undefined);
  const usage = job?.usage;
  const tags = Object.entries(run.tags ?? {}).filter(([key]) => !key.startsWith('mlflow.') && !key.startsWith('azureml.') && !key.startsWith('atelier.'));
  return (
    <>
      <Section title={t('run.about')}>
        <Facts rows={[
          [t('common.experiment'), <Link key="e" to="/w/$workspace/runs" params={{ workspace }} search={{ experiment: run.experiment_name }}>{run.experiment_name}</Link>],
          [t('common.description'), job?.description],
          [t('common.created'), time(job?.created_at)],
          [t('run.started'), time(run.started_at)],
          [t('run.ended'), time(run.ended_at)],
          [t('common.user'), run.user ?? job?.created_by],
          [t('job.compute'), job?.compute],
          [t('job.host'), job?.runner?.host],
          [t('job.timeout'), job?.limits?.timeout ? formatDuration(job.limits.timeout * 1000, language) : undefined],
          [t('job.exitCode'), job?.exit_code],
          [t('job.cpuTime'), usage?.cpu_seconds ? formatDuration(usage.cpu_seconds * 1000, language) : undefined],
          [t('job.memoryPeak'), usage?.memory_peak_bytes ? formatBytes(usage.memory_peak_bytes, language) : undefined],
          [t('run.parent'), run.parent_run_id ? <Link key="p" to="/w/$workspace/runs/$run" params={{ workspace, run: run.parent_run_id }} search={{}}>{shortID(run.parent_run_id)}</Link> : undefined],
          [t('common.tags'), tags.length > 0 ? <Tags key="t" tags={tags} /> : undefined],
        ]} />
      </Section>
      <Source run={run} job={job} />
      {job && <Services workspace={workspace} job={job} />}
      {job && <Bindings workspace={workspace} job={job} />}
      {(run.inputs?.length ?? 0) > 0 && (
        <Section title={t('run.datasets')}>
          <Facts rows={(run.inputs ?? []).map((input) => [input.name, <span key={input.digest} className="mono">{input.digest}</span>])} />
        </Section>
      )}
      {job && (job.status === 'Running' || job.status === 'Preparing') && <Section title={t('job.follow')}><CommandLine command={`atelier job stream ${job.name}`} /></Section>}
    </>
  );
}

function Source({ run, job }: { run: Run; job: Job | undefined }) {
  const { t } = useTranslation();
  const facts = { ...run.tags, ...job?.properties };
  const commit = facts['mlflow.source.git.commit'];
  const rows: [string, ReactNode][] = [
    [t('source.repository'), facts['mlflow.source.git.repoURL']],
    [t('source.branch'), facts['mlflow.source.git.branch']],
    [t('source.commit'), commit ? <span key="c"><code>{commit.slice(0, 10)}</code>{facts['azureml.git.dirty'] === 'True' && <span className="muted"> {t('source.dirty')}</span>}</span> : undefined],
    [t('source.script'), job ? undefined : facts['mlflow.source.name']],
  ];
  if (rows.every(([, value]) => !value)) return null;
  return <Section title={t('source.title')}><Facts rows={rows} /></Section>;
}

/** What the job read and made, with the versions of data that these are. */
function Bindings({ workspace, job }: { workspace: string; job: Job }) {
  const { t } = useTranslation();
  const maySee = useMay('data/read');
  const uses = useQuery({ ...runDataQuery(workspace, job.name), enabled: maySee });
  const inputs = Object.entries(job.inputs ?? {});
  const outputs = Object.entries(job.outputs ?? {});
  if (inputs.length + outputs.length === 0) return null;
  const use = (direction: DataUse['direction'], name: string) => uses.data?.items.find((one) => one.direction === direction && one.name === name);
  return (
    <Section title={t('job.bindings')}>
      <Facts rows={[
        ...inputs.map(([name, value]): [string, ReactNode] => [name, <Binding key={name} workspace={workspace} value={value} use={use('input', name)} />]),
        ...outputs.map(([name, value]): [string, ReactNode] => [`${name} (${t('job.output')})`, <Binding key={name} workspace={workspace} value={value} use={use('output', name)} />]),
      ]} />
    </Section>
  );
}

function Binding({ workspace, value, use }: { workspace: string; value: unknown; use: DataUse | undefined }) {
  if (value === null || typeof value !== 'object') return <bdi className="mono">{String(value)}</bdi>;
  const { type, path } = value as { type?: string; path?: string };
  if (use?.asset) {
    return (
      <span>
        <Link to="/w/$workspace/data/$asset" params={{ workspace, asset: use.asset }} search={{ version: use.version }}>{use.asset}:{use.version}</Link> <span className="muted">{type}</span>
      </span>
    );
  }
  return <span><span className="mono">{type}</span>{path && <bdi className={`muted ${classes.value}`}> {path.split('/').at(-1)}</bdi>}</span>;
}

/** A way from a failure to the lines that explain it. */
function LogsLink({ workspace, run }: { workspace: string; run: string }) {
  const { t } = useTranslation();
  return (
    <Button
      size="compact-sm" variant="default"
      renderRoot={(props) => <Link to="/w/$workspace/runs/$run" params={{ workspace, run }} search={{ tab: 'logs' }} {...props} />}
    >
      {t('run.readLogs')}
    </Button>
  );
}
