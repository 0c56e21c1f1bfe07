import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Run } from '@/api/nouns';
import { ConfirmButton } from '@/components/Confirm';
import { isActive, type Status } from '@/components/status';
import { useMay } from '@/features/access/queries';
import type { Selection } from '@/features/tracking/RunsTable';
import { inTurn } from '@/lib/in-turn';
import classes from './RunsPage.module.css';

interface SelectionBarProps {
  workspace: string;
  selection: Selection;
  statusOf: (run: Run) => Status;
  /** Whether the runs are deleted ones. */
  deleted: boolean;
  onDone: () => void;
}

const mostCompared = 50;

/** What can be done with the runs that are selected. */
export function SelectionBar({ workspace, selection, statusOf, deleted, onDone }: SelectionBarProps) {
  const { t } = useTranslation();
  const mayCancel = useMay('jobs/cancel/action');
  const mayDelete = useMay('experiments/runs/delete');
  if (selection.size === 0) return null;
  const runs = [...selection.values()];
  const stoppable = runs.filter((run) => run.job && isActive(statusOf(run)));
  const path = (run: Run) => ({ params: { path: { workspace, run: run.id } } });
  const common = { button: { size: 'compact-sm' }, stale: [workspace], onDone } as const;
  const comparable = runs.length > 1 && runs.length <= mostCompared;
  return (
    <div className={classes.selection} role="status">
      <span>{t('runs.selected', { count: runs.length })}</span>
      {!deleted && (
        <Button
          size="compact-sm" disabled={!comparable} renderRoot={comparable ? (props) => (
            <Link to="/w/$workspace/compare" params={{ workspace }} search={{ runs: runs.map((run) => run.id) }} {...props} />
          ) : undefined}
        >
          {t('runs.compare')}
        </Button>
      )}
      {mayCancel && stoppable.length > 0 && (
        <ConfirmButton
          {...common} label={t('runs.stop')} question={t('runs.stopTitle', { count: stoppable.length })} hint={t('job.cancelHint')} keep={t('job.keep')}
          act={() => inTurn(stoppable, (run) => ask(api.POST('/api/v1/workspaces/{workspace}/jobs/{job}/cancel', { params: { path: { workspace, job: run.id } } })))}
        />
      )}
      {mayDelete && !deleted && (
        <ConfirmButton
          {...common} label={t('common.delete')} question={t('runs.deleteTitle', { count: runs.length })} hint={t('runs.deleteHint')}
          act={() => inTurn(runs, (run) => ask(api.DELETE('/api/v1/workspaces/{workspace}/runs/{run}', path(run))))}
        />
      )}
      {mayDelete && deleted && (
        <ConfirmButton
          {...common} harmless label={t('runs.restore')} question={t('runs.restoreTitle', { count: runs.length })} hint={t('runs.restoreHint')}
          act={() => inTurn(runs, (run) => ask(api.POST('/api/v1/workspaces/{workspace}/runs/{run}/restore', path(run))))}
        />
      )}
      <Button size="compact-sm" variant="subtle" onClick={onDone}>{t('runs.unselect')}</Button>
    </div>
  );
}
