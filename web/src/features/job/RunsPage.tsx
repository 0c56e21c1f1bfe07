import { Button, Select } from '@mantine/core';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { RowSelectionState } from '@tanstack/react-table';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Page } from '@/components/Page';
import { EmptyState, ErrorNote, ErrorState, LoadingRows } from '@/components/States';
import { ColumnPicker } from '@/features/tracking/ColumnPicker';
import { defaultColumns, fieldsOf } from '@/features/tracking/columns';
import { FilterBox } from '@/features/tracking/FilterBox';
import { experimentsQuery, runsQuery } from '@/features/tracking/queries';
import { RunsTable } from '@/features/tracking/RunsTable';
import { allOf, orderBy, parseOrder, statusFilter, toFilter } from '@/lib/filter';
import { useWorkspaceName } from '@/lib/workspace';
import { listCommand } from './commands';
import { useStatusOf } from './queries';
import type { RunsSearch } from './search';
import classes from './RunsPage.module.css';

const statuses = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'] as const;

/** All runs of a workspace, with or without a job, in one table. */
export default function RunsPage() {
  const { t } = useTranslation();
  const workspace = useWorkspaceName();
  const search = useSearch({ from: '/app/w/$workspace/runs' });
  const navigate = useNavigate({ from: '/w/$workspace/runs' });
  const [selection, setSelection] = useState<RowSelectionState>({});
  const change = (part: Partial<RunsSearch>) => void navigate({ search: (old) => ({ ...old, ...part }), replace: true });

  const order = parseOrder(search.order);
  const filter = allOf(statusFilter(search.status), toFilter(search.filter ?? ''));
  const runs = useInfiniteQuery({
    ...runsQuery(workspace, { experiment: search.experiment, filter, orderBy: order ? orderBy(order) : undefined }),
    placeholderData: keepPreviousData,
  });
  const items = useMemo(() => runs.data?.pages.flatMap((page) => page.items) ?? [], [runs.data]);
  const first = runs.data?.pages[0]?.items;
  const fields = useMemo(() => fieldsOf(items), [items]);
  const sortedBy = order?.column;
  const chosen = useMemo(() => withSorted(search.columns ?? defaultColumns(first ?? []), sortedBy), [search.columns, first, sortedBy]);
  const selected = items.filter((run) => selection[run.id]);
  const { fetchNextPage, isFetchingNextPage } = runs;
  const more = () => {
    if (!isFetchingNextPage) void fetchNextPage();
  };
  const statusOf = useStatusOf(workspace);
  const narrowed = filter !== '' || search.experiment !== undefined;

  return (
    <Page wide title={t('runs.title')} command={listCommand(search.experiment, filter, order)}>
      <div className={classes.bar}>
        <ExperimentSelect workspace={workspace} value={search.experiment} onChange={(experiment) => change({ experiment })} />
        <Select
          w={150} aria-label={t('common.status')} value={search.status ?? ''} onChange={(status) => change({ status: status || undefined })}
          data={[{ value: '', label: t('runs.anyStatus') }, ...statuses.map((status) => ({ value: status, label: t(`runs.status.${status}`) }))]}
        />
        <FilterBox value={search.filter ?? ''} fields={fields} onChange={(text) => change({ filter: text || undefined })} />
        <ColumnPicker fields={fields} chosen={chosen} onChange={(columns) => change({ columns })} />
      </div>
      {runs.error && items.length > 0 && <div className={classes.error}><ErrorNote error={runs.error} /></div>}
      <div className={classes.sheet}>
        {runs.isPending ? <LoadingRows rows={10} />
          : runs.isError && items.length === 0 ? <ErrorState error={runs.error} onRetry={() => void runs.refetch()} />
          : items.length === 0 ? <Nothing narrowed={narrowed} onClear={() => change({ filter: undefined, status: undefined, experiment: undefined })} />
          : (
            <RunsTable
              workspace={workspace} runs={items} fields={chosen} showExperiment={!search.experiment} statusOf={statusOf}
              order={order} onOrder={(next) => change({ order: next ? `${next.column} ${next.descending ? 'DESC' : 'ASC'}` : undefined })}
              selection={selection} onSelection={setSelection} hasMore={runs.hasNextPage} onMore={more} stale={runs.isPlaceholderData}
            />
          )}
      </div>
      {selected.length > 0 && (
        <div className={classes.selection} role="status">
          <span>{t('runs.selected', { count: selected.length })}</span>
          <Button
            size="compact-sm" disabled={selected.length < 2} renderRoot={selected.length < 2 ? undefined : (props) => (
              <Link to="/w/$workspace/compare" params={{ workspace }} search={{ runs: selected.map((run) => run.id) }} {...props} />
            )}
          >
            {t('runs.compare')}
          </Button>
          <Button size="compact-sm" variant="subtle" onClick={() => setSelection({})}>{t('runs.unselect')}</Button>
        </div>
      )}
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
