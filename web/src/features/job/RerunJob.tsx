import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Job } from '@/api/nouns';
import { ConfirmButton } from '@/components/Confirm';

/** Submits a job again as it was, with the packages that it ran with, and leads to the new one. */
export function RerunJob({ workspace, job }: { workspace: string; job: Job }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const rerun = async () => {
    const again = await ask(api.POST('/api/v1/workspaces/{workspace}/jobs/{job}/rerun', { params: { path: { workspace, job: job.name } }, body: {} }));
    void navigate({ to: '/w/$workspace/runs/$run', params: { workspace, run: again.name ?? '' }, search: {} });
  };
  return <ConfirmButton harmless label={t('rerun.submit')} question={t('rerun.title')} hint={t('rerun.hint')} stale={[workspace]} act={rerun} />;
}
