import { Button, Modal, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import { Page, Section } from '@/components/Page';
import { Await, EmptyState, ErrorNote } from '@/components/States';
import { Table } from '@/components/Table';
import { Ago } from '@/components/Time';
import { meQuery } from '@/features/access/queries';
import { workspacesQuery } from './queries';
import classes from '@/components/Dialog.module.css';

export default function WorkspacesPage() {
  const { t } = useTranslation();
  const workspaces = useQuery(workspacesQuery);
  const { data: me } = useQuery(meQuery);
  const [creating, setCreating] = useState(false);
  const roleIn = (name: string) => me?.workspaces.find((one) => one.name === name)?.role ?? '–';
  return (
    <Page title={t('workspaces.title')} command="atelier workspace list" actions={<Button onClick={() => setCreating(true)}>{t('workspaces.create')}</Button>}>
      <Section flush>
        <Await query={workspaces}>
          {(page) => page.items.length === 0 ? <EmptyState title={t('workspaces.none')} command="atelier workspace create my-team" /> : (
            <Table
              label={t('workspaces.title')} rows={page.items} rowKey={(one) => one.name}
              columns={[
                { key: 'name', head: t('common.name'), grow: true, cell: (one) => (
                  <div>
                    <Link to="/w/$workspace" params={{ workspace: one.name }}>{one.display_name || one.name}</Link>
                    {one.description && <div className="muted">{one.description}</div>}
                  </div>
                ) },
                { key: 'role', head: t('workspaces.role'), cell: (one) => roleIn(one.name) },
                { key: 'created', head: t('common.created'), cell: (one) => <Ago at={one.created_at} /> },
              ]}
            />
          )}
        </Await>
      </Section>
      {creating && <CreateWorkspace onClose={() => setCreating(false)} />}
    </Page>
  );
}

function CreateWorkspace({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const create = useMutation({
    mutationFn: () => ask(api.POST('/api/v1/workspaces', { body: { name, ...(description ? { description } : {}) } })),
    onSuccess: async () => {
      await Promise.all([
        queries.invalidateQueries({ queryKey: workspacesQuery.queryKey }),
        queries.invalidateQueries({ queryKey: meQuery.queryKey }),
      ]);
      void navigate({ to: '/w/$workspace', params: { workspace: name } });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={t('workspaces.create')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form onSubmit={submit} className={classes.form}>
        <TextInput data-autofocus required label={t('common.name')} description={t('workspaces.nameRule')} value={name} onChange={(event) => setName(event.currentTarget.value)} />
        <TextInput label={t('common.description')} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
        <ErrorNote error={create.error} />
        <div className={classes.buttons}>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" loading={create.isPending}>{t('workspaces.create')}</Button>
        </div>
      </form>
    </Modal>
  );
}
