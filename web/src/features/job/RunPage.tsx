import { Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Job, Run } from '@/api/nouns';
import { Copyable } from '@/components/CommandLine';
import { Page } from '@/components/Page';
import { isActive, toStatus } from '@/components/status';
import { Await } from '@/components/States';
import { StatusBadge } from '@/components/StatusBadge';
import { TabList } from '@/components/TabList';
import { Ago, Duration } from '@/components/Time';
import { useMay } from '@/features/access/queries';
import { LineagePanel } from '@/features/lineage/LineagePanel';
import { RegisterModel } from '@/features/model/RegisterModel';
import { ArtifactsPanel } from '@/features/tracking/ArtifactsPanel';
import { MetricsPanel } from '@/features/tracking/MetricsPanel';
import { runQuery } from '@/features/tracking/queries';
import { shortID } from '@/lib/format';
import { CancelJob } from './CancelJob';
import { EnvironmentPanel } from './EnvironmentPanel';
import { LogsPanel } from './LogsPanel';
import { Overview } from './Overview';
import { jobQuery } from './queries';
import { RerunJob } from './RerunJob';
import { fromLook, runTabs, toLook, type RunSearch } from './search';
import { SnapshotPanel } from './SnapshotPanel';

/** Everything about one run, and about its job where it has one. */
export default function RunPage() {
  const { workspace, run: id } = useParams({ from: '/app/w/$workspace/runs/$run' });
  const run = useQuery(runQuery(workspace, id));
  return (
    <Await query={run} rows={8}>
      {(data) => (data.job ? <WithJob workspace={workspace} run={data} /> : <Body workspace={workspace} run={data} job={undefined} />)}
    </Await>
  );
}

function WithJob({ workspace, run }: { workspace: string; run: Run }) {
  const job = useQuery(jobQuery(workspace, run.id));
  return <Await query={job} rows={8}>{(data) => <Body workspace={workspace} run={run} job={data} />}</Await>;
}

interface BodyProps {
  workspace: string;
  run: Run;
  job: Job | undefined;
}

function Body({ workspace, run, job }: BodyProps) {
  const { t } = useTranslation();
  const status = toStatus(job?.status ?? run.status);
  const live = isActive(status);
  const name = run.name || run.id;
  return (
    <Page
      title={name}
      heading={<>{name} <StatusBadge status={status} /></>}
      parents={[
        { label: t('runs.title'), link: { to: '/w/$workspace/runs', params: { workspace }, search: {} } },
        { label: run.experiment_name, link: { to: '/w/$workspace/runs', params: { workspace }, search: { experiment: run.experiment_name } } },
      ]}
      meta={(
        <>
          <Copyable text={run.id} label={shortID(run.id)} />
          {run.user && <span>{run.user}</span>}
          <span>{t('run.startedAgo')} <Ago at={run.started_at ?? job?.created_at} /></span>
          <Duration from={run.started_at} to={run.ended_at} running={live} />
        </>
      )}
      actions={<Actions workspace={workspace} run={run} job={job} live={live} />}
      command={job ? `atelier job show ${run.id}` : `atelier run show ${run.id}`}
    >
      <Panels workspace={workspace} run={run} job={job} live={live} />
    </Page>
  );
}

function Actions({ workspace, run, job, live }: BodyProps & { live: boolean }) {
  const mayCancel = useMay('jobs/cancel/action');
  const mayRun = useMay('jobs/write');
  const mayRegister = useMay('models/write');
  return (
    <>
      {job && live && mayCancel && <CancelJob workspace={workspace} job={job} />}
      {job && !live && mayRun && <RerunJob workspace={workspace} job={job} />}
      {!live && mayRegister && <RegisterModel workspace={workspace} run={run} outputs={Object.keys(job?.outputs ?? {})} primary={run.status === 'FINISHED'} />}
    </>
  );
}

function Panels({ workspace, run, job, live }: BodyProps & { live: boolean }) {
  const { t } = useTranslation();
  const search = useSearch({ from: '/app/w/$workspace/runs/$run' });
  const navigate = useNavigate({ from: '/w/$workspace/runs/$run' });
  const change = (part: Partial<RunSearch>) => void navigate({ search: (old) => ({ ...old, ...part }), replace: true });
  const tabs = runTabs.filter((tab) => job !== undefined || !['logs', 'code', 'environment'].includes(tab));
  const tab = tabs.find((one) => one === search.tab) ?? 'overview';
  const keys = useMemo(() => Object.keys(run.metrics ?? {}), [run.metrics]);
  const charted = useMemo(() => [{ id: run.id, label: run.name || run.id }], [run.id, run.name]);
  return (
    <TabList
      value={tab} tabs={tabs.map((key) => ({ key, label: t(`run.tab.${key}`) }))}
      onChange={(next) => void navigate({ search: (old) => ({ ...old, tab: next === 'overview' ? undefined : next, path: undefined }) })}
    >
      <Tabs.Panel value="overview"><Overview workspace={workspace} run={run} job={job} /></Tabs.Panel>
      <Tabs.Panel value="metrics">
        <MetricsPanel workspace={workspace} runs={charted} keys={keys} look={toLook(search)} onLook={(look) => change(fromLook(look))} />
      </Tabs.Panel>
      <Tabs.Panel value="outputs"><ArtifactsPanel workspace={workspace} run={run.id} path={search.path} onPath={(path) => change({ path })} /></Tabs.Panel>
      <Tabs.Panel value="lineage"><LineagePanel workspace={workspace} of={`run:${run.id}`} /></Tabs.Panel>
      {job && (
        <>
          <Tabs.Panel value="logs"><LogsPanel workspace={workspace} job={job} live={live} chosen={search.log} onChoose={(log) => change({ log })} /></Tabs.Panel>
          <Tabs.Panel value="code"><SnapshotPanel workspace={workspace} job={job} path={search.path} onPath={(path) => change({ path })} /></Tabs.Panel>
          <Tabs.Panel value="environment"><EnvironmentPanel workspace={workspace} job={job} live={live} /></Tabs.Panel>
        </>
      )}
    </TabList>
  );
}
