import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Job } from '@/api/nouns';
import { ConfirmButton } from '@/components/Confirm';

export function CancelJob({ workspace, job, compact }: { workspace: string; job: Pick<Job, 'name' | 'status'>; compact?: boolean }) {
  const { t } = useTranslation();
  return (
    <ConfirmButton
      label={t('job.cancel')} question={t('job.cancelTitle')} hint={t('job.cancelHint')} keep={t('job.keep')} stale={[workspace]}
      button={{ disabled: job.status === 'CancelRequested', ...(compact ? { size: 'compact-xs', variant: 'subtle' } : {}) }}
      act={() => ask(api.POST('/api/v1/workspaces/{workspace}/jobs/{job}/cancel', { params: { path: { workspace, job: job.name } } }))}
    />
  );
}
