import { Button, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Deployment, Endpoint } from '@/api/nouns';
import { Copyable } from '@/components/CommandLine';
import { ConfirmButton } from '@/components/Confirm';
import { Columns, Facts, Page, Section } from '@/components/Page';
import { toStatus } from '@/components/status';
import { Await, EmptyState } from '@/components/States';
import { StatusBadge } from '@/components/StatusBadge';
import { TabList } from '@/components/TabList';
import { Ago } from '@/components/Time';
import { useMay } from '@/features/access/queries';
import { ActivityCharts, useRecent } from './ActivityCharts';
import { Console } from './Console';
import { CreateDeployment } from './DeploymentForms';
import { Deployments } from './Deployments';
import { Keys } from './Keys';
import { DeploymentLogs } from './Logs';
import { deploymentsQuery, endpointQuery } from './queries';
import { RolloutPanel } from './Rollout';
import { endpointTabs } from './search';
import { absoluteURI } from './snippets';
import { TrafficPanel } from './TrafficPanel';
import classes from './EndpointPage.module.css';

/** An endpoint: what it answers now, who gets its traffic, a place to try it, and what its deployments print. */
export default function EndpointPage() {
  const { t } = useTranslation();
  const { workspace, endpoint: name } = useParams({ from: '/app/w/$workspace/endpoints/$endpoint' });
  const { tab } = useSearch({ from: '/app/w/$workspace/endpoints/$endpoint' });
  const endpoint = useQuery(endpointQuery(workspace, name));
  const state = endpoint.data && <StatusBadge status={toStatus(endpoint.data.provisioning_state)} />;
  return (
    <Page
      title={name} heading={<>{name} {state}</>}
      command={tab === 'test' ? `atelier online-endpoint invoke -n ${name} --request-file request.json` : `atelier online-endpoint show --name ${name}`}
      parents={[{ label: t('endpoints.title'), link: { to: '/w/$workspace/endpoints', params: { workspace } } }]}
      meta={endpoint.data?.description ? <bdi>{endpoint.data.description}</bdi> : undefined}
      actions={endpoint.data && <Actions workspace={workspace} endpoint={endpoint.data} />}
    >
      <Await query={endpoint}>
        {(found) => (
          <>
            {found.error && <p className={classes.failure} role="alert">{found.error.message}</p>}
            <Panels workspace={workspace} endpoint={found} />
          </>
        )}
      </Await>
    </Page>
  );
}

interface EndpointProps {
  workspace: string;
  endpoint: Endpoint;
}

function Actions({ workspace, endpoint }: EndpointProps) {
  const { t } = useTranslation();
  const [creating, setCreating] = useState(false);
  const [mayWrite, mayDelete] = [useMay('endpoints/online/write'), useMay('endpoints/online/delete')];
  const navigate = useNavigate();
  const params = { path: { workspace, endpoint: endpoint.name } };
  return (
    <>
      {mayDelete && (
        <ConfirmButton
          label={t('common.delete')} question={t('endpoint.deleteTitle', { name: endpoint.name })} hint={t('endpoint.deleteHint')} stale={[workspace, 'endpoints']}
          act={() => ask(api.DELETE('/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}', { params }))}
          onDone={() => void navigate({ to: '/w/$workspace/endpoints', params: { workspace } })}
        />
      )}
      {mayWrite && <Button onClick={() => setCreating(true)}>{t('deploy.create')}</Button>}
      {creating && <CreateDeployment workspace={workspace} endpoint={endpoint} onClose={() => setCreating(false)} />}
    </>
  );
}

function Panels({ workspace, endpoint }: EndpointProps) {
  const { t } = useTranslation();
  const { tab } = useSearch({ from: '/app/w/$workspace/endpoints/$endpoint' });
  const navigate = useNavigate({ from: '/w/$workspace/endpoints/$endpoint' });
  const query = useQuery(deploymentsQuery(workspace, endpoint.name));
  return (
    <TabList
      value={tab ?? 'overview'} tabs={endpointTabs.map((key) => ({ key, label: t(`endpoint.tab.${key}`) }))}
      onChange={(next) => void navigate({ search: (old) => ({ ...old, tab: next === 'overview' ? undefined : next }), resetScroll: false })}
    >
      <Tabs.Panel value="overview">
        <Await query={query}>{({ items }) => <Overview workspace={workspace} endpoint={endpoint} deployments={items} />}</Await>
      </Tabs.Panel>
      <Tabs.Panel value="test">
        <Await query={query}>{({ items }) => <Console workspace={workspace} endpoint={endpoint} deployments={items} />}</Await>
      </Tabs.Panel>
      <Tabs.Panel value="logs">
        <Await query={query}>{({ items }) => <DeploymentLogs workspace={workspace} endpoint={endpoint.name} deployments={items} />}</Await>
      </Tabs.Panel>
    </TabList>
  );
}

function Overview({ workspace, endpoint, deployments }: EndpointProps & { deployments: readonly Deployment[] }) {
  const { t } = useTranslation();
  const recent = useRecent(workspace, endpoint.name);
  if (deployments.length === 0) {
    return (
      <Columns
        main={<Section title={t('endpoint.deployments')}><EmptyState title={t('endpoint.noDeployments')} command={`atelier online-deployment create -f deployment.yml --endpoint-name ${endpoint.name} --all-traffic`} /></Section>}
        side={<><About endpoint={endpoint} /><Keys workspace={workspace} endpoint={endpoint} /></>}
      />
    );
  }
  const rolls = endpoint.rollout?.state === 'Running';
  const rollout = endpoint.rollout && <RolloutPanel workspace={workspace} endpoint={endpoint} rollout={endpoint.rollout} counts={recent.rollout} />;
  return (
    <>
      <Columns
        main={(
          <>
            {rolls && rollout}
            <ActivityCharts recent={recent.recent} error={recent.error} />
            {!rolls && rollout}
          </>
        )}
        side={(
          <>
            <TrafficPanel workspace={workspace} endpoint={endpoint} deployments={deployments} />
            <About endpoint={endpoint} />
            <Keys workspace={workspace} endpoint={endpoint} />
          </>
        )}
      />
      <Deployments workspace={workspace} endpoint={endpoint} deployments={deployments} recent={recent.recent} />
    </>
  );
}

function About({ endpoint }: { endpoint: Endpoint }) {
  const { t } = useTranslation();
  return (
    <Section title={t('endpoint.about')}>
      <Facts rows={[
        [t('endpoint.uri'), <Copyable key="u" text={absoluteURI(endpoint.scoring_uri, location.origin)} />],
        [t('endpoint.auth'), endpoint.auth_mode === 'key' ? t('endpoint.authKey') : t('endpoint.authToken')],
        [t('common.user'), endpoint.created_by],
        [t('common.created'), <Ago key="c" at={endpoint.created_at} />],
      ]} />
    </Section>
  );
}
