import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Page, Section } from '@/components/Page';
import { toStatus } from '@/components/status';
import { Await, EmptyState } from '@/components/States';
import { StatusBadge } from '@/components/StatusBadge';
import { Table } from '@/components/Table';
import { Ago } from '@/components/Time';
import { useMay } from '@/features/access/queries';
import { useWorkspaceName } from '@/lib/workspace';
import { CreateEndpoint } from './CreateEndpoint';
import { endpointsQuery } from './queries';
import { TrafficText } from './Traffic';

export default function EndpointsPage() {
  const { t } = useTranslation();
  const workspace = useWorkspaceName();
  const mayWrite = useMay('endpoints/online/write');
  const [creating, setCreating] = useState(false);
  const endpoints = useQuery(endpointsQuery(workspace));
  return (
    <Page
      title={t('endpoints.title')} command="atelier online-endpoint list"
      actions={mayWrite ? <Button onClick={() => setCreating(true)}>{t('endpoints.create')}</Button> : undefined}
    >
      <Section flush>
        <Await query={endpoints}>
          {(page) => page.items.length === 0
            ? <EmptyState title={t('endpoints.none')} command={'atelier online-endpoint create -f endpoint.yml\natelier online-deployment create -f deployment.yml --all-traffic'}>{t('endpoints.noneHint')}</EmptyState>
            : (
              <Table
                label={t('endpoints.title')} rows={page.items} rowKey={(one) => one.name}
                columns={[
                  { key: 'name', head: t('common.name'), grow: true, cell: (one) => (
                    <div>
                      <Link to="/w/$workspace/endpoints/$endpoint" params={{ workspace, endpoint: one.name }} search={{}}>{one.name}</Link>
                      {one.description && <div className="muted">{one.description}</div>}
                    </div>
                  ) },
                  { key: 'state', head: t('common.status'), cell: (one) => <StatusBadge plain status={toStatus(one.provisioning_state)} /> },
                  { key: 'traffic', head: t('endpoint.traffic'), cell: (one) => <TrafficText traffic={one.traffic} /> },
                  { key: 'created', head: t('common.created'), cell: (one) => <Ago at={one.created_at} /> },
                ]}
              />
            )}
        </Await>
      </Section>
      {creating && <CreateEndpoint workspace={workspace} onClose={() => setCreating(false)} />}
    </Page>
  );
}
