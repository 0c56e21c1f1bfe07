import { Switch, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { DataAsset } from '@/api/nouns';
import { Bar, Page, Section } from '@/components/Page';
import { Await, EmptyState } from '@/components/States';
import { Table } from '@/components/Table';
import { Tag } from '@/components/Tag';
import { Ago } from '@/components/Time';
import { useMay } from '@/features/access/queries';
import { useWorkspaceName } from '@/lib/workspace';
import { assetsQuery } from './queries';
import type { AssetsSearch } from './search';
import { UploadData } from './UploadData';

/** The data assets of a workspace, by name. */
export default function DataPage() {
  const { t } = useTranslation();
  const workspace = useWorkspaceName();
  const search = useSearch({ from: '/app/w/$workspace/data' });
  const navigate = useNavigate({ from: '/w/$workspace/data' });
  const change = (part: AssetsSearch) => void navigate({ search: (old) => ({ ...old, ...part }), replace: true });
  const assets = useQuery(assetsQuery(workspace, search.archived ?? false));
  const mayWrite = useMay('data/write');
  const mayUpload = useMay('metadata/artifacts/write') && mayWrite;
  return (
    <Page
      title={t('data.title')} command={`atelier data list${search.archived ? ' --archived' : ''}`}
      actions={mayUpload ? <UploadData workspace={workspace} /> : undefined}
    >
      <Bar>
        <TextInput
          size="sm" w={280} aria-label={t('data.find')} placeholder={t('data.find')} leftSection={<IconSearch size={15} />}
          value={search.find ?? ''} onChange={(event) => change({ find: event.currentTarget.value || undefined })}
        />
        <Switch size="xs" label={t('common.archivedToo')} checked={search.archived ?? false} onChange={(event) => change({ archived: event.currentTarget.checked || undefined })} />
      </Bar>
      <Section flush>
        <Await query={assets}>
          {({ items }) => {
            if (items.length === 0) return <EmptyState title={t('data.none')} command="atelier data create -n patients -p data/patients.csv">{t('data.noneHint')}</EmptyState>;
            const found = matching(items, search.find ?? '');
            return found.length === 0 ? <EmptyState title={t('data.noMatch')} /> : <Assets workspace={workspace} assets={found} />;
          }}
        </Await>
      </Section>
    </Page>
  );
}

function matching(assets: readonly DataAsset[], words: string): readonly DataAsset[] {
  const wanted = words.trim().toLowerCase();
  return wanted === '' ? assets : assets.filter((one) => one.name.toLowerCase().includes(wanted) || one.description.toLowerCase().includes(wanted));
}

function Assets({ workspace, assets }: { workspace: string; assets: readonly DataAsset[] }) {
  const { t } = useTranslation();
  return (
    <Table
      label={t('data.title')} rows={assets} rowKey={(one) => one.name}
      columns={[
        { key: 'name', head: t('common.name'), grow: true, cell: (one) => (
          <div>
            <Link to="/w/$workspace/data/$asset" params={{ workspace, asset: one.name }} search={{}}>{one.name}</Link>
            {one.archived && <> <Tag>{t('common.archived')}</Tag></>}
            {one.description && <div className="muted"><bdi>{one.description}</bdi></div>}
          </div>
        ) },
        { key: 'type', head: t('common.type'), cell: (one) => (one.latest_version ? <span className="nowrap">{t(`data.type.${one.type}`)}</span> : '–') },
        { key: 'latest', head: t('data.latest'), numeric: true, cell: (one) => one.latest_version || '–' },
        { key: 'by', head: t('common.user'), cell: (one) => one.created_by },
        { key: 'updated', head: t('common.updated'), cell: (one) => <Ago at={one.updated_at} /> },
      ]}
    />
  );
}
