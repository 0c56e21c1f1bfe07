import { SegmentedControl } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { LogView } from '@/components/LogView';
import { Section } from '@/components/Page';
import { EmptyState, ErrorNote, LoadingRows } from '@/components/States';
import { logNames, useLog, type LogName } from './useLog';
import classes from './RunPage.module.css';

interface LogsPanelProps {
  workspace: string;
  job: string;
  live: boolean;
  chosen: string | undefined;
  onChoose: (log: string | undefined) => void;
}

/** A job's logs: what the script printed, how its environment was built, what the runner did. */
export function LogsPanel({ workspace, job, live, chosen, onChoose }: LogsPanelProps) {
  const { t } = useTranslation();
  const log = (Object.keys(logNames) as LogName[]).find((name) => name === chosen) ?? 'output';
  return (
    <>
      <SegmentedControl
        size="xs" mb="sm" aria-label={t('log.which')} value={log} onChange={(name) => onChoose(name === 'output' ? undefined : name)}
        data={(Object.keys(logNames) as LogName[]).map((name) => ({ value: name, label: t(`log.name.${name}`) }))}
      />
      <Section flush><JobLog key={log} workspace={workspace} job={job} log={log} live={live} /></Section>
    </>
  );
}

export function JobLog({ workspace, job, log, live }: { workspace: string; job: string; log: LogName; live: boolean }) {
  const { t } = useTranslation();
  const { lines, error, loaded, hasEarlier, loadEarlier, path } = useLog(workspace, job, logNames[log], live);
  if (!loaded) return <LoadingRows rows={8} />;
  return (
    <>
      {error !== null && <div className={classes.inset}><ErrorNote error={error} /></div>}
      <LogView
        label={t(`log.name.${log}`)} lines={lines} live={live} onEarlier={hasEarlier ? loadEarlier : undefined} downloadPath={path}
        empty={<EmptyState title={live ? t('log.waiting') : t('log.none')}>{live ? t('log.waitingHint') : undefined}</EmptyState>}
      />
    </>
  );
}
