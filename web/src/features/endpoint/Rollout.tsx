import { Button, Switch } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Activity, Endpoint, RequestCounts, Rollout } from '@/api/nouns';
import { FormDialog } from '@/components/FormDialog';
import { Section } from '@/components/Page';
import { toStatus } from '@/components/status';
import { StatusBadge } from '@/components/StatusBadge';
import { Table } from '@/components/Table';
import { Duration } from '@/components/Time';
import { useMay } from '@/features/access/queries';
import { formatCount, formatLatency, formatMetric, formatPercent } from '@/lib/format';
import classes from './EndpointPage.module.css';

interface RolloutProps {
  workspace: string;
  endpoint: Endpoint;
  rollout: Rollout;
  /** What the present step has counted so far. */
  counts: Activity['rollout'];
}

interface Step {
  share: number;
  from?: string | undefined;
  to?: string | undefined;
  now: boolean;
  new?: RequestCounts | undefined;
  old?: RequestCounts | undefined;
}

/** The steps of a rollout: those that are over with what was seen in them, the present one, and those to come. */
function stepsOf(rollout: Rollout, counts: Activity['rollout']): Step[] {
  const running = rollout.state === 'Running';
  return rollout.steps.map((share, i) => {
    const passed = rollout.passed?.[i];
    if (passed) return { share, from: passed.started_at, to: passed.ended_at, now: false, new: passed.new, old: passed.old };
    const now = running && i === rollout.step;
    return { share, now, from: now ? rollout.step_started_at : undefined, ...(now ? counts : {}) };
  });
}

/** A rollout, while it goes on and after it: each step, what was seen in it, and why it waits or ended. */
export function RolloutPanel({ workspace, endpoint, rollout, counts }: RolloutProps) {
  const { t, i18n } = useTranslation();
  const language = i18n.language;
  const mayWrite = useMay('endpoints/online/write');
  const [stopping, setStopping] = useState(false);
  const running = rollout.state === 'Running';
  const aside = (
    <>
      <StatusBadge plain status={toStatus(rollout.state)} />
      {running && mayWrite && <Button size="compact-sm" variant="default" onClick={() => setStopping(true)}>{t('rollout.stop')}</Button>}
    </>
  );
  const percent = (value: number) => `${formatMetric(Math.round(value * 10) / 10, language)} %`;
  const both = (step: Step, write: (counts: RequestCounts) => string) => <Both step={step} write={write} />;
  return (
    <Section title={t('rollout.title', { name: rollout.deployment })} aside={aside} flush>
      <Table
        label={t('rollout.title', { name: rollout.deployment })} rows={stepsOf(rollout, counts)} rowKey={(step) => String(step.share)}
        columns={[
          { key: 'share', head: t('rollout.share'), grow: true, cell: (step) => <ShareOfStep step={step} /> },
          { key: 'requests', head: t('rollout.requests'), numeric: true, cell: (step) => both(step, (of) => formatCount(of.requests, language)) },
          { key: 'failing', head: t('activity.failed'), numeric: true, cell: (step) => both(step, (of) => (of.requests > 0 ? percent(of.failing_percent) : '–')) },
          { key: 'mean', head: t('rollout.mean'), numeric: true, cell: (step) => both(step, (of) => (of.requests > 0 ? formatLatency(of.mean_ms, language) : '–')) },
          { key: 'took', head: t('common.duration'), numeric: true, cell: (step) => (step.from ? <Duration from={step.from} to={step.to} running={step.now} /> : '–') },
        ]}
      />
      <p className={classes.notice} role="status">
        {rollout.reason || (running ? t('rollout.watching', { seconds: formatCount(rollout.step_seconds, language), requests: formatCount(rollout.min_requests, language) }) : '')}
        {(running || rollout.passed) && <span className="muted"> {t('rollout.comparison')}</span>}
      </p>
      {stopping && <StopRollout workspace={workspace} endpoint={endpoint} onClose={() => setStopping(false)} />}
    </Section>
  );
}

function ShareOfStep({ step }: { step: Step }) {
  const { t, i18n } = useTranslation();
  const text = formatPercent(step.share / 100, i18n.language);
  if (step.now) return <span><strong>{text}</strong> <span className={classes.now}>{t('rollout.now')}</span></span>;
  return <span className={step.to ? undefined : 'muted'}>{text}</span>;
}

/** A figure of the new deployment, over the same of the others. */
function Both({ step, write }: { step: Step; write: (counts: RequestCounts) => string }) {
  const { t } = useTranslation();
  if (!step.new || !step.old) return <>–</>;
  return <>{write(step.new)}<div className="muted">{t('rollout.others', { value: write(step.old) })}</div></>;
}

function StopRollout({ workspace, endpoint, onClose }: { workspace: string; endpoint: Endpoint; onClose: () => void }) {
  const { t } = useTranslation();
  const [keep, setKeep] = useState(false);
  const queries = useQueryClient();
  const stop = useMutation({
    mutationFn: () => ask(api.POST('/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}/rollout/stop', {
      params: { path: { workspace, endpoint: endpoint.name } }, body: { keep_traffic: keep },
    })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: [workspace, 'endpoint', endpoint.name] });
      onClose();
    },
  });
  return (
    <FormDialog title={t('rollout.stopTitle')} submit={t('rollout.stop')} sending={stop} onClose={onClose}>
      <p>{t('rollout.stopHint')}</p>
      <Switch label={t('rollout.keep')} checked={keep} onChange={(event) => setKeep(event.currentTarget.checked)} />
    </FormDialog>
  );
}
