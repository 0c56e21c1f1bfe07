import { Button } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask, workspacePath } from '@/api/client';
import type { Datastore } from '@/api/nouns';
import { Copyable } from '@/components/CommandLine';
import { ConfirmButton } from '@/components/Confirm';
import { Columns, Facts, Page, Section } from '@/components/Page';
import { Await, EmptyState } from '@/components/States';
import { Table } from '@/components/Table';
import { Tag, Tags } from '@/components/Tag';
import { useMay } from '@/features/access/queries';
import { formatBytes, formatTime } from '@/lib/format';
import { shellWord } from '@/lib/shell';
import { EditDatastore } from './DatastoreForms';
import { placeOf } from './fields';
import { datastoreFilesQuery, datastoreQuery } from './queries';

/** A datastore: where it lies and what is in it. */
export default function DatastorePage() {
  const { t } = useTranslation();
  const { workspace, datastore: name } = useParams({ from: '/app/w/$workspace/datastores/$datastore' });
  const { path = '' } = useSearch({ from: '/app/w/$workspace/datastores/$datastore' });
  const store = useQuery(datastoreQuery(workspace, name));
  return (
    <Page
      title={name} heading={<>{name}{store.data?.is_default && <Tag strong>{t('datastores.default')}</Tag>}</>}
      parents={[{ label: t('datastores.title'), link: { to: '/w/$workspace/datastores', params: { workspace } } }]}
      meta={store.data?.description ? <bdi>{store.data.description}</bdi> : undefined}
      actions={store.data && store.data.type !== 'workspace' && <Actions workspace={workspace} store={store.data} />}
      command={`atelier datastore show ${shellWord(name)}\natelier datastore files ${shellWord(name)}`}
    >
      <Await query={store}>
        {(found) => <Columns main={<Files workspace={workspace} store={found} path={path} />} side={<About store={found} />} />}
      </Await>
    </Page>
  );
}

function Actions({ workspace, store }: { workspace: string; store: Datastore }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [editing, setEditing] = useState(false);
  const mayWrite = useMay('datastores/write');
  const mayDelete = useMay('datastores/delete');
  return (
    <>
      {mayWrite && <Button variant="default" onClick={() => setEditing(true)}>{t('common.edit')}</Button>}
      {mayDelete && (
        <ConfirmButton
          label={t('common.delete')} question={t('datastores.deleteTitle', { name: store.name })} hint={t('datastores.deleteHint')} stale={[workspace, 'datastores']}
          act={() => ask(api.DELETE('/api/v1/workspaces/{workspace}/datastores/{datastore}', { params: { path: { workspace, datastore: store.name } } }))}
          onDone={() => void navigate({ to: '/w/$workspace/datastores', params: { workspace } })}
        />
      )}
      {editing && <EditDatastore workspace={workspace} store={store} onClose={() => setEditing(false)} />}
    </>
  );
}

function About({ store }: { store: Datastore }) {
  const { t, i18n } = useTranslation();
  const place = placeOf(store);
  return (
    <Section title={t('datastores.about')}>
      <Facts rows={[
        [t('common.type'), t(`datastores.type.${store.type}`)],
        [t('datastores.place'), place && <bdi className="mono">{place}</bdi>],
        [t('datastores.field.region'), store.region],
        [t('datastores.field.endpoint'), store.endpoint && <bdi className="mono">{store.endpoint}</bdi>],
        [t('datastores.credentials'), t(`datastores.credential.${store.credentials.type}`)],
        [t('datastores.address'), <Copyable key="a" text={`azureml://datastores/${store.name}/paths/`} />],
        [t('common.user'), store.created_by],
        [t('common.created'), store.created_at && formatTime(new Date(store.created_at), i18n.language)],
        [t('common.tags'), Object.keys(store.tags).length > 0 ? <Tags tags={store.tags} /> : undefined],
      ]} />
    </Section>
  );
}

function Files({ workspace, store, path }: { workspace: string; store: Datastore; path: string }) {
  const { t, i18n } = useTranslation();
  const own = store.type === 'workspace';
  const query = useInfiniteQuery({ ...datastoreFilesQuery(workspace, store.name, path), enabled: !own });
  if (own) return <Section title={t('data.files')}><EmptyState title={t('datastores.own')}>{t('datastores.ownHint')}</EmptyState></Section>;
  const files = query.data?.pages.flatMap((page) => page.items) ?? [];
  const href = (file: string) => `${workspacePath(workspace, 'datastores', store.name, 'content')}?path=${encodeURIComponent(file)}`;
  const aside = path ? <span><bdi className="mono">{path}</bdi> · <Link to="/w/$workspace/datastores/$datastore" params={{ workspace, datastore: store.name }} search={{}}>{t('datastores.allFiles')}</Link></span> : undefined;
  return (
    <Section title={t('data.files')} aside={aside} flush>
      <Await query={{ ...query, data: query.data && files }}>
        {(found) => (found.length === 0 ? <EmptyState title={t('datastores.empty')} /> : (
          <Table
            dense label={t('data.files')} rows={found} rowKey={(one) => one.path}
            columns={[
              { key: 'path', head: t('model.path'), grow: true, cell: (one) => <a href={href(one.path)} download><bdi className="mono">{one.path}</bdi></a> },
              { key: 'size', head: t('common.size'), numeric: true, cell: (one) => formatBytes(one.size, i18n.language) },
            ]}
          />
        ))}
      </Await>
      {query.hasNextPage && (
        <p style={{ padding: '0 20px 16px', margin: 0 }}><Button size="compact-sm" variant="default" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t('common.more')}</Button></p>
      )}
    </Section>
  );
}
