import { ActionIcon, Menu } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Deployment, Endpoint } from '@/api/nouns';
import { ConfirmDialog } from '@/components/Confirm';
import { Section } from '@/components/Page';
import { toStatus } from '@/components/status';
import { StatusBadge } from '@/components/StatusBadge';
import { Table } from '@/components/Table';
import { Ago } from '@/components/Time';
import { useMay } from '@/features/access/queries';
import { formatLatency, formatMetric, formatPercent } from '@/lib/format';
import { lastMinute, type Recent } from './activity';
import { Swatch } from './ActivityCharts';
import { EditDeployment } from './DeploymentForms';
import { StartRollout } from './StartRollout';
import classes from './EndpointPage.module.css';

interface DeploymentsProps {
  workspace: string;
  endpoint: Endpoint;
  deployments: readonly Deployment[];
  recent: Recent | undefined;
}

/** What stands behind the endpoint, how it did in the last minute, and what can be done with it. */
export function Deployments({ workspace, endpoint, deployments, recent }: DeploymentsProps) {
  const { t, i18n } = useTranslation();
  const language = i18n.language;
  const [mayWrite, mayDelete] = [useMay('endpoints/online/write'), useMay('endpoints/online/delete')];
  const lately = new Map(deployments.map((one) => [one.name, recent && lastMinute(recent, one.name)]));
  return (
    <Section title={t('endpoint.deployments')} aside={t('endpoint.lastMinute')} flush>
      <Table
        label={t('endpoint.deployments')} rows={deployments} rowKey={(one) => one.name}
        columns={[
          { key: 'name', head: t('common.name'), cell: (one) => <span className={classes.deployment}><Swatch index={deployments.indexOf(one)} /><strong>{one.name}</strong></span> },
          { key: 'state', head: t('common.status'), cell: (one) => <StatusBadge plain status={toStatus(one.provisioning_state)} /> },
          { key: 'model', head: t('endpoint.model'), grow: true, cell: (one) => <ModelName workspace={workspace} deployment={one} /> },
          { key: 'traffic', head: t('endpoint.traffic'), numeric: true, cell: (one) => formatPercent((endpoint.traffic[one.name] ?? 0) / 100, language) },
          { key: 'rate', head: t('activity.perSecond'), numeric: true, cell: (one) => number(lately.get(one.name)?.perSecond, (value) => formatMetric(Math.round(value * 100) / 100, language)) },
          { key: 'p95', head: 'p95', numeric: true, cell: (one) => number(lately.get(one.name)?.p95, (value) => formatLatency(value, language)) },
          { key: 'failing', head: t('activity.failed'), numeric: true, cell: (one) => number(lately.get(one.name)?.failing, (value) => `${formatMetric(Math.round(value * 10) / 10, language)} %`) },
          { key: 'replicas', head: t('endpoint.replicas'), numeric: true, cell: (one) => `${one.replicas?.filter((replica) => replica.state === 'Ready').length ?? 0} / ${one.wanted_instances}` },
          { key: 'updated', head: t('common.updated'), cell: (one) => <span className="nowrap"><Ago at={one.updated_at} /></span> },
          ...(mayWrite || mayDelete ? [{ key: 'actions', head: t('common.actions'), cell: (one: Deployment) => <Actions workspace={workspace} endpoint={endpoint} deployment={one} mayWrite={mayWrite} mayDelete={mayDelete} /> }] : []),
        ]}
      />
      {deployments.map((one) => <Notes key={one.name} deployment={one} />)}
    </Section>
  );
}

function number(value: number | undefined, write: (value: number) => string): string {
  return value === undefined ? '–' : write(value);
}

/** Why it failed, and where what runs is not what was written. */
function Notes({ deployment }: { deployment: Deployment }) {
  return (
    <>
      {deployment.error && <p className={classes.failureIn} role="alert"><strong>{deployment.name}:</strong> {deployment.error.message}</p>}
      {deployment.notices?.map((notice) => <p key={notice} className={classes.notice}><strong>{deployment.name}:</strong> {notice}</p>)}
    </>
  );
}

function ModelName({ workspace, deployment }: { workspace: string; deployment: Deployment }) {
  const given = deployment.model;
  const path = typeof given === 'string' ? given : ((given as { path?: string } | null)?.path ?? '–');
  const [, name, version] = /^azureml:([^:@/]+):([^:@/]+)$/.exec(path) ?? [];
  if (name === undefined || version === undefined) return <bdi className="mono">{path}</bdi>;
  return <Link to="/w/$workspace/models/$model" params={{ workspace, model: name }} search={{ version }}>{`${name}:${version}`}</Link>;
}

interface ActionsProps {
  workspace: string;
  endpoint: Endpoint;
  deployment: Deployment;
  mayWrite: boolean;
  mayDelete: boolean;
}

type Doing = 'edit' | 'rollout' | 'delete';

function Actions({ workspace, endpoint, deployment, mayWrite, mayDelete }: ActionsProps) {
  const { t } = useTranslation();
  const [doing, setDoing] = useState<Doing | null>(null);
  const close = () => setDoing(null);
  const share = endpoint.traffic[deployment.name] ?? 0;
  const rolls = mayWrite && endpoint.rollout?.state !== 'Running' && share < 100 && Object.entries(endpoint.traffic).some(([name, other]) => name !== deployment.name && other > 0);
  const params = { path: { workspace, endpoint: endpoint.name, deployment: deployment.name } };
  return (
    <>
      <Menu position="bottom-end" shadow="md">
        <Menu.Target><ActionIcon aria-label={t('deploy.actionsOf', { name: deployment.name })}><IconDots size={17} /></ActionIcon></Menu.Target>
        <Menu.Dropdown>
          {mayWrite && <Menu.Item onClick={() => setDoing('edit')}>{t('common.edit')}</Menu.Item>}
          {rolls && <Menu.Item onClick={() => setDoing('rollout')}>{t('rollout.start')}</Menu.Item>}
          {mayDelete && <Menu.Item color="red" onClick={() => setDoing('delete')}>{t('common.delete')}</Menu.Item>}
        </Menu.Dropdown>
      </Menu>
      {doing === 'edit' && <EditDeployment workspace={workspace} deployment={deployment} onClose={close} />}
      {doing === 'rollout' && <StartRollout workspace={workspace} endpoint={endpoint} deployment={deployment.name} onClose={close} />}
      <ConfirmDialog
        opened={doing === 'delete'} onClose={close} label={t('common.delete')} question={t('deploy.deleteTitle', { name: deployment.name })} hint={t('deploy.deleteHint')} stale={[workspace, 'endpoint', endpoint.name]}
        act={() => ask(api.DELETE('/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}/deployments/{deployment}', { params }))}
      />
    </>
  );
}
