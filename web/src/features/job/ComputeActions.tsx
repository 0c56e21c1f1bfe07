import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Compute } from '@/api/nouns';
import { ConfirmButton } from '@/components/Confirm';
import { useMay } from '@/features/access/queries';
import { EditCompute } from './ComputeForms';
import classes from './ComputePage.module.css';

/** What can be done with a compute. Stopping and deleting ask first, because jobs wait for it. */
export function ComputeActions({ workspace, compute }: { workspace: string; compute: Compute }) {
  const { t } = useTranslation();
  const [editing, setEditing] = useState(false);
  const queries = useQueryClient();
  const mayDelete = useMay('computes/delete');
  const params = { path: { workspace, compute: compute.name } };
  const start = useMutation({
    mutationFn: () => ask(api.POST('/api/v1/workspaces/{workspace}/computes/{compute}/start', { params })),
    onSettled: () => queries.invalidateQueries({ queryKey: [workspace] }),
  });
  const small = { size: 'compact-xs', variant: 'subtle' } as const;
  return (
    <span className={classes.buttons}>
      {compute.state === 'Stopped'
        ? <Button {...small} loading={start.isPending} onClick={() => start.mutate()}>{t('compute.start')}</Button>
        : (
          <ConfirmButton
            harmless button={small} label={t('compute.stop')} question={t('compute.stopTitle', { name: compute.name })} hint={t('compute.stopHint')} stale={[workspace]}
            act={() => ask(api.POST('/api/v1/workspaces/{workspace}/computes/{compute}/stop', { params }))}
          />
        )}
      <Button {...small} onClick={() => setEditing(true)}>{t('common.edit')}</Button>
      {mayDelete && (
        <ConfirmButton
          button={{ ...small, color: 'red' }} label={t('common.delete')} question={t('compute.deleteTitle', { name: compute.name })} hint={t('compute.deleteHint')} stale={[workspace]}
          act={() => ask(api.DELETE('/api/v1/workspaces/{workspace}/computes/{compute}', { params }))}
        />
      )}
      {editing && <EditCompute workspace={workspace} compute={compute} onClose={() => setEditing(false)} />}
    </span>
  );
}
