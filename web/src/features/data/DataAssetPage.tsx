import { Button, Tabs } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { workspacePath } from '@/api/client';
import type { DataAsset, DataVersion } from '@/api/nouns';
import { Page, Section } from '@/components/Page';
import { Await, EmptyState } from '@/components/States';
import { Table } from '@/components/Table';
import { TabList } from '@/components/TabList';
import { Tag } from '@/components/Tag';
import { Ago } from '@/components/Time';
import { useMay } from '@/features/access/queries';
import { LineagePanel } from '@/features/lineage/LineagePanel';
import { formatBytes, formatCount } from '@/lib/format';
import { shellWord } from '@/lib/shell';
import { ArchiveAsset, ArchiveVersion } from './Archive';
import { DifferencePanel } from './DifferencePanel';
import { ProfilePanel } from './ProfilePanel';
import { assetQuery, assetVersionsQuery, treeQuery } from './queries';
import { assetTabs, type AssetSearch, type AssetTab } from './search';
import { UploadData } from './UploadData';
import { UsesPanel } from './UsesPanel';
import { VersionOverview } from './VersionOverview';

/** A data asset: its versions, and everything about the chosen one. */
export default function DataAssetPage() {
  const { t } = useTranslation();
  const { workspace, asset: name } = useParams({ from: '/app/w/$workspace/data/$asset' });
  const search = useSearch({ from: '/app/w/$workspace/data/$asset' });
  const asset = useQuery(assetQuery(workspace, name));
  const versions = useQuery(assetVersionsQuery(workspace, name));
  const items = versions.data?.items ?? [];
  const wanted = search.version === 'latest' ? undefined : search.version;
  const chosen = items.find((one) => one.version === (wanted ?? asset.data?.latest_version)) ?? (wanted ? undefined : items[0]);
  return (
    <Page
      title={name}
      heading={<>{name}{asset.data?.archived && <Tag>{t('common.archived')}</Tag>}</>}
      parents={[{ label: t('data.title'), link: { to: '/w/$workspace/data', params: { workspace }, search: {} } }]}
      meta={asset.data?.description ? <bdi>{asset.data.description}</bdi> : undefined}
      actions={asset.data && <Actions workspace={workspace} asset={asset.data} version={chosen} />}
      command={commandOf(name, chosen?.version ?? 'latest', search)}
    >
      <Await query={asset} rows={2}>
        {(found) => (
          <Await query={versions}>
            {() => (
              <>
                {items.length > 0 && <Versions workspace={workspace} asset={found} versions={items} chosen={chosen} search={search} />}
                {chosen
                  ? <Panels key={chosen.version} workspace={workspace} version={chosen} versions={items} search={search} />
                  : <Section><EmptyState title={items.length === 0 ? t('data.noVersions') : t('data.noVersion', { version: wanted })} /></Section>}
              </>
            )}
          </Await>
        )}
      </Await>
    </Page>
  );
}

/** What the page shows, for a terminal. */
function commandOf(name: string, version: string, search: AssetSearch): string {
  const [asset, of] = [shellWord(name), shellWord(version)];
  switch (search.tab) {
    case 'profile': return `atelier data profile ${asset} -v ${of}`;
    case 'difference': return `atelier data diff ${asset} --from ${shellWord(search.since ?? 'VERSION')} --to ${of}`;
    case 'lineage': return `atelier lineage show data:${asset}:${of}`;
    default: return `atelier data show ${asset} -v ${of}\natelier data preview ${asset} -v ${of}`;
  }
}

function Actions({ workspace, asset, version }: { workspace: string; asset: DataAsset; version: DataVersion | undefined }) {
  const mayWrite = useMay('data/write');
  const mayUpload = useMay('metadata/artifacts/write') && mayWrite;
  const mayRead = useMay('metadata/artifacts/read');
  return (
    <>
      {version?.tree && mayRead && <Download workspace={workspace} version={version} />}
      {mayWrite && version && asset.latest_version !== version.version && <ArchiveVersion workspace={workspace} version={version} />}
      {mayWrite && <ArchiveAsset workspace={workspace} asset={asset} />}
      {mayUpload && <UploadData workspace={workspace} asset={asset} />}
    </>
  );
}

/** One file as it is, several as a zip file. */
function Download({ workspace, version }: { workspace: string; version: DataVersion }) {
  const { t } = useTranslation();
  const tree = useQuery(treeQuery(workspace, version.tree ?? ''));
  const [only, ...others] = tree.data?.files ?? [];
  if (!only) return null;
  const target = others.length === 0
    ? { href: workspacePath(workspace, 'blobs', only.sha256), download: only.path.split('/').at(-1) }
    : { href: workspacePath(workspace, 'trees', version.tree ?? '', 'archive'), download: `${version.name}-${version.version}.zip` };
  return <Button component="a" variant="default" leftSection={<IconDownload size={16} stroke={1.6} />} {...target}>{t('common.download')}</Button>;
}

interface VersionsProps {
  workspace: string;
  asset: DataAsset;
  versions: readonly DataVersion[];
  chosen: DataVersion | undefined;
  search: AssetSearch;
}

function Versions({ workspace, asset, versions, chosen, search }: VersionsProps) {
  const { t, i18n } = useTranslation();
  return (
    <Section title={t('data.versions')} flush>
      <Table
        label={t('data.versions')} rows={versions} rowKey={(one) => one.version}
        columns={[
          { key: 'version', head: t('common.version'), cell: (one) => (
            <span className="nowrap">
              <Link
                to="/w/$workspace/data/$asset" params={{ workspace, asset: one.name }} search={{ version: one.version, tab: search.tab }} resetScroll={false}
                aria-current={one.version === chosen?.version ? 'true' : undefined} style={{ fontWeight: one.version === chosen?.version ? 650 : 400 }}
              >
                {t('model.versionNumber', { version: one.version })}
              </Link>
              {one.version === asset.latest_version && <>{' '}<Tag strong>latest</Tag></>}
              {one.archived && <>{' '}<Tag>{t('common.archived')}</Tag></>}
            </span>
          ) },
          { key: 'what', head: t('common.description'), grow: true, cell: (one) => <bdi className="muted">{one.description}</bdi> },
          { key: 'type', head: t('common.type'), cell: (one) => <span className="nowrap">{t(`data.type.${one.type}`)}</span> },
          { key: 'files', head: t('data.files'), numeric: true, cell: (one) => formatCount(one.files, i18n.language) },
          { key: 'size', head: t('common.size'), numeric: true, cell: (one) => formatBytes(one.size, i18n.language) },
          { key: 'by', head: t('common.user'), cell: (one) => one.created_by },
          { key: 'created', head: t('common.created'), cell: (one) => <Ago at={one.created_at} /> },
        ]}
      />
    </Section>
  );
}

interface PanelsProps {
  workspace: string;
  version: DataVersion;
  versions: readonly DataVersion[];
  search: AssetSearch;
}

function Panels({ workspace, version, versions, search }: PanelsProps) {
  const { t } = useTranslation();
  const navigate = useNavigate({ from: '/w/$workspace/data/$asset' });
  const change = (part: Partial<AssetSearch>) => void navigate({ search: (old) => ({ ...old, ...part }), replace: true, resetScroll: false });
  const show = (tab: AssetTab) => void navigate({ search: (old) => ({ version: old.version, tab: tab === 'overview' ? undefined : tab }), resetScroll: false });
  const tabs = assetTabs.map((key) => ({ key, label: t(`data.tab.${key}`) }));
  return (
    <TabList value={search.tab ?? 'overview'} tabs={tabs} onChange={show}>
      <Tabs.Panel value="overview"><VersionOverview workspace={workspace} version={version} path={search.path} onPath={(path) => change({ path })} /></Tabs.Panel>
      <Tabs.Panel value="profile"><ProfilePanel workspace={workspace} version={version} /></Tabs.Panel>
      <Tabs.Panel value="difference">
        <DifferencePanel workspace={workspace} version={version} versions={versions} since={search.since} onSince={(since) => change({ since })} />
      </Tabs.Panel>
      <Tabs.Panel value="lineage">
        <LineagePanel workspace={workspace} of={`data:${version.name}:${version.version}`} />
        <UsesPanel workspace={workspace} version={version} />
      </Tabs.Panel>
    </TabList>
  );
}
