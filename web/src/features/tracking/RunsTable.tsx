import { Checkbox } from '@mantine/core';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, type CSSProperties } from 'react';
import { useTranslation } from 'react-i18next';
import type { Run } from '@/api/nouns';
import type { Status } from '@/components/status';
import { nextOrder, type Order } from '@/lib/filter';
import { RunCell } from './RunCell';
import { useLooks, type Look } from './looks';
import type { RunList } from './window';
import classes from './RunsTable.module.css';

export type Selection = ReadonlyMap<string, Run>;

interface RunsTableProps {
  workspace: string;
  list: RunList;
  fields: readonly string[];
  /** Columns of every run that are not shown. */
  hidden: readonly string[];
  /** Columns that stay beside the name when the table is scrolled sideways. */
  pinned: readonly string[];
  statusOf: (run: Run) => Status;
  order: Order | null;
  onOrder: (order: Order | null) => void;
  selection: Selection;
  onSelection: (selection: Selection) => void;
  /** Rows of another question are still shown while the answer is on its way. */
  stale: boolean;
}

const rowHeight = 41;
const checkWidth = 44;
/** A browser cannot make a page taller than some 33 million pixels. */
const mostRows = 800_000;

/** The table of runs: any number of rows, of which only those on the screen are read and drawn. */
export function RunsTable(props: RunsTableProps) {
  const { t } = useTranslation();
  const { list, order, selection, onSelection } = props;
  const looks = useLooks(props.fields, props.hidden, props.pinned);
  const frame = useMemo(() => frameOf(looks), [looks]);
  const scroller = useRef<HTMLDivElement>(null);
  const count = Math.min(list.total, mostRows);
  const virtual = useVirtualizer({ count, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 12 });
  const drawn = virtual.getVirtualItems();
  const first = drawn[0]?.index ?? 0;
  const last = drawn.at(-1)?.index ?? 0;
  const { show } = list;
  useEffect(() => show(first, last), [show, first, last]);

  const toggle = (run: Run) => {
    const next = new Map(selection);
    if (!next.delete(run.id)) next.set(run.id, run);
    onSelection(next);
  };
  const allRead = list.read.length > 0 && list.read.every((run) => selection.has(run.id));
  const toggleRead = () => onSelection(allRead ? new Map() : new Map([...selection, ...list.read.map((run) => [run.id, run] as const)]));
  return (
    <div ref={scroller} className={classes.scroll} data-stale={props.stale || undefined} tabIndex={0} role="group" aria-label={t('runs.title')}>
      <div role="table" aria-rowcount={list.total + 1} aria-label={t('runs.title')} style={{ minWidth: frame.minWidth }}>
        <div role="rowgroup" className={classes.head}>
          <div role="row" className={classes.row} style={{ gridTemplateColumns: frame.template }}>
            <div role="columnheader" className={classes.check}>
              <Checkbox size="xs" aria-label={t('runs.selectAll')} checked={allRead} indeterminate={selection.size > 0 && !allRead} onChange={toggleRead} />
            </div>
            {looks.map((look, i) => (
              <Head key={look.id} look={look} first={look.group !== looks[i - 1]?.group} order={order} onOrder={props.onOrder} place={frame.places[i]} />
            ))}
          </div>
        </div>
        <div role="rowgroup" className={classes.body} style={{ height: virtual.getTotalSize() }}>
          {drawn.map(({ index, start }) => {
            const run = list.at(index);
            return (
              <div
                key={index} role="row" aria-rowindex={index + 2} className={`${classes.row} ${classes.data}`} data-selected={(run && selection.has(run.id)) || undefined}
                aria-busy={run === undefined || undefined} style={{ gridTemplateColumns: frame.template, transform: `translateY(${start}px)` }}
              >
                <div role="cell" className={classes.check}>
                  {run && <Checkbox size="xs" aria-label={t('runs.select', { name: run.name })} checked={selection.has(run.id)} onChange={() => toggle(run)} />}
                </div>
                {looks.map((look, i) => (
                  <div key={look.id} role="cell" className={cellClass(look)} style={frame.places[i]}>
                    {run ? <RunCell column={look.id} run={run} workspace={props.workspace} status={props.statusOf(run)} /> : <span className={classes.unread} aria-hidden="true" />}
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

interface Frame {
  template: string;
  minWidth: number;
  /** Where each column stays, for those that do. */
  places: (CSSProperties | undefined)[];
}

/** The widths of the columns, and the places of those that stay. */
function frameOf(looks: readonly Look[]): Frame {
  const pins = looks.some((look) => look.pinned && look.id !== 'name');
  let left = 0;
  const places = looks.map((look) => {
    if (!look.pinned) return undefined;
    const place = { left };
    left += look.width;
    return place;
  });
  const widths = looks.map((look) => (pins && look.pinned ? `${look.width}px` : `minmax(${look.width}px, ${look.id === 'name' ? 2 : 1}fr)`));
  return { template: `${checkWidth}px ${widths.join(' ')}`, minWidth: checkWidth + looks.reduce((sum, look) => sum + look.width, 0), places };
}

function cellClass(look: Look): string {
  return [classes.cell, look.numeric && classes.numeric, look.pinned && classes.sticky].filter(Boolean).join(' ');
}

interface HeadProps {
  look: Look;
  first: boolean;
  order: Order | null;
  onOrder: (order: Order | null) => void;
  place: CSSProperties | undefined;
}

function Head({ look, first, order, onOrder, place }: HeadProps) {
  const { sort } = look;
  const sorted = sort !== undefined && order?.column === sort ? (order.descending ? 'descending' : 'ascending') : undefined;
  const name = <span className="ellipsis" title={look.title}>{look.title}</span>;
  return (
    <div role="columnheader" aria-sort={sorted} data-first={(look.group && first) || undefined} className={cellClass(look)} style={place}>
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
