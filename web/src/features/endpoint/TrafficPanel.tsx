import { Button, Modal, NumberInput, Select, Slider } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import { ApiError } from '@/api/error';
import type { Deployment, Endpoint } from '@/api/nouns';
import dialog from '@/components/Dialog.module.css';
import { Section } from '@/components/Page';
import { ErrorNote } from '@/components/States';
import { useMay } from '@/features/access/queries';
import { formatPercent } from '@/lib/format';
import { Swatch } from './ActivityCharts';
import { changesOf, moveShare, sharesOf, totalOf, type Shares } from './shares';
import { TrafficBar } from './Traffic';
import classes from './TrafficPanel.module.css';

interface TrafficProps {
  workspace: string;
  endpoint: Endpoint;
  deployments: readonly Deployment[];
}

/** Who gets how much of the traffic, and who copies of it. Nothing moves before it is confirmed. */
export function TrafficPanel({ workspace, endpoint, deployments }: TrafficProps) {
  const { t } = useTranslation();
  const mayWrite = useMay('endpoints/online/write');
  const names = deployments.map((one) => one.name);
  const present = { traffic: sharesOf(endpoint.traffic, names), mirror: sharesOf(endpoint.mirror_traffic, names) };
  const [draft, setDraft] = useState<{ traffic?: Shares; mirror?: Shares }>({});
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  const wanted = { traffic: draft.traffic ?? present.traffic, mirror: draft.mirror ?? present.mirror };
  const changes = { traffic: changesOf(present.traffic, wanted.traffic), mirror: changesOf(present.mirror, wanted.mirror) };
  const changed = changes.traffic.length + changes.mirror.length > 0;
  const apply = useMutation({
    mutationFn: () => ask(api.PATCH('/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}', {
      params: { path: { workspace, endpoint: endpoint.name } },
      body: { ...(changes.traffic.length > 0 ? { traffic: wanted.traffic } : {}), ...(changes.mirror.length > 0 ? { mirror_traffic: wanted.mirror } : {}) },
    })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: [workspace, 'endpoint', endpoint.name] });
      await queries.invalidateQueries({ queryKey: [workspace, 'endpoints'] });
      setDraft({});
    },
    onSettled: () => setAsking(false),
  });
  const change = (next: typeof draft) => {
    apply.reset();
    setDraft({ ...draft, ...next });
  };
  const ofMirror = apply.error instanceof ApiError && apply.error.field.startsWith('mirror');
  return (
    <Section title={t('endpoint.traffic')}>
      <div className={classes.panel}>
        <TrafficBar traffic={wanted.traffic} order={names} plain={mayWrite} />
        {mayWrite && names.map((name, i) => (
          <Share key={name} name={name} index={i} share={wanted.traffic[name] ?? 0} alone={names.length === 1} onChange={(share) => change({ traffic: moveShare(wanted.traffic, name, share) })} />
        ))}
        {mayWrite && <ErrorNote error={ofMirror ? null : apply.error} />}
        {(mayWrite && names.length > 1) && <Mirror names={names} traffic={wanted.traffic} mirror={wanted.mirror} onChange={(mirror) => change({ mirror })} />}
        {!mayWrite && totalOf(present.mirror) > 0 && <p className="muted">{t('traffic.mirrorTo')}: {describe(present.mirror)}</p>}
        <ErrorNote error={ofMirror ? apply.error : null} />
        {mayWrite && (
          <div className={classes.buttons}>
            {totalOf(wanted.traffic) > 0 && !changed && <Button size="compact-sm" variant="subtle" color="gray" onClick={() => change({ traffic: sharesOf({}, names) })}>{t('traffic.none')}</Button>}
            {changed && <Button size="compact-md" variant="default" onClick={() => { apply.reset(); setDraft({}); }}>{t('traffic.reset')}</Button>}
            {changed && <Button size="compact-md" onClick={() => setAsking(true)}>{t('traffic.apply')}</Button>}
          </div>
        )}
      </div>
      <Modal opened={asking} onClose={() => setAsking(false)} title={t('traffic.confirm')} closeButtonProps={{ 'aria-label': t('common.close') }}>
        <Changes label={t('endpoint.traffic')} changes={changes.traffic} />
        <Changes label={t('traffic.mirrorTo')} changes={changes.mirror} />
        {endpoint.rollout?.state === 'Running' && changes.traffic.length > 0 && <p>{t('traffic.endsRollout', { name: endpoint.rollout.deployment })}</p>}
        <p className="muted">{t('traffic.confirmHint')}</p>
        <div className={dialog.buttons}>
          <Button variant="default" onClick={() => setAsking(false)}>{t('common.cancel')}</Button>
          <Button loading={apply.isPending} onClick={() => apply.mutate()}>{t('traffic.move')}</Button>
        </div>
      </Modal>
    </Section>
  );
}

function describe(shares: Shares): string {
  return Object.entries(shares).filter(([, share]) => share > 0).map(([name, share]) => `${name} ${share}%`).join(' · ');
}

interface ShareProps {
  name: string;
  index: number;
  share: number;
  /** Whether there is no other that could get the rest. */
  alone: boolean;
  onChange: (share: number) => void;
}

function Share({ name, index, share, alone, onChange }: ShareProps) {
  const { t } = useTranslation();
  const label = t('traffic.shareOf', { name });
  return (
    <div className={classes.share}>
      <span className={classes.name}><Swatch index={index} /><bdi className="ellipsis">{name}</bdi></span>
      <Slider className={classes.slider} size="sm" min={0} max={100} step={alone ? 100 : 1} label={null} thumbLabel={label} value={share} onChange={onChange} />
      <NumberInput
        size="xs" w={64} hideControls suffix="%" min={0} max={100} step={alone ? 100 : 1} allowDecimal={false} clampBehavior="strict" aria-label={t('traffic.percentOf', { name })}
        value={share} onChange={(next) => onChange(Math.round(Number(next) || 0))}
      />
    </div>
  );
}

const mostMirrored = 50;

/** Copies of requests go to one deployment that gets none itself; their answers are dropped. */
function Mirror({ names, traffic, mirror, onChange }: { names: readonly string[]; traffic: Shares; mirror: Shares; onChange: (mirror: Shares) => void }) {
  const { t, i18n } = useTranslation();
  const to = names.find((name) => (mirror[name] ?? 0) > 0);
  const share = to === undefined ? 0 : (mirror[to] ?? 0);
  const choices = names.filter((name) => name === to || (traffic[name] ?? 0) === 0);
  if (choices.length === 0) return null;
  return (
    <div className={classes.mirror}>
      <Select
        size="xs" label={t('traffic.mirrorTo')} description={t('traffic.mirrorHint')} value={to ?? ''} data={[{ value: '', label: t('traffic.nobody') }, ...choices.map((name) => ({ value: name, label: name }))]}
        onChange={(next) => onChange(next ? sharesOf({ [next]: share || 10 }, names) : sharesOf({}, names))}
      />
      {to !== undefined && (
        <div className={classes.share}>
          <span className={classes.name}>{formatPercent(share / 100, i18n.language)}</span>
          <Slider className={classes.slider} size="sm" min={1} max={mostMirrored} label={null} thumbLabel={t('traffic.mirrorOf', { name: to })} value={share} onChange={(next) => onChange(sharesOf({ [to]: next }, names))} />
        </div>
      )}
    </div>
  );
}

function Changes({ label, changes }: { label: string; changes: ReturnType<typeof changesOf> }) {
  const { i18n } = useTranslation();
  if (changes.length === 0) return null;
  const text = (share: number) => formatPercent(share / 100, i18n.language);
  return (
    <table className={classes.changes}>
      <caption>{label}</caption>
      <tbody>
        {changes.map(({ name, from, to }) => <tr key={name}><th scope="row"><bdi>{name}</bdi></th><td>{text(from)}</td><td aria-hidden="true">→</td><td><strong>{text(to)}</strong></td></tr>)}
      </tbody>
    </table>
  );
}
