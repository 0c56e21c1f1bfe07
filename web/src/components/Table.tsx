import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef, type ReactNode } from 'react';
import long from './LongTable.module.css';
import classes from './Table.module.css';

export interface Column<T> {
  key: string;
  head: string;
  cell: (row: T) => ReactNode;
  numeric?: boolean;
  /** Takes the room that the others leave. */
  grow?: boolean;
}

interface TableProps<T> {
  rows: readonly T[];
  columns: Column<T>[];
  rowKey: (row: T) => string;
  label: string;
  dense?: boolean;
}

/** From how many rows on only those on the screen are drawn. */
const many = 200;

/** A plain table. A long one scrolls by itself; for the table of runs see RunsTable. */
export function Table<T>(props: TableProps<T>) {
  if (props.rows.length > many) return <LongTable {...props} />;
  return (
    <div className={classes.scroll} tabIndex={0} role="group" aria-label={props.label}>
      <table className={classes.table} data-dense={props.dense || undefined}>
        <Head columns={props.columns} />
        <tbody>{props.rows.map((row) => <Row key={props.rowKey(row)} row={row} columns={props.columns} />)}</tbody>
      </table>
    </div>
  );
}

function LongTable<T>({ rows, columns, rowKey, label, dense }: TableProps<T>) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => (dense ? 33 : 41), overscan: 20 });
  const drawn = virtual.getVirtualItems();
  const above = drawn[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (drawn.at(-1)?.end ?? 0);
  return (
    <div ref={scroller} className={long.scroll} tabIndex={0} role="group" aria-label={label}>
      <table className={`${classes.table} ${long.table}`} data-dense={dense || undefined} aria-rowcount={rows.length + 1}>
        <Head columns={columns} />
        <tbody>
          <Gap height={above} columns={columns.length} />
          {drawn.map(({ index }) => {
            const row = rows[index];
            return row === undefined ? null : <Row key={rowKey(row)} row={row} columns={columns} index={index + 2} />;
          })}
          <Gap height={below} columns={columns.length} />
        </tbody>
      </table>
    </div>
  );
}

/** The place of the rows that are not drawn. */
function Gap({ height, columns }: { height: number; columns: number }) {
  return height > 0 ? <tr className={long.gap} aria-hidden="true"><td colSpan={columns} style={{ height }} /></tr> : null;
}

function Head<T>({ columns }: { columns: Column<T>[] }) {
  return (
    <thead>
      <tr>{columns.map((column) => <th key={column.key} scope="col" className={cellClass(column)}>{column.head}</th>)}</tr>
    </thead>
  );
}

function Row<T>({ row, columns, index }: { row: T; columns: Column<T>[]; index?: number }) {
  return (
    <tr aria-rowindex={index}>
      {columns.map((column) => <td key={column.key} className={cellClass(column)}>{column.cell(row)}</td>)}
    </tr>
  );
}

function cellClass<T>(column: Column<T>): string | undefined {
  return [column.numeric && classes.numeric, column.grow && classes.grow].filter(Boolean).join(' ') || undefined;
}
