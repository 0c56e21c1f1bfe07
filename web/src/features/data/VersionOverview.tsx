import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { workspacePath } from '@/api/client';
import { ApiError } from '@/api/error';
import type { DataPreview, DataVersion } from '@/api/nouns';
import { Copyable } from '@/components/CommandLine';
import { DataGrid } from '@/components/DataGrid';
import { FileBrowser } from '@/components/FileBrowser';
import { FilePreview } from '@/components/FilePreview';
import { Columns, Facts, Section } from '@/components/Page';
import { Await, EmptyState } from '@/components/States';
import { Tags } from '@/components/Tag';
import { useMay } from '@/features/access/queries';
import { toTree } from '@/lib/files';
import { formatBytes, formatCount, formatTime, shortID } from '@/lib/format';
import { previewQuery, treeQuery } from './queries';

interface VersionOverviewProps {
  workspace: string;
  version: DataVersion;
  path: string | undefined;
  onPath: (path: string) => void;
}

/** What is in a version and where it comes from. */
export function VersionOverview({ workspace, version, path, onPath }: VersionOverviewProps) {
  const mayRead = useMay('metadata/artifacts/read');
  return (
    <>
      <Columns main={<Preview workspace={workspace} version={version} />} side={<About workspace={workspace} version={version} />} />
      {version.tree && mayRead && <Files workspace={workspace} tree={version.tree} path={path} onPath={onPath} />}
    </>
  );
}

/** The first rows of a table of the version, as the server read them. */
function Preview({ workspace, version }: { workspace: string; version: DataVersion }) {
  const { t } = useTranslation();
  const [table, setTable] = useState<string>();
  const preview = useQuery(previewQuery(workspace, version.name, version.version, table));
  const tables = preview.data?.tables ?? [];
  const choose = tables.length > 1 && (
    <Select size="xs" w={220} searchable aria-label={t('data.table')} data={tables} value={preview.data?.path ?? null} onChange={(next) => setTable(next ?? undefined)} />
  );
  if (preview.error instanceof ApiError && preview.error.status < 500 && preview.error.status !== 403) {
    return <Section title={t('data.firstRows')}><EmptyState title={t('data.noTable')}>{preview.error.message}</EmptyState></Section>;
  }
  return <Section title={t('data.firstRows')} aside={choose} flush><Await query={preview}>{(found) => <Rows preview={found} />}</Await></Section>;
}

function Rows({ preview }: { preview: DataPreview }) {
  const { t, i18n } = useTranslation();
  if (preview.columns.length === 0) return <EmptyState title={t('data.noTable')}>{t('data.noTableHint')}</EmptyState>;
  const note = preview.more ? t('data.moreRows', { shown: formatCount(preview.rows.length, i18n.language) }) : undefined;
  return <DataGrid label={preview.path} head={preview.columns} rows={preview.rows} note={note} />;
}

function About({ workspace, version }: { workspace: string; version: DataVersion }) {
  const { t, i18n } = useTranslation();
  const tags = Object.keys(version.tags).length > 0 ? <Tags tags={version.tags} /> : undefined;
  return (
    <Section title={t('model.versionNumber', { version: version.version })}>
      <Facts rows={[
        [t('data.reference'), <Copyable key="a" text={`azureml:${version.name}:${version.version}`} />],
        [t('common.type'), t(`data.type.${version.type}`)],
        [t('common.description'), version.description && <bdi>{version.description}</bdi>],
        [t('data.files'), formatCount(version.files, i18n.language)],
        [t('common.size'), formatBytes(version.size, i18n.language)],
        [t('data.from'), version.path.includes('/LocalUpload/') ? t('data.uploaded') : <bdi className="mono">{version.path}</bdi>],
        [t('data.liesIn'), <Place key="p" workspace={workspace} version={version} />],
        [t('data.bytes'), version.tree && <Copyable text={version.tree} label={shortID(version.tree)} />],
        [t('model.run'), version.run_id && <Link to="/w/$workspace/runs/$run" params={{ workspace, run: version.run_id }} search={{}}>{shortID(version.run_id)}</Link>],
        [t('common.user'), version.created_by],
        [t('common.created'), formatTime(new Date(version.created_at), i18n.language)],
        [t('common.tags'), tags],
      ]} />
    </Section>
  );
}

function Place({ workspace, version }: { workspace: string; version: DataVersion }): ReactNode {
  const { t } = useTranslation();
  const { reference } = version;
  if (!reference) return t('data.here');
  if (!reference.datastore) return <bdi className="mono">{reference.url}</bdi>;
  return (
    <>
      <Link to="/w/$workspace/datastores/$datastore" params={{ workspace, datastore: reference.datastore }} search={{ path: reference.path }}>{reference.datastore}</Link>
      {reference.path && <bdi className="mono"> {reference.path}</bdi>}
    </>
  );
}

function Files({ workspace, tree, path, onPath }: { workspace: string; tree: string; path: string | undefined; onPath: (path: string) => void }) {
  const { t } = useTranslation();
  const query = useQuery(treeQuery(workspace, tree));
  const nodes = useMemo(() => toTree(query.data?.files ?? []), [query.data]);
  return (
    <Section title={t('data.files')} flush>
      <Await query={query}>
        {({ files }) => {
          const chosen = files.find((file) => file.path === path) ?? files[0];
          if (!chosen) return <EmptyState title={t('code.empty')} />;
          const source = workspacePath(workspace, 'blobs', chosen.sha256);
          return (
            <FileBrowser label={t('data.files')} nodes={nodes} selected={chosen.path} onSelect={onPath}>
              <FilePreview path={chosen.path} size={chosen.size} source={source} download={source} />
            </FileBrowser>
          );
        }}
      </Await>
    </Section>
  );
}
