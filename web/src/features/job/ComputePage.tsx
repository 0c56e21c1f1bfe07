import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Compute, JobLimits, Queue, QueueJob } from '@/api/nouns';
import { Facts, Page, Section } from '@/components/Page';
import { WideBar } from '@/components/ShareBar';
import { toStatus } from '@/components/status';
import { Await } from '@/components/States';
import { StatusBadge } from '@/components/StatusBadge';
import { Table } from '@/components/Table';
import { Tag } from '@/components/Tag';
import { Ago, Duration } from '@/components/Time';
import { useMay } from '@/features/access/queries';
import { formatBytes, formatCount } from '@/lib/format';
import { useWorkspaceName } from '@/lib/workspace';
import { CancelJob } from './CancelJob';
import { ComputeActions } from './ComputeActions';
import { CreateCompute, EditLimits } from './ComputeForms';
import { computesQuery, limitsQuery, queueQuery } from './computes';
import { AmountsText, WhyText } from './Why';
import classes from './ComputePage.module.css';

/** The machine, its named parts, and what runs and waits on it. */
export default function ComputePage() {
  const { t } = useTranslation();
  const workspace = useWorkspaceName();
  const mayWrite = useMay('computes/write');
  const maySeeJobs = useMay('jobs/read');
  const [creating, setCreating] = useState(false);
  return (
    <Page
      title={t('compute.title')} command={'atelier compute list\natelier job list --status Queued'}
      actions={mayWrite ? <Button onClick={() => setCreating(true)}>{t('compute.create')}</Button> : undefined}
    >
      {maySeeJobs && <Jobs workspace={workspace} />}
      <Computes workspace={workspace} />
      <Limits workspace={workspace} mayWrite={mayWrite} />
      {creating && <CreateCompute workspace={workspace} onClose={() => setCreating(false)} />}
    </Page>
  );
}

function Jobs({ workspace }: { workspace: string }) {
  const queue = useQuery(queueQuery(workspace));
  return (
    <Await query={queue}>
      {(found) => (
        <>
          <Machine queue={found} />
          <Running workspace={workspace} jobs={found.running} />
          <Waiting workspace={workspace} queue={found} />
        </>
      )}
    </Await>
  );
}

/** How much of the machine jobs have, of all workspaces. */
function Machine({ queue: { machine, taken, running, others } }: { queue: Queue }) {
  const { t, i18n } = useTranslation();
  const language = i18n.language;
  const meters = [
    { name: t('compute.processors'), of: machine.cpus, has: taken.cpus, text: (value: number) => formatCount(value, language) },
    { name: t('compute.memory'), of: machine.memory_bytes, has: taken.memory_bytes, text: (value: number) => formatBytes(value, language) },
    { name: t('compute.gpuName'), of: machine.gpus, has: taken.gpus, text: (value: number) => formatCount(value, language) },
  ];
  return (
    <div className={classes.meters}>
      {meters.map(({ name, of, has, text }) => (
        <section key={name} className={classes.meter} aria-label={name}>
          <h2>{name}</h2>
          {of > 0 ? <p><strong>{text(has)}</strong> {t('compute.ofAll', { all: text(of) })}</p> : <p className="muted">{t('compute.noneOf')}</p>}
          {of > 0 && <WideBar share={has / of} tone={has >= of ? 'wait' : undefined} />}
        </section>
      ))}
      <section className={classes.meter} aria-label={t('compute.jobs')}>
        <h2>{t('compute.jobs')}</h2>
        <p><strong>{formatCount(running.length, language)}</strong> {t('compute.here')}</p>
        <span className="muted">{t('compute.elsewhere', { running: formatCount(others.running, language), waiting: formatCount(others.waiting, language) })}</span>
      </section>
    </div>
  );
}

function JobName({ workspace, job }: { workspace: string; job: QueueJob }) {
  return (
    <div className={classes.job}>
      <Link to="/w/$workspace/runs/$run" params={{ workspace, run: job.name }} search={{}}><bdi>{job.display_name}</bdi></Link>
      <div className="muted">{[job.experiment_name, job.created_by].filter(Boolean).join(' · ')}</div>
    </div>
  );
}

function Running({ workspace, jobs }: { workspace: string; jobs: readonly QueueJob[] }) {
  const { t } = useTranslation();
  return (
    <Section title={t('compute.running')} flush>
      {jobs.length === 0 ? <p className={classes.quiet}>{t('home.nothingRunning')}</p> : (
        <Table
          label={t('compute.running')} rows={jobs} rowKey={(job) => job.name}
          columns={[
            { key: 'name', head: t('runs.name'), grow: true, cell: (job) => <JobName workspace={workspace} job={job} /> },
            { key: 'status', head: t('common.status'), cell: (job) => <StatusBadge plain status={toStatus(job.status)} /> },
            { key: 'compute', head: t('job.compute'), cell: (job) => job.compute },
            { key: 'has', head: t('compute.has'), cell: (job) => <><AmountsText amounts={job.asks} />{job.gpus && job.gpus.length > 0 && <div className="muted">GPU {job.gpus.join(', ')}</div>}</> },
            { key: 'duration', head: t('common.duration'), numeric: true, cell: (job) => <Duration from={job.started_at} to={undefined} running /> },
          ]}
        />
      )}
    </Section>
  );
}

function Waiting({ workspace, queue }: { workspace: string; queue: Queue }) {
  const { t, i18n } = useTranslation();
  const mayCancel = useMay('jobs/cancel/action');
  const jobs = queue.waiting;
  return (
    <Section title={t('compute.queue')} aside={jobs.length > 0 ? t('compute.waiting', { count: jobs.length, shown: formatCount(jobs.length, i18n.language) }) : undefined} flush>
      {jobs.length === 0 ? <p className={classes.quiet}>{t('compute.noQueue')}</p> : (
        <Table
          label={t('compute.queue')} rows={jobs} rowKey={(job) => job.name}
          columns={[
            { key: 'name', head: t('runs.name'), cell: (job) => <JobName workspace={workspace} job={job} /> },
            { key: 'why', head: t('why.title'), grow: true, cell: (job) => <div className={classes.why}><WhyText why={job.why} /></div> },
            { key: 'needs', head: t('compute.needs'), cell: (job) => <AmountsText amounts={job.asks} /> },
            { key: 'compute', head: t('job.compute'), cell: (job) => job.compute },
            { key: 'priority', head: t('compute.priority'), cell: (job) => <Tag strong={job.priority === 'high'}>{t(`compute.priorities.${job.priority}`)}</Tag> },
            { key: 'since', head: t('compute.since'), cell: (job) => <Ago at={job.created_at} /> },
            ...(mayCancel ? [{ key: 'cancel', head: t('common.actions'), cell: (job: QueueJob) => <CancelJob workspace={workspace} job={job} compact /> }] : []),
          ]}
        />
      )}
    </Section>
  );
}

function Computes({ workspace }: { workspace: string }) {
  const { t, i18n } = useTranslation();
  const computes = useQuery(computesQuery(workspace));
  const mayWrite = useMay('computes/write');
  return (
    <Section title={t('compute.computes')} flush>
      <Await query={computes} rows={3}>
        {({ items }) => (
          <Table
            label={t('compute.computes')} rows={items} rowKey={(one) => one.name}
            columns={[
              { key: 'name', head: t('common.name'), grow: true, cell: (one) => <Name compute={one} known={one.name === 'local' ? [] : (items.find((other) => other.name === 'local')?.notices ?? [])} /> },
              { key: 'state', head: t('common.status'), cell: (one) => <StatusBadge plain status={one.state === 'Stopped' ? 'Stopped' : 'Available'} /> },
              { key: 'type', head: t('common.type'), cell: (one) => one.type },
              { key: 'slots', head: t('compute.slots'), numeric: true, cell: (one) => (one.slots > 0 ? formatCount(one.slots, i18n.language) : t('compute.anySlots')) },
              { key: 'running', head: t('status.Running'), numeric: true, cell: (one) => formatCount(one.running, i18n.language) },
              { key: 'queued', head: t('status.Queued'), numeric: true, cell: (one) => formatCount(one.queued, i18n.language) },
              ...(mayWrite ? [{ key: 'actions', head: t('common.actions'), cell: (one: Compute) => (one.name === 'local' ? null : <ComputeActions workspace={workspace} compute={one} />) }] : []),
            ]}
          />
        )}
      </Await>
    </Section>
  );
}

/** What is so of the whole machine is said once. */
function Name({ compute, known }: { compute: Compute; known: readonly string[] }) {
  return (
    <div>
      <strong className={classes.name}>{compute.name}</strong>
      {compute.description && <div className="muted"><bdi>{compute.description}</bdi></div>}
      {compute.notices.filter((notice) => !known.includes(notice)).map((notice) => <div key={notice} className="muted">{notice}</div>)}
    </div>
  );
}

const limitFields = ['max_jobs_per_member', 'max_cpus_per_member', 'max_gpus_per_member', 'max_jobs_per_experiment'] as const;

function Limits({ workspace, mayWrite }: { workspace: string; mayWrite: boolean }) {
  const { t, i18n } = useTranslation();
  const limits = useQuery(limitsQuery(workspace));
  const [editing, setEditing] = useState(false);
  const shown = (found: JobLimits, field: (typeof limitFields)[number]) => (found[field] > 0 ? formatCount(found[field], i18n.language) : t('compute.noLimit'));
  return (
    <Section
      title={t('compute.limits')}
      aside={mayWrite && limits.data ? <Button size="compact-sm" variant="default" onClick={() => setEditing(true)}>{t('common.edit')}</Button> : undefined}
    >
      <Await query={limits} rows={2}>
        {(found) => (
          <>
            <Facts rows={limitFields.map((field) => [t(`compute.limit.${field}`), shown(found, field)])} />
            {editing && <EditLimits workspace={workspace} limits={found} fields={limitFields} onClose={() => setEditing(false)} />}
          </>
        )}
      </Await>
    </Section>
  );
}
