import { Button, Tabs } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, workspacePath } from '@/api/client';
import { useTextLog } from '@/api/log';
import type { Environment, EnvironmentBuild } from '@/api/nouns';
import { Copyable } from '@/components/CommandLine';
import { ConfirmButton } from '@/components/Confirm';
import { LogView } from '@/components/LogView';
import { Columns, Facts, Page, Section } from '@/components/Page';
import { Await, EmptyState, ErrorNote, LoadingRows } from '@/components/States';
import { StatusBadge } from '@/components/StatusBadge';
import { Table } from '@/components/Table';
import { TabList } from '@/components/TabList';
import { Tag, Tags } from '@/components/Tag';
import { Ago, Duration } from '@/components/Time';
import { useMay } from '@/features/access/queries';
import { LineagePanel } from '@/features/lineage/LineagePanel';
import { formatBytes, formatTime, shortID } from '@/lib/format';
import { shellWord } from '@/lib/shell';
import { toBuildStatus } from './build';
import { CreateEnvironment } from './CreateEnvironment';
import { Packages } from './Packages';
import { buildQuery, environmentsQuery } from './queries';
import { environmentTabs } from './search';

const CodeView = lazy(() => import('@/components/CodeView'));

/** An environment: its versions, what the chosen one is made of, and how far it is built. */
export default function EnvironmentPage() {
  const { t } = useTranslation();
  const { workspace, environment: name } = useParams({ from: '/app/w/$workspace/environments/$environment' });
  const search = useSearch({ from: '/app/w/$workspace/environments/$environment' });
  const query = useQuery(environmentsQuery(workspace, name));
  const versions = query.data?.items ?? [];
  const chosen = search.version ? versions.find((one) => one.version === search.version) : (versions.find((one) => !one.archived) ?? versions[0]);
  const [word, of] = [shellWord(name), shellWord(chosen?.version ?? 'latest')];
  return (
    <Page
      title={name}
      heading={<>{name}{versions[0]?.curated && <Tag>{t('environments.curated')}</Tag>}</>}
      parents={[{ label: t('environments.title'), link: { to: '/w/$workspace/environments', params: { workspace } } }]}
      meta={chosen?.description ? <bdi>{chosen.description}</bdi> : undefined}
      actions={chosen && <Actions workspace={workspace} environment={chosen} />}
      command={search.tab === 'lineage' ? `atelier lineage show environment:${word}:${of}` : `atelier environment show ${word} --version ${of}${search.tab === 'build' ? ' --log' : ''}`}
    >
      <Await query={query}>
        {() => (chosen ? (
          <>
            {versions.length > 1 && <Versions workspace={workspace} versions={versions} chosen={chosen} />}
            <Panels key={chosen.version} workspace={workspace} environment={chosen} />
          </>
        ) : <Section><EmptyState title={t('environments.missing', { name })} command="atelier environment list" /></Section>)}
      </Await>
    </Page>
  );
}

interface VersionProps {
  workspace: string;
  environment: Environment;
}

function Actions({ workspace, environment }: VersionProps) {
  const { t } = useTranslation();
  const mayWrite = useMay('environments/write');
  const queries = useQueryClient();
  const [creating, setCreating] = useState(false);
  const build = useQuery(buildQuery(workspace, environment.name, environment.version));
  const params = { path: { workspace, environment: environment.name, version: environment.version } };
  const start = useMutation({
    mutationFn: () => ask(api.POST('/api/v1/workspaces/{workspace}/environments/{environment}/versions/{version}/build', { params })),
    onSettled: () => queries.invalidateQueries({ queryKey: [workspace, 'environments'] }),
  });
  if (!mayWrite) return null;
  const archived = !environment.archived;
  const name = `${environment.name}:${environment.version}`;
  const state = build.data?.state;
  return (
    <>
      {state === 'building' && (
        <ConfirmButton
          label={t('environments.cancelBuild')} question={t('environments.cancelTitle')} hint={t('environments.cancelHint')} keep={t('environments.keepBuilding')} stale={[workspace, 'environments']}
          act={() => ask(api.POST('/api/v1/workspaces/{workspace}/environments/{environment}/versions/{version}/build/cancel', { params }))}
        />
      )}
      {!environment.curated && (
        <ConfirmButton
          harmless label={archived ? t('data.archive') : t('data.restore')} stale={[workspace, 'environments']}
          question={archived ? t('data.archiveTitle', { name }) : t('data.restoreTitle', { name })} hint={archived ? t('data.archiveHint') : t('data.restoreHint')}
          act={() => ask(api.PATCH('/api/v1/workspaces/{workspace}/environments/{environment}/versions/{version}', { params, body: { archived } }))}
        />
      )}
      {!environment.curated && <Button variant="default" onClick={() => setCreating(true)}>{t('data.newVersion')}</Button>}
      {creating && <CreateEnvironment workspace={workspace} from={environment} onClose={() => setCreating(false)} />}
      {state !== undefined && state !== 'building' && state !== 'ready' && <Button loading={start.isPending} onClick={() => start.mutate()}>{t('environments.build')}</Button>}
      <ErrorNote error={start.error} />
    </>
  );
}

function Versions({ workspace, versions, chosen }: { workspace: string; versions: readonly Environment[]; chosen: Environment }) {
  const { t } = useTranslation();
  return (
    <Section title={t('data.versions')} flush>
      <Table
        label={t('data.versions')} rows={versions} rowKey={(one) => one.version}
        columns={[
          { key: 'version', head: t('common.version'), grow: true, cell: (one) => (
            <span className="nowrap">
              <Link
                to="/w/$workspace/environments/$environment" params={{ workspace, environment: one.name }} search={{ version: one.version }} resetScroll={false}
                aria-current={one === chosen ? 'true' : undefined} style={{ fontWeight: one === chosen ? 650 : 400 }}
              >
                {t('model.versionNumber', { version: one.version })}
              </Link>
              {one.archived && <>{' '}<Tag>{t('common.archived')}</Tag></>}
            </span>
          ) },
          { key: 'python', head: 'Python', cell: (one) => one.python_version || '–' },
          { key: 'hash', head: t('environment.hash'), cell: (one) => (one.hash ? <span className="mono">{shortID(one.hash)}</span> : '–') },
          { key: 'by', head: t('common.user'), cell: (one) => one.created_by ?? '–' },
          { key: 'created', head: t('common.created'), cell: (one) => <Ago at={one.created_at} /> },
        ]}
      />
    </Section>
  );
}

function Panels({ workspace, environment }: VersionProps) {
  const { t } = useTranslation();
  const { tab } = useSearch({ from: '/app/w/$workspace/environments/$environment' });
  const navigate = useNavigate({ from: '/w/$workspace/environments/$environment' });
  const build = useQuery(buildQuery(workspace, environment.name, environment.version));
  return (
    <TabList
      value={tab ?? 'definition'} tabs={environmentTabs.map((key) => ({ key, label: t(`environments.tab.${key}`) }))}
      onChange={(next) => void navigate({ search: (old) => ({ version: old.version, tab: next === 'definition' ? undefined : next }), resetScroll: false })}
    >
      <Tabs.Panel value="definition"><Columns main={<Definition environment={environment} />} side={<About environment={environment} build={build.data} />} /></Tabs.Panel>
      <Tabs.Panel value="packages"><Await query={build}>{(found) => <Packages packages={found.packages ?? []} />}</Await></Tabs.Panel>
      <Tabs.Panel value="build"><Await query={build}>{(found) => <BuildLog key={found.started_at} workspace={workspace} environment={environment} build={found} />}</Await></Tabs.Panel>
      <Tabs.Panel value="lineage"><LineagePanel workspace={workspace} of={`environment:${environment.name}:${environment.version}`} /></Tabs.Panel>
    </TabList>
  );
}

/** What the environment was registered with: a conda file, or a list of packages, or an image. */
function Definition({ environment }: { environment: Environment }) {
  const { t } = useTranslation();
  const [path, text] = environment.conda_file ? ['conda.yml', environment.conda_file] : ['requirements.txt', environment.requirements.join('\n')];
  return (
    <Section title={t('environments.definition')} aside={text ? <span className="mono">{path}</span> : undefined} flush>
      {text
        ? <Suspense fallback={<LoadingRows rows={4} />}><CodeView path={path} text={text} label={path} /></Suspense>
        : <EmptyState title={t('environments.imageOnly')}>{environment.image}</EmptyState>}
    </Section>
  );
}

function About({ environment, build }: { environment: Environment; build: EnvironmentBuild | undefined }) {
  const { t, i18n } = useTranslation();
  return (
    <Section title={t('model.versionNumber', { version: environment.version })}>
      <Facts rows={[
        [t('data.reference'), <Copyable key="a" text={`azureml:${environment.name}:${environment.version}`} />],
        [t('common.status'), build && <StatusBadge plain status={toBuildStatus(build.state)} />],
        [t('environments.why'), build?.error],
        ['Python', environment.python_version],
        [t('environments.image'), environment.image && <bdi className="mono">{environment.image}</bdi>],
        [t('common.size'), build && build.size_bytes > 0 ? formatBytes(build.size_bytes, i18n.language) : undefined],
        [t('environments.lastUsed'), build?.last_used_at && <Ago at={build.last_used_at} />],
        [t('environment.hash'), environment.hash && <Copyable text={environment.hash} label={shortID(environment.hash)} />],
        [t('common.user'), environment.created_by],
        [t('common.created'), environment.created_at && formatTime(new Date(environment.created_at), i18n.language)],
        [t('common.tags'), Object.keys(environment.tags ?? {}).length > 0 ? <Tags tags={environment.tags} /> : undefined],
      ]} />
    </Section>
  );
}

/** The log of the last build, which grows while it runs. */
function BuildLog({ workspace, environment, build }: VersionProps & { build: EnvironmentBuild }) {
  const { t } = useTranslation();
  const live = build.state === 'building';
  const path = `${workspacePath(workspace, 'environments', environment.name, 'versions', environment.version, 'build')}/log`;
  const log = useTextLog(path, live);
  const aside = (
    <>
      {build.started_at && <Duration from={build.started_at} to={build.finished_at} running={live} />}
      <StatusBadge plain status={toBuildStatus(build.state)} />
    </>
  );
  return (
    <Section title={t('log.name.environment')} aside={aside} flush>
      <ErrorNote error={build.error || log.error} />
      {!log.loaded ? <LoadingRows /> : (
        <LogView
          key={String(live)} label={t('log.name.environment')} lines={log.lines} live={live} onEarlier={log.hasEarlier ? log.loadEarlier : undefined} downloadPath={path}
          empty={<EmptyState title={live ? t('log.waiting') : t('environments.neverBuilt')}>{live ? t('log.waitingHint') : t('environments.neverBuiltHint')}</EmptyState>}
        />
      )}
    </Section>
  );
}
