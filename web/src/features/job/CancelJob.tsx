import { Button, Modal } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Job } from '@/api/nouns';
import { ErrorNote } from '@/components/States';
import dialog from '@/components/Dialog.module.css';

export function CancelJob({ workspace, job }: { workspace: string; job: Job }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => ask(api.POST('/api/v1/workspaces/{workspace}/jobs/{job}/cancel', { params: { path: { workspace, job: job.name } } })),
    onSuccess: async () => {
      setAsking(false);
      await queries.invalidateQueries({ queryKey: [workspace] });
    },
  });
  return (
    <>
      <Button variant="default" disabled={job.status === 'CancelRequested'} onClick={() => setAsking(true)}>{t('job.cancel')}</Button>
      <Modal opened={asking} onClose={() => setAsking(false)} title={t('job.cancelTitle')} closeButtonProps={{ 'aria-label': t('common.close') }}>
        <p>{t('job.cancelHint')}</p>
        <ErrorNote error={cancel.error} />
        <div className={dialog.buttons}>
          <Button variant="default" onClick={() => setAsking(false)}>{t('job.keep')}</Button>
          <Button color="red" loading={cancel.isPending} onClick={() => cancel.mutate()}>{t('job.cancel')}</Button>
        </div>
      </Modal>
    </>
  );
}
