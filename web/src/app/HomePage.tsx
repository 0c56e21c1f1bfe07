import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Run } from '@/api/nouns';
import { CommandLine } from '@/components/CommandLine';
import { Columns, Page, Section } from '@/components/Page';
import { toStatus } from '@/components/status';
import { Await, EmptyState } from '@/components/States';
import { StatusBadge } from '@/components/StatusBadge';
import { Table } from '@/components/Table';
import { Ago, Duration } from '@/components/Time';
import { meQuery } from '@/features/access/queries';
import { endpointsQuery } from '@/features/endpoint/queries';
import { TrafficText } from '@/features/endpoint/Traffic';
import { useStatusOf } from '@/features/job/queries';
import { rankingOf, tellingParams } from '@/features/tracking/columns';
import { firstRunsQuery } from '@/features/tracking/queries';
import { fieldName } from '@/lib/filter';
import { formatMetric, shortID } from '@/lib/format';
import { isActive } from '@/components/status';
import { useWorkspaceName } from '@/lib/workspace';
import classes from './HomePage.module.css';

const newest = 'attributes.start_time DESC';

/** What is going on, what came out of it, and how to begin. */
export default function HomePage() {
  const workspace = useWorkspaceName();
  const { data: me } = useQuery(meQuery);
  const here = me?.workspaces.find((one) => one.name === workspace);
  const recent = useQuery(firstRunsQuery(workspace, { filter: '', orderBy: newest }, 50));
  return (
    <Page title={here?.display_name || workspace}>
      <Await query={recent} rows={8}>
        {(page) => (page.items.length === 0 ? <Beginning /> : <Columns main={<Activity workspace={workspace} runs={page.items} />} side={<Side workspace={workspace} runs={page.items} />} />)}
      </Await>
    </Page>
  );
}

/** Three ways in, for a workspace that has nothing yet. */
function Beginning() {
  const { t } = useTranslation();
  const tracking = `export MLFLOW_TRACKING_URI=${location.origin}\npython train.py`;
  return (
    <>
      <p className={classes.lead}>{t('home.empty')}</p>
      <div className={classes.ways}>
        <Section title={t('home.wayJob')}><p className="muted">{t('home.wayJobHint')}</p><CommandLine command="atelier job create -f job.yml --stream" /></Section>
        <Section title={t('home.wayTrack')}><p className="muted">{t('home.wayTrackHint')}</p><CommandLine command={`eval "$(atelier env)"\n${tracking.split('\n')[1]}`} /></Section>
        <Section title={t('home.wayPython')}><p className="muted">{t('home.wayPythonHint')}</p><CommandLine prompt={false} command={'from atelier import Workspace\nws = Workspace.from_config()'} /></Section>
      </div>
    </>
  );
}

function Activity({ workspace, runs }: { workspace: string; runs: readonly Run[] }) {
  const { t } = useTranslation();
  const statusOf = useStatusOf(workspace);
  const active = runs.filter((run) => isActive(statusOf(run)));
  const done = runs.filter((run) => !isActive(statusOf(run)));
  return (
    <>
      <Section title={t('home.running')} flush>
        {active.length === 0 ? <p className={classes.quiet}>{t('home.nothingRunning')}</p> : <RunList workspace={workspace} runs={active.slice(0, 8)} label={t('home.running')} />}
      </Section>
      <Section title={t('home.recent')} flush aside={<Link to="/w/$workspace/runs" params={{ workspace }} search={{}}>{t('home.allRuns')}</Link>}>
        {done.length === 0 ? <p className={classes.quiet}>{t('home.nothingDone')}</p> : <RunList workspace={workspace} runs={done.slice(0, 8)} label={t('home.recent')} />}
      </Section>
    </>
  );
}

function RunList({ workspace, runs, label }: { workspace: string; runs: readonly Run[]; label: string }) {
  const { t } = useTranslation();
  const statusOf = useStatusOf(workspace);
  return (
    <Table
      label={label} rows={runs} rowKey={(run) => run.id}
      columns={[
        { key: 'name', head: t('runs.name'), grow: true, cell: (run) => (
          <div className={classes.run}>
            <Link to="/w/$workspace/runs/$run" params={{ workspace, run: run.id }} search={{}} className="ellipsis">{run.name || run.id}</Link>
            <span className="muted ellipsis">{run.experiment_name === run.name ? shortID(run.id) : `${run.experiment_name} · ${shortID(run.id)}`}</span>
          </div>
        ) },
        { key: 'status', head: t('common.status'), cell: (run) => <StatusBadge plain status={statusOf(run)} /> },
        { key: 'started', head: t('runs.started'), cell: (run) => <Ago at={run.started_at} /> },
        { key: 'duration', head: t('common.duration'), numeric: true, cell: (run) => <Duration from={run.started_at} to={run.ended_at} running={isActive(statusOf(run))} /> },
      ]}
    />
  );
}

function Side({ workspace, runs }: { workspace: string; runs: readonly Run[] }) {
  const { t } = useTranslation();
  return (
    <>
      <Best workspace={workspace} runs={runs} />
      <Endpoints workspace={workspace} />
      <Section title={t('home.start')}><CommandLine command="atelier job create -f job.yml --stream" /></Section>
    </>
  );
}

function Best({ workspace, runs }: { workspace: string; runs: readonly Run[] }) {
  const { t, i18n } = useTranslation();
  const ranking = rankingOf(runs);
  const metric = ranking ? `metrics.${ranking.metric}` : '';
  const order = ranking ? `${fieldName(metric)} ${ranking.descending ? 'DESC' : 'ASC'}` : undefined;
  const best = useQuery({
    ...firstRunsQuery(workspace, { experiment: ranking?.experiment, filter: "attributes.status = 'FINISHED'", orderBy: order }, 5),
    enabled: ranking !== null,
  });
  if (!ranking) return null;
  const found = (best.data?.items ?? []).filter((run) => run.metrics?.[ranking.metric] !== undefined);
  const search = { experiment: ranking.experiment, order: `${metric} ${ranking.descending ? 'DESC' : 'ASC'}` };
  return (
    <Section title={t('home.best', { experiment: ranking.experiment })} aside={<Link to="/w/$workspace/runs" params={{ workspace }} search={search}>{t('home.all')}</Link>} flush>
      {found.length === 0 ? <p className={classes.quiet}>{t('home.noBest')}</p> : (
        <Table
          label={t('home.best', { experiment: ranking.experiment })} rows={found} rowKey={(run) => run.id}
          columns={[
            { key: 'name', head: t('runs.name'), grow: true, cell: (run) => (
              <div className={classes.run}>
                <Link to="/w/$workspace/runs/$run" params={{ workspace, run: run.id }} search={{}}>{run.name || run.id}</Link>
                <span>{tellingParams(run, found, 3)}</span>
              </div>
            ) },
            { key: 'value', head: ranking.metric, numeric: true, cell: (run) => <strong>{formatMetric(run.metrics?.[ranking.metric]?.value, i18n.language, true)}</strong> },
          ]}
        />
      )}
    </Section>
  );
}

function Endpoints({ workspace }: { workspace: string }) {
  const { t } = useTranslation();
  const endpoints = useQuery(endpointsQuery(workspace));
  return (
    <Section title={t('endpoints.title')} flush aside={<Link to="/w/$workspace/endpoints" params={{ workspace }}>{t('home.all')}</Link>}>
      <Await query={endpoints} rows={2}>
        {(page) => (page.items.length === 0 ? <EmptyState title={t('endpoints.none')}>{t('endpoints.noneHint')}</EmptyState> : (
          <Table
            label={t('endpoints.title')} rows={page.items.slice(0, 5)} rowKey={(one) => one.name}
            columns={[
              { key: 'name', head: t('common.name'), grow: true, cell: (one) => (
                <div className={classes.run}>
                  <Link to="/w/$workspace/endpoints/$endpoint" params={{ workspace, endpoint: one.name }}>{one.name}</Link>
                  <TrafficText traffic={one.traffic} />
                </div>
              ) },
              { key: 'state', head: t('common.status'), cell: (one) => <StatusBadge plain status={toStatus(one.provisioning_state)} /> },
            ]}
          />
        ))}
      </Await>
    </Section>
  );
}
