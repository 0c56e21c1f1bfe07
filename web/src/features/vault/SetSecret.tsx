import { PasswordInput, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import { FormDialog } from '@/components/FormDialog';

interface SetSecretProps {
  workspace: string;
  /** The secret that gets another value; empty for a new one. */
  name: string;
  onClose: () => void;
}

export function SetSecret({ workspace, name: present, onClose }: SetSecretProps) {
  const { t } = useTranslation();
  const [name, setName] = useState(present);
  const [value, setValue] = useState('');
  const queries = useQueryClient();
  const title = present === '' ? t('secrets.create') : t('secrets.replaceTitle', { name: present });
  const set = useMutation({
    mutationFn: () => ask(api.PUT('/api/v1/workspaces/{workspace}/secrets/{secret}', { params: { path: { workspace, secret: name } }, body: { value } })),
    gcTime: 0,
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: [workspace, 'secrets'] });
      onClose();
    },
  });
  return (
    <FormDialog title={title} submit={t('common.save')} sending={set} onClose={onClose}>
      {present === '' && <TextInput data-autofocus required label={t('common.name')} description={t('secrets.nameRule')} value={name} onChange={(event) => setName(event.currentTarget.value)} />}
      <PasswordInput
        data-autofocus={present !== '' || undefined} required autoComplete="new-password" label={t('secrets.value')} description={t('secrets.valueHint')}
        visibilityToggleButtonProps={{ 'aria-label': t('datastores.showSecret') }} value={value} onChange={(event) => setValue(event.currentTarget.value)}
      />
    </FormDialog>
  );
}
