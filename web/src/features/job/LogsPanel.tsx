import { SegmentedControl, Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Job } from '@/api/nouns';
import { LogView } from '@/components/LogView';
import { Section } from '@/components/Page';
import { EmptyState, ErrorNote, LoadingRows } from '@/components/States';
import { logNames, processesOf, processLogs, type LogName } from './logs';
import { useLog } from './useLog';
import classes from './RunPage.module.css';

interface LogsPanelProps {
  workspace: string;
  job: Job;
  live: boolean;
  /** A short name of a log, or that of a process's own. */
  chosen: string | undefined;
  onChoose: (log: string | undefined) => void;
}

/** A job's logs: what each process printed, how its environment was built, what the runner did. */
export function LogsPanel({ workspace, job, live, chosen, onChoose }: LogsPanelProps) {
  const { t } = useTranslation();
  const short = (Object.keys(logNames) as LogName[]).find((name) => name === chosen) ?? 'output';
  const processes = processLogs(processesOf(job));
  const process = Math.max(0, processes.indexOf(chosen ?? ''));
  return (
    <>
      <div className={classes.logs}>
        <SegmentedControl
          size="xs" aria-label={t('log.which')} value={short} onChange={(name) => onChoose(name === 'output' ? undefined : name)}
          data={(Object.keys(logNames) as LogName[]).map((name) => ({ value: name, label: t(`log.name.${name}`) }))}
        />
        {processes.length > 1 && short === 'output' && (
          <Select
            size="xs" w={150} searchable={processes.length > 12} aria-label={t('log.process')} value={String(process)} data={processes.map((_, rank) => ({ value: String(rank), label: t('log.ofProcess', { rank }) }))}
            onChange={(rank) => onChoose(rank === '0' ? undefined : processes[Number(rank)])}
          />
        )}
      </div>
      <Section flush>
        {short === 'output' && process > 0
          ? <Log key={process} workspace={workspace} job={job.name} name={processes[process] ?? ''} label={t('log.ofProcess', { rank: process })} live={live} />
          : <JobLog key={short} workspace={workspace} job={job.name} log={short} live={live} />}
      </Section>
    </>
  );
}

export function JobLog({ workspace, job, log, live }: { workspace: string; job: string; log: LogName; live: boolean }) {
  const { t } = useTranslation();
  return <Log workspace={workspace} job={job} name={logNames[log]} label={t(`log.name.${log}`)} live={live} />;
}

function Log({ workspace, job, name, label, live }: { workspace: string; job: string; name: string; label: string; live: boolean }) {
  const { t } = useTranslation();
  const { lines, error, loaded, hasEarlier, loadEarlier, path } = useLog(workspace, job, name, live);
  if (!loaded) return <LoadingRows rows={8} />;
  return (
    <>
      {error !== null && <div className={classes.inset}><ErrorNote error={error} /></div>}
      <LogView
        label={label} lines={lines} live={live} onEarlier={hasEarlier ? loadEarlier : undefined} downloadPath={path}
        empty={<EmptyState title={live ? t('log.waiting') : t('log.none')}>{live ? t('log.waitingHint') : undefined}</EmptyState>}
      />
    </>
  );
}
