import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Deployment, Endpoint } from '@/api/nouns';
import { Copyable } from '@/components/CommandLine';
import { LogView } from '@/components/LogView';
import { Columns, Facts, Page, Section } from '@/components/Page';
import { toStatus } from '@/components/status';
import { Await, EmptyState } from '@/components/States';
import { StatusBadge } from '@/components/StatusBadge';
import { Table } from '@/components/Table';
import { Ago } from '@/components/Time';
import { splitLines } from '@/lib/log';
import { Keys } from './Keys';
import { deploymentLogsQuery, deploymentsQuery, endpointQuery } from './queries';
import { absoluteURI } from './snippets';
import { TrafficBar } from './Traffic';
import { TryIt } from './TryIt';
import classes from './EndpointPage.module.css';

export default function EndpointPage() {
  const { t } = useTranslation();
  const { workspace, endpoint: name } = useParams({ from: '/app/w/$workspace/endpoints/$endpoint' });
  const endpoint = useQuery(endpointQuery(workspace, name));
  const deployments = useQuery(deploymentsQuery(workspace, name));
  const state = endpoint.data && <StatusBadge status={toStatus(endpoint.data.provisioning_state)} />;
  return (
    <Page
      title={name} heading={<>{name} {state}</>} command={`atelier online-endpoint show --name ${name}`}
      parents={[{ label: t('endpoints.title'), link: { to: '/w/$workspace/endpoints', params: { workspace } } }]}
      meta={endpoint.data?.description ? <span>{endpoint.data.description}</span> : undefined}
    >
      <Await query={endpoint}>
        {(found) => (
          <>
            {found.error && <p className={classes.failure} role="alert">{found.error.message}</p>}
            <Columns
              main={<TryIt workspace={workspace} endpoint={found} deployments={deployments.data?.items ?? []} />}
              side={(
                <>
                  <About endpoint={found} />
                  <Section title={t('endpoint.traffic')}><TrafficBar traffic={found.traffic} /></Section>
                  <Keys workspace={workspace} endpoint={name} />
                </>
              )}
            />
            <Await query={deployments}>{(page) => <Deployments workspace={workspace} endpoint={name} deployments={page.items} />}</Await>
          </>
        )}
      </Await>
    </Page>
  );
}

function About({ endpoint }: { endpoint: Endpoint }) {
  const { t } = useTranslation();
  return (
    <Section title={t('endpoint.about')}>
      <Facts rows={[
        [t('endpoint.uri'), <Copyable key="u" text={absoluteURI(endpoint.scoring_uri, location.origin)} />],
        [t('endpoint.auth'), endpoint.auth_mode === 'key' ? t('endpoint.authKey') : endpoint.auth_mode],
        [t('common.user'), endpoint.created_by],
        [t('common.created'), <Ago key="c" at={endpoint.created_at} />],
      ]} />
    </Section>
  );
}

function modelName(model: unknown): string {
  if (typeof model === 'string') return model.replace(/^azureml:/, '');
  return (model as { path?: string } | null)?.path ?? '–';
}

function Deployments({ workspace, endpoint, deployments }: { workspace: string; endpoint: string; deployments: readonly Deployment[] }) {
  const { t } = useTranslation();
  if (deployments.length === 0) {
    return <Section title={t('endpoint.deployments')}><EmptyState title={t('endpoint.noDeployments')} command={`atelier online-deployment create -f deployment.yml --endpoint-name ${endpoint} --all-traffic`} /></Section>;
  }
  const failed = deployments.filter((one) => one.error);
  return (
    <>
      <Section title={t('endpoint.deployments')} flush>
        <Table
          label={t('endpoint.deployments')} rows={deployments} rowKey={(one) => one.name}
          columns={[
            { key: 'name', head: t('common.name'), cell: (one) => <strong>{one.name}</strong> },
            { key: 'state', head: t('common.status'), cell: (one) => <StatusBadge plain status={toStatus(one.provisioning_state)} /> },
            { key: 'model', head: t('endpoint.model'), grow: true, cell: (one) => <span className="mono">{modelName(one.model)}</span> },
            { key: 'replicas', head: t('endpoint.replicas'), numeric: true, cell: (one) => `${one.replicas?.filter((replica) => /run|ready/i.test(replica.state)).length ?? 0} / ${one.wanted_instances ?? 1}` },
            { key: 'updated', head: t('common.updated'), cell: (one) => <Ago at={one.updated_at} /> },
          ]}
        />
        {failed.map((one) => <p key={one.name} className={classes.failureIn} role="alert"><strong>{one.name}:</strong> {one.error?.message}</p>)}
      </Section>
      <Logs workspace={workspace} endpoint={endpoint} deployments={deployments} />
    </>
  );
}

function Logs({ workspace, endpoint, deployments }: { workspace: string; endpoint: string; deployments: readonly Deployment[] }) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState(deployments.find((one) => one.error)?.name ?? deployments[0]?.name ?? '');
  const logs = useQuery(deploymentLogsQuery(workspace, endpoint, chosen));
  const choose = deployments.length > 1
    ? <SegmentedControl size="xs" aria-label={t('endpoint.deployments')} value={chosen} onChange={setChosen} data={deployments.map((one) => one.name)} />
    : undefined;
  return (
    <Section title={t('endpoint.logs')} aside={choose} flush>
      <Await query={logs}>
        {({ content }) => <LogView label={t('endpoint.logs')} lines={splitLines(content)} live empty={<EmptyState title={t('log.none')} />} />}
      </Await>
    </Section>
  );
}
