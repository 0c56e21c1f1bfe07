import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Page, Section } from '@/components/Page';
import { Await } from '@/components/States';
import { Table } from '@/components/Table';
import { Tag } from '@/components/Tag';
import { useMay } from '@/features/access/queries';
import { useWorkspaceName } from '@/lib/workspace';
import { CreateDatastore } from './DatastoreForms';
import { placeOf } from './fields';
import { datastoresQuery } from './queries';

/** The places where data of a workspace lies. */
export default function DatastoresPage() {
  const { t } = useTranslation();
  const workspace = useWorkspaceName();
  const stores = useQuery(datastoresQuery(workspace));
  const mayWrite = useMay('datastores/write');
  const [creating, setCreating] = useState(false);
  return (
    <Page
      title={t('datastores.title')} command="atelier datastore list" meta={<span>{t('datastores.hint')}</span>}
      actions={mayWrite ? <Button onClick={() => setCreating(true)}>{t('datastores.create')}</Button> : undefined}
    >
      <Section flush>
        <Await query={stores}>
          {({ items }) => (
            <Table
              label={t('datastores.title')} rows={items} rowKey={(one) => one.name}
              columns={[
                { key: 'name', head: t('common.name'), grow: true, cell: (one) => (
                  <div>
                    <Link to="/w/$workspace/datastores/$datastore" params={{ workspace, datastore: one.name }} search={{}}>{one.name}</Link>
                    {one.is_default && <> <Tag strong>{t('datastores.default')}</Tag></>}
                    {one.description && <div className="muted"><bdi>{one.description}</bdi></div>}
                  </div>
                ) },
                { key: 'type', head: t('common.type'), cell: (one) => <span className="nowrap">{t(`datastores.type.${one.type}`)}</span> },
                { key: 'place', head: t('datastores.place'), cell: (one) => (placeOf(one) ? <bdi className="mono">{placeOf(one)}</bdi> : '–') },
                { key: 'credentials', head: t('datastores.credentials'), cell: (one) => <span className="nowrap">{t(`datastores.credential.${one.credentials.type}`)}</span> },
              ]}
            />
          )}
        </Await>
      </Section>
      {creating && <CreateDatastore workspace={workspace} onClose={() => setCreating(false)} />}
    </Page>
  );
}
