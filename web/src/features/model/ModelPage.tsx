import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import { workspacePath } from '@/api/client';
import type { ModelVersion } from '@/api/nouns';
import { CommandLine } from '@/components/CommandLine';
import { FileBrowser } from '@/components/FileBrowser';
import { FilePreview } from '@/components/FilePreview';
import { Columns, Facts, Page, Section } from '@/components/Page';
import { Await, EmptyState } from '@/components/States';
import { Table } from '@/components/Table';
import { Ago } from '@/components/Time';
import { LineagePanel } from '@/features/lineage/LineagePanel';
import { kindOf, toTree } from '@/lib/files';
import { formatBytes, formatTime, shortID } from '@/lib/format';
import { shellWord } from '@/lib/shell';
import { Aliases } from './Aliases';
import { modelQuery, modelTreeQuery, versionsQuery } from './queries';
import { deploySnippet } from './snippets';

/** A model: its versions, and everything about the chosen one. */
export default function ModelPage() {
  const { t } = useTranslation();
  const { workspace, model: name } = useParams({ from: '/app/w/$workspace/models/$model' });
  const search = useSearch({ from: '/app/w/$workspace/models/$model' });
  const model = useQuery(modelQuery(workspace, name));
  const versions = useQuery(versionsQuery(workspace, name));
  const items = versions.data?.items ?? [];
  const latest = items.find((one) => one.version === model.data?.latest_version) ?? items[0];
  const chosen = items.find((one) => one.version === search.version) ?? latest;
  return (
    <Page
      title={name} parents={[{ label: t('models.title'), link: { to: '/w/$workspace/models', params: { workspace } } }]}
      meta={model.data?.description ? <span>{model.data.description}</span> : undefined} command={`atelier model show ${shellWord(name)}`}
    >
      <Await query={model} rows={2}>
        {() => (
          <Await query={versions}>
            {(page) => (chosen ? (
              <>
                <Versions workspace={workspace} versions={page.items} chosen={chosen} />
                <Version workspace={workspace} version={chosen} path={search.path} />
              </>
            ) : <Section><EmptyState title={t('model.noVersions')} /></Section>)}
          </Await>
        )}
      </Await>
    </Page>
  );
}

function Versions({ workspace, versions, chosen }: { workspace: string; versions: readonly ModelVersion[]; chosen: ModelVersion }) {
  const { t, i18n } = useTranslation();
  return (
    <Section title={t('model.versions')} flush>
      <Table
        label={t('model.versions')} rows={versions} rowKey={(one) => one.version}
        columns={[
          { key: 'version', head: t('common.version'), cell: (one) => (
            <Link
              to="/w/$workspace/models/$model" params={{ workspace, model: one.name }} search={{ version: one.version }}
              className="nowrap" aria-current={one.version === chosen.version ? 'true' : undefined} style={{ fontWeight: one.version === chosen.version ? 650 : 400 }}
            >
              {t('model.versionNumber', { version: one.version })}
            </Link>
          ) },
          { key: 'aliases', head: t('model.aliases'), grow: true, cell: (one) => <Aliases names={one.aliases ?? []} /> },
          { key: 'type', head: t('common.type'), cell: (one) => <span className="nowrap">{typeName(one.type, t)}</span> },
          { key: 'size', head: t('common.size'), numeric: true, cell: (one) => (one.size === undefined ? '–' : formatBytes(one.size, i18n.language)) },
          { key: 'by', head: t('common.user'), cell: (one) => one.created_by ?? '–' },
          { key: 'created', head: t('common.created'), cell: (one) => <Ago at={one.created_at} /> },
        ]}
      />
    </Section>
  );
}

function typeName(type: string, t: TFunction): string {
  if (type === 'mlflow_model' || type === 'custom_model' || type === 'triton_model') return t(`model.type.${type}`);
  return type;
}

function Version({ workspace, version, path }: { workspace: string; version: ModelVersion; path: string | undefined }) {
  const { t, i18n } = useTranslation();
  return (
    <>
      <Columns
        main={(
          <Section title={t('model.deploy')}>
            <p className="muted" style={{ marginTop: 0 }}>{version.type === 'mlflow_model' ? t('model.deployMLflow') : t('model.deployCustom')}</p>
            <CommandLine command={deploySnippet(version)} prompt={false} />
          </Section>
        )}
        side={(
          <Section title={t('model.versionNumber', { version: version.version })}>
            <Facts rows={[
              [t('common.type'), typeName(version.type, t)],
              [t('common.description'), version.description],
              [t('model.run'), version.run_id ? <Link key="r" to="/w/$workspace/runs/$run" params={{ workspace, run: version.run_id }} search={{}}>{shortID(version.run_id)}</Link> : undefined],
              [t('model.path'), version.path ? <span key="p" className="mono">{version.path}</span> : undefined],
              [t('model.flavors'), Object.keys(version.flavors ?? {}).join(', ')],
              [t('common.created'), formatTime(new Date(version.created_at), i18n.language)],
              [t('common.tags'), Object.entries(version.tags ?? {}).map(([key, value]) => `${key}: ${value}`).join(', ')],
            ]} />
          </Section>
        )}
      />
      <LineagePanel workspace={workspace} of={`model:${version.name}:${version.version}`} />
      {version.tree && <Files workspace={workspace} name={version.name} tree={version.tree} path={path} />}
    </>
  );
}

function Files({ workspace, name, tree, path }: { workspace: string; name: string; tree: string; path: string | undefined }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const query = useQuery(modelTreeQuery(workspace, tree));
  const nodes = useMemo(() => toTree(query.data?.files ?? []), [query.data]);
  return (
    <Section title={t('model.files')} flush>
      <Await query={query}>
        {({ files }) => {
          const chosen = files.find((file) => file.path === path) ?? files.find((file) => file.path.endsWith('MLmodel')) ?? files.find((file) => kindOf(file.path) !== 'other') ?? files[0];
          if (!chosen) return <EmptyState title={t('code.empty')} />;
          const source = workspacePath(workspace, 'blobs', chosen.sha256);
          return (
            <FileBrowser
              label={t('model.files')} nodes={nodes} selected={chosen.path}
              onSelect={(next) => void navigate({ to: '/w/$workspace/models/$model', params: { workspace, model: name }, search: (old) => ({ ...old, path: next }), replace: true, resetScroll: false })}
            >
              <FilePreview path={chosen.path} size={chosen.size} source={source} download={source} />
            </FileBrowser>
          );
        }}
      </Await>
    </Section>
  );
}
