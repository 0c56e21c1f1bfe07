import { Button, Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Page } from '@/components/Page';
import { EmptyState, ErrorNote, ErrorState, LoadingRows } from '@/components/States';
import { ColumnPicker } from '@/features/tracking/ColumnPicker';
import { defaultColumns, fieldsOf } from '@/features/tracking/columns';
import { FilterBox } from '@/features/tracking/FilterBox';
import { experimentsQuery } from '@/features/tracking/queries';
import { RunsTable, type Selection } from '@/features/tracking/RunsTable';
import { useRunList } from '@/features/tracking/window';
import { allOf, orderBy, parseOrder, statusFilter, toFilter } from '@/lib/filter';
import { formatCount } from '@/lib/format';
import { useWorkspaceName } from '@/lib/workspace';
import { listCommand } from './commands';
import { useStatusOf } from './queries';
import type { RunsSearch } from './search';
import { SelectionBar } from './SelectionBar';
import classes from './RunsPage.module.css';

const statuses = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED', 'DELETED'] as const;
const none: readonly string[] = [];

/** All runs of a workspace, with or without a job, in one table. */
export default function RunsPage() {
  const { t, i18n } = useTranslation();
  const workspace = useWorkspaceName();
  const search = useSearch({ from: '/app/w/$workspace/runs' });
  const navigate = useNavigate({ from: '/w/$workspace/runs' });
  const [selection, setSelection] = useState<Selection>(new Map());
  const change = (part: Partial<RunsSearch>) => void navigate({ search: (old) => ({ ...old, ...part }), replace: true });

  const order = parseOrder(search.order);
  const deleted = search.status === 'DELETED';
  const filter = allOf(deleted ? '' : statusFilter(search.status), toFilter(search.filter ?? ''));
  const { head, list, error } = useRunList(workspace, { experiment: search.experiment, filter, orderBy: order ? orderBy(order) : undefined, deleted });
  const first = head.data?.items;
  const fields = useMemo(() => fieldsOf(list.read), [list.read]);
  const sortedBy = order?.column;
  const chosen = useMemo(() => withSorted(search.columns ?? defaultColumns(first ?? []), sortedBy), [search.columns, first, sortedBy]);
  const { experiment } = search;
  const hidden = useMemo(() => [...(search.hidden ?? []), ...(experiment === undefined ? [] : ['experiment'])], [search.hidden, experiment]);
  const statusOf = useStatusOf(workspace);
  const narrowed = filter !== '' || experiment !== undefined || deleted;
  const clear = () => change({ filter: undefined, status: undefined, experiment: undefined });

  return (
    <Page wide title={t('runs.title')} meta={<span>{t('runs.count', { count: list.total, shown: formatCount(list.total, i18n.language) })}</span>} command={listCommand(experiment, filter, order)}>
      <div className={classes.bar}>
        <ExperimentSelect workspace={workspace} value={experiment} onChange={(name) => change({ experiment: name })} />
        <Select
          w={150} aria-label={t('common.status')} value={search.status ?? ''} onChange={(status) => change({ status: status || undefined })}
          data={[{ value: '', label: t('runs.anyStatus') }, ...statuses.map((status) => ({ value: status, label: t(`runs.status.${status}`) }))]}
        />
        <FilterBox value={search.filter ?? ''} fields={fields} onChange={(text) => change({ filter: text || undefined })} />
        <ColumnPicker
          fields={fields} chosen={chosen} hidden={search.hidden ?? none} pinned={search.pinned ?? none}
          onChange={(columns) => change({ columns })} onHide={(ids) => change({ hidden: ids })} onPin={(ids) => change({ pinned: ids })}
        />
      </div>
      {error && first && <div className={classes.error}><ErrorNote error={error} /></div>}
      <div className={classes.sheet}>
        {head.isPending ? <LoadingRows rows={10} />
          : !first ? <ErrorState error={head.error} onRetry={() => void head.refetch()} />
          : first.length === 0 ? <Nothing narrowed={narrowed} onClear={clear} />
          : (
            <RunsTable
              workspace={workspace} list={list} fields={chosen} hidden={hidden} pinned={search.pinned ?? none} statusOf={statusOf}
              order={order} onOrder={(next) => change({ order: next ? `${next.column} ${next.descending ? 'DESC' : 'ASC'}` : undefined })}
              selection={selection} onSelection={setSelection} stale={head.isPlaceholderData}
            />
          )}
      </div>
      <SelectionBar workspace={workspace} selection={selection} statusOf={statusOf} deleted={deleted} onDone={() => setSelection(new Map())} />
    </Page>
  );
}

/** What the table is sorted by is always to be seen. */
function withSorted(fields: readonly string[], sorted: string | undefined): readonly string[] {
  const missing = sorted !== undefined && /^(metrics|params)\./.test(sorted) && !fields.includes(sorted);
  return missing ? [sorted, ...fields] : fields;
}

function Nothing({ narrowed, onClear }: { narrowed: boolean; onClear: () => void }) {
  const { t } = useTranslation();
  if (narrowed) {
    return <EmptyState title={t('runs.noMatch')} action={<Button variant="default" onClick={onClear}>{t('runs.clearFilter')}</Button>}>{t('runs.noMatchHint')}</EmptyState>;
  }
  return <EmptyState title={t('runs.none')} command={'atelier job create -f job.yml --stream'}>{t('runs.noneHint')}</EmptyState>;
}

function ExperimentSelect({ workspace, value, onChange }: { workspace: string; value: string | undefined; onChange: (name: string | undefined) => void }) {
  const { t } = useTranslation();
  const { data } = useQuery(experimentsQuery(workspace));
  const names = new Set(data?.items.map((one) => one.name));
  if (value) names.add(value);
  return (
    <Select
      w={200} searchable aria-label={t('common.experiment')} value={value ?? ''} onChange={(name) => onChange(name || undefined)}
      nothingFoundMessage={t('runs.noExperiment')}
      data={[{ value: '', label: t('runs.allExperiments') }, ...[...names].map((name) => ({ value: name, label: name }))]}
    />
  );
}
