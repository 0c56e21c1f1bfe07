import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Secret } from '@/api/nouns';
import { Copyable } from '@/components/CommandLine';
import { ConfirmButton } from '@/components/Confirm';
import { Page, Section } from '@/components/Page';
import { Await, EmptyState } from '@/components/States';
import { Table } from '@/components/Table';
import { Ago } from '@/components/Time';
import { useMay } from '@/features/access/queries';
import { useWorkspaceName } from '@/lib/workspace';
import { secretsQuery } from './queries';
import { SetSecret } from './SetSecret';

/** The secrets of a workspace by name. Their values are given to jobs and deployments, and to no page. */
export default function SecretsPage() {
  const { t } = useTranslation();
  const workspace = useWorkspaceName();
  const secrets = useQuery(secretsQuery(workspace));
  const mayWrite = useMay('secrets/write');
  const [setting, setSetting] = useState<string | null>(null);
  return (
    <Page
      title={t('secrets.title')} command="atelier secret list" meta={<span>{t('secrets.hint')}</span>}
      actions={mayWrite ? <Button onClick={() => setSetting('')}>{t('secrets.create')}</Button> : undefined}
    >
      <Section flush>
        <Await query={secrets}>
          {({ items }) => (items.length === 0
            ? <EmptyState title={t('secrets.none')} command="atelier secret set API_KEY">{t('secrets.noneHint')}</EmptyState>
            : <List workspace={workspace} secrets={items} onSet={mayWrite ? setSetting : undefined} />)}
        </Await>
      </Section>
      {setting !== null && <SetSecret workspace={workspace} name={setting} onClose={() => setSetting(null)} />}
    </Page>
  );
}

interface ListProps {
  workspace: string;
  secrets: readonly Secret[];
  /** Gives a secret another value, where that is allowed. */
  onSet: ((name: string) => void) | undefined;
}

function List({ workspace, secrets, onSet }: ListProps) {
  const { t } = useTranslation();
  const mayDelete = useMay('secrets/delete');
  const small = { size: 'compact-xs', variant: 'subtle' } as const;
  return (
    <Table
      label={t('secrets.title')} rows={secrets} rowKey={(one) => one.name}
      columns={[
        { key: 'name', head: t('common.name'), cell: (one) => <strong className="mono nowrap">{one.name}</strong> },
        { key: 'reference', head: t('data.reference'), grow: true, cell: (one) => <Copyable text={`\${{secrets.${one.name}}}`} /> },
        { key: 'set', head: t('secrets.set'), cell: (one) => <span className="nowrap"><Ago at={one.updated_at} /> · {one.updated_by}</span> },
        { key: 'used', head: t('secrets.used'), cell: (one) => (one.used_at ? <span><Ago at={one.used_at} />{one.used_by && <div className="muted"><bdi>{one.used_by}</bdi></div>}</span> : t('secrets.never')) },
        ...(onSet || mayDelete ? [{ key: 'actions', head: t('common.actions'), cell: (one: Secret) => (
          <span className="nowrap">
            {onSet && <Button {...small} onClick={() => onSet(one.name)}>{t('secrets.replace')}</Button>}
            {mayDelete && (
              <ConfirmButton
                button={{ ...small, color: 'red' }} label={t('common.delete')} question={t('secrets.deleteTitle', { name: one.name })} hint={t('secrets.deleteHint')} stale={[workspace, 'secrets']}
                act={() => ask(api.DELETE('/api/v1/workspaces/{workspace}/secrets/{secret}', { params: { path: { workspace, secret: one.name } } }))}
              />
            )}
          </span>
        ) }] : []),
      ]}
    />
  );
}
