import { Checkbox } from '@mantine/core';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { createColumnHelper, rowSelectionFeature, tableFeatures, useTable, type RowSelectionState } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { Link } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Run } from '@/api/nouns';
import { isActive, type Status } from '@/components/status';
import { StatusBadge } from '@/components/StatusBadge';
import { Ago, Duration } from '@/components/Time';
import { nextOrder, type Order } from '@/lib/filter';
import { formatMetric, shortID } from '@/lib/format';
import { splitField } from './columns';
import classes from './RunsTable.module.css';

interface RunsTableProps {
  workspace: string;
  runs: Run[];
  fields: readonly string[];
  showExperiment: boolean;
  statusOf: (run: Run) => Status;
  order: Order | null;
  onOrder: (order: Order | null) => void;
  selection: RowSelectionState;
  onSelection: (selection: RowSelectionState) => void;
  hasMore: boolean;
  onMore: () => void;
  /** Rows of another question are still shown while the answer is on its way. */
  stale: boolean;
}

const features = tableFeatures({ rowSelectionFeature });
const helper = createColumnHelper<typeof features, Run>();
const rowHeight = 41;

interface Look {
  width: number;
  title: string;
  group?: string;
  numeric?: boolean;
  /** How the server calls it when sorting; none when it cannot. */
  sort?: string;
  firstDescending?: boolean;
}

/** The table of runs: any number of rows, of which only those on the screen are drawn. */
export function RunsTable(props: RunsTableProps) {
  const { t, i18n } = useTranslation();
  const { runs, fields, order, selection } = props;
  const looks = useLooks(fields, props.showExperiment);
  const columns = useMemo(
    () => helper.columns([...looks.keys()].map((id) => helper.display({ id }))),
    [looks],
  );
  const table = useTable({
    features, columns, data: runs,
    getRowId: (run) => run.id,
    state: { rowSelection: selection },
    onRowSelectionChange: (change) => props.onSelection(typeof change === 'function' ? change(selection) : change),
  });
  const rows = table.getRowModel().rows;
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 16 });
  const drawn = virtual.getVirtualItems();
  const lastDrawn = drawn.at(-1)?.index ?? 0;
  const { hasMore, onMore } = props;
  useEffect(() => {
    if (hasMore && lastDrawn >= rows.length - 30) onMore();
  }, [hasMore, lastDrawn, rows.length, onMore]);

  const entries = [...looks.entries()];
  const template = `44px ${entries.map(([id, look]) => (id === 'name' ? `minmax(${look.width}px, 2fr)` : `minmax(${look.width}px, 1fr)`)).join(' ')}`;
  const minWidth = 44 + entries.reduce((sum, [, look]) => sum + look.width, 0);
  return (
    <div ref={scroller} className={classes.scroll} data-stale={props.stale || undefined} tabIndex={0} role="group" aria-label={t('runs.title')}>
      <div role="table" aria-rowcount={hasMore ? -1 : rows.length + 1} aria-label={t('runs.title')} style={{ minWidth }}>
        <div role="rowgroup" className={classes.head}>
          <div role="row" className={classes.row} style={{ gridTemplateColumns: template }}>
            <div role="columnheader" className={classes.check}>
              <Checkbox
                size="xs" aria-label={t('runs.selectAll')} checked={table.getIsAllRowsSelected() && rows.length > 0}
                indeterminate={table.getIsSomeRowsSelected()} onChange={table.getToggleAllRowsSelectedHandler()}
              />
            </div>
            {entries.map(([id, look], i) => (
              <Head key={id} look={look} first={look.group !== entries[i - 1]?.[1].group} order={order} onOrder={props.onOrder} sticky={id === 'name'} />
            ))}
          </div>
        </div>
        <div role="rowgroup" className={classes.body} style={{ height: virtual.getTotalSize() }}>
          {drawn.map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            return (
              <div
                key={row.id} role="row" aria-rowindex={item.index + 2} className={`${classes.row} ${classes.data}`} data-selected={row.getIsSelected() || undefined}
                style={{ gridTemplateColumns: template, transform: `translateY(${item.start}px)` }}
              >
                <div role="cell" className={classes.check}>
                  <Checkbox size="xs" aria-label={t('runs.select', { name: row.original.name })} checked={row.getIsSelected()} onChange={row.getToggleSelectedHandler()} />
                </div>
                {entries.map(([id, look]) => (
                  <div key={id} role="cell" className={`${classes.cell} ${look.numeric ? classes.numeric : ''} ${id === 'name' ? classes.sticky : ''}`}>
                    {cell(id, row.original, props, i18n.language)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

function useLooks(fields: readonly string[], showExperiment: boolean): Map<string, Look> {
  const { t } = useTranslation();
  return useMemo(() => {
    const looks = new Map<string, Look>();
    looks.set('name', { width: 230, title: t('runs.name'), sort: 'attributes.run_name' });
    looks.set('status', { width: 116, title: t('common.status'), sort: 'attributes.status' });
    if (showExperiment) looks.set('experiment', { width: 124, title: t('common.experiment') });
    looks.set('started', { width: 116, title: t('runs.started'), sort: 'attributes.start_time', firstDescending: true });
    looks.set('duration', { width: 84, title: t('common.duration'), numeric: true });
    for (const field of fields) {
      const { group, key } = splitField(field);
      const numeric = group === 'metrics';
      looks.set(field, { width: numeric ? 100 : 108, title: key, group: t(`runs.${group}`), sort: field, numeric });
    }
    looks.set('user', { width: 100, title: t('common.user') });
    return looks;
  }, [fields, showExperiment, t]);
}

function Head({ look, first, order, onOrder, sticky }: { look: Look; first: boolean; order: Order | null; onOrder: (order: Order | null) => void; sticky: boolean }) {
  const { sort } = look;
  const sorted = sort !== undefined && order?.column === sort ? (order.descending ? 'descending' : 'ascending') : undefined;
  const name = <span className="ellipsis" title={look.title}>{look.title}</span>;
  return (
    <div role="columnheader" aria-sort={sorted} data-first={(look.group && first) || undefined} className={`${classes.cell} ${look.numeric ? classes.numeric : ''} ${sticky ? classes.sticky : ''}`}>
      {look.group && <span className={classes.group} aria-hidden={!first}>{first ? look.group : ''}</span>}
      {sort === undefined ? name : (
        <button type="button" className={classes.sort} onClick={() => onOrder(nextOrder(order, sort, look.firstDescending ?? false))}>
          {name}
          {sorted && (sorted === 'descending' ? <IconArrowDown size={13} aria-hidden="true" /> : <IconArrowUp size={13} aria-hidden="true" />)}
        </button>
      )}
    </div>
  );
}

function cell(id: string, run: Run, props: RunsTableProps, language: string): ReactNode {
  const status = props.statusOf(run);
  switch (id) {
    case 'name':
      return <Link to="/w/$workspace/runs/$run" params={{ workspace: props.workspace, run: run.id }} className={`ellipsis ${classes.name}`} title={`${run.name}\n${run.id}`}>{run.name || run.id}{run.name !== '' && run.name !== run.id && <span className={classes.id}>{shortID(run.id)}</span>}</Link>;
    case 'status': return <StatusBadge status={status} plain />;
    case 'experiment': return <span className="ellipsis" title={run.experiment_name}>{run.experiment_name}</span>;
    case 'started': return <Ago at={run.started_at} />;
    case 'duration': return <Duration from={run.started_at} to={run.ended_at} running={isActive(status)} />;
    case 'user': return <span className="ellipsis">{run.user}</span>;
    default: return fieldValue(id, run, language);
  }
}

function fieldValue(field: string, run: Run, language: string): ReactNode {
  const { group, key } = splitField(field);
  if (group === 'params') {
    const value = run.params?.[key];
    return value === undefined ? <span className={classes.none}>–</span> : <span className="ellipsis" title={value}>{value}</span>;
  }
  const metric = run.metrics?.[key];
  return metric === undefined ? <span className={classes.none}>–</span> : formatMetric(metric.value, language, true);
}
