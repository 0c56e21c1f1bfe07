import { queryOptions, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Environment } from '@/api/nouns';
import { Copyable } from '@/components/CommandLine';
import { Page, Section } from '@/components/Page';
import { Await, EmptyState } from '@/components/States';
import { Table } from '@/components/Table';
import { shortID } from '@/lib/format';
import { useWorkspaceName } from '@/lib/workspace';

function environmentsQuery(workspace: string) {
  return queryOptions({
    queryKey: [workspace, 'environments'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/environments', { params: { path: { workspace } } })),
  });
}

export default function EnvironmentsPage() {
  const { t } = useTranslation();
  const workspace = useWorkspaceName();
  const query = useQuery(environmentsQuery(workspace));
  return (
    <Page title={t('environments.title')} command="atelier environment list" meta={<span>{t('environments.hint')}</span>}>
      <Section flush>
        <Await query={query}>
          {(page) => (page.items.length === 0 ? <EmptyState title={t('environments.none')} snippet={'# job.yml\nenvironment: azureml:sklearn@latest'} /> : <List environments={page.items} />)}
        </Await>
      </Section>
    </Page>
  );
}

function List({ environments }: { environments: readonly Environment[] }) {
  const { t } = useTranslation();
  return (
    <Table
      label={t('environments.title')} rows={environments} rowKey={(one) => `${one.name}:${one.version}:${one.hash}`}
      columns={[
        { key: 'name', head: t('common.name'), grow: true, cell: (one) => (
          <div>
            <strong>{one.name || t('environment.inline')}</strong>
            {one.description && <div className="muted">{one.description}</div>}
          </div>
        ) },
        { key: 'version', head: t('common.version'), cell: (one) => one.version ?? '–' },
        { key: 'kind', head: t('common.type'), cell: (one) => <span className="nowrap">{one.curated ? t('environments.curated') : t('environments.own')}</span> },
        { key: 'python', head: 'Python', cell: (one) => one.python_version ?? '–' },
        { key: 'hash', head: t('environment.hash'), cell: (one) => (one.hash ? <Copyable text={one.hash} label={shortID(one.hash)} /> : '–') },
      ]}
    />
  );
}
