import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Environment, EnvironmentBuild } from '@/api/nouns';
import { Page, Section } from '@/components/Page';
import { Await, EmptyState } from '@/components/States';
import { StatusBadge } from '@/components/StatusBadge';
import { Table } from '@/components/Table';
import { useMay } from '@/features/access/queries';
import { useWorkspaceName } from '@/lib/workspace';
import { toBuildStatus } from './build';
import { CreateEnvironment } from './CreateEnvironment';
import { buildsQuery, environmentsQuery } from './queries';

/** Environments by name, each with its newest version. */
export default function EnvironmentsPage() {
  const { t } = useTranslation();
  const workspace = useWorkspaceName();
  const query = useQuery(environmentsQuery(workspace));
  const builds = useQuery(buildsQuery(workspace));
  const mayWrite = useMay('environments/write');
  const [creating, setCreating] = useState(false);
  return (
    <Page
      title={t('environments.title')} command="atelier environment list" meta={<span>{t('environments.hint')}</span>}
      actions={mayWrite ? <Button onClick={() => setCreating(true)}>{t('environments.create')}</Button> : undefined}
    >
      <Section flush>
        <Await query={query}>
          {(page) => (page.items.length === 0
            ? <EmptyState title={t('environments.none')} snippet={'# job.yml\nenvironment: azureml:sklearn-1.5@latest'} />
            : <List workspace={workspace} environments={page.items} builds={builds.data?.items ?? []} />)}
        </Await>
      </Section>
      {creating && <CreateEnvironment workspace={workspace} onClose={() => setCreating(false)} />}
    </Page>
  );
}

interface ListProps {
  workspace: string;
  environments: readonly Environment[];
  builds: readonly EnvironmentBuild[];
}

function List({ workspace, environments, builds }: ListProps) {
  const { t } = useTranslation();
  // Versions come newest first, so the first of a name is its latest.
  const latest = environments.filter((one, i) => one.name !== '' && environments.findIndex((other) => other.name === one.name) === i);
  const states = new Map(builds.map((build) => [build.hash, build]));
  return (
    <Table
      label={t('environments.title')} rows={latest} rowKey={(one) => one.name}
      columns={[
        { key: 'name', head: t('common.name'), grow: true, cell: (one) => (
          <div>
            <Link to="/w/$workspace/environments/$environment" params={{ workspace, environment: one.name }} search={{}}>{one.name}</Link>
            {one.description && <div className="muted"><bdi>{one.description}</bdi></div>}
          </div>
        ) },
        { key: 'kind', head: t('common.type'), cell: (one) => <span className="nowrap">{one.curated ? t('environments.curated') : t('environments.own')}</span> },
        { key: 'version', head: t('model.latest'), numeric: true, cell: (one) => one.version },
        { key: 'python', head: 'Python', cell: (one) => one.python_version || '–' },
        { key: 'state', head: t('common.status'), cell: (one) => <StatusBadge plain status={toBuildStatus(states.get(one.hash)?.state)} /> },
      ]}
    />
  );
}
