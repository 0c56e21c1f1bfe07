import { Select, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Endpoint } from '@/api/nouns';
import { FormDialog } from '@/components/FormDialog';

export function CreateEndpoint({ workspace, onClose }: { workspace: string; onClose: () => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [auth, setAuth] = useState<Endpoint['auth_mode']>('key');
  const queries = useQueryClient();
  const navigate = useNavigate();
  const create = useMutation({
    mutationFn: () => ask(api.POST('/api/v1/workspaces/{workspace}/online-endpoints', {
      params: { path: { workspace } }, body: { name, auth_mode: auth, ...(description ? { description } : {}) },
    })),
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: [workspace, 'endpoints'] });
      void navigate({ to: '/w/$workspace/endpoints/$endpoint', params: { workspace, endpoint: made.name }, search: {} });
    },
  });
  return (
    <FormDialog title={t('endpoints.create')} submit={t('endpoints.create')} sending={create} onClose={onClose}>
      <TextInput data-autofocus required label={t('common.name')} description={t('deploy.nameRule')} value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <TextInput label={t('common.description')} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
      <Select
        label={t('endpoint.auth')} value={auth} data={[{ value: 'key', label: t('endpoint.authKey') }, { value: 'aml_token', label: t('endpoint.authToken') }]}
        onChange={(next) => setAuth(next as Endpoint['auth_mode'])}
      />
    </FormDialog>
  );
}
