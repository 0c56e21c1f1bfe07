import type { ReactNode } from 'react';
import classes from './Table.module.css';

interface Column<T> {
  key: string;
  head: string;
  cell: (row: T) => ReactNode;
  numeric?: boolean;
  /** Takes the room that the others leave. */
  grow?: boolean;
}

/** A plain table for lists that fit on a page. Long lists are virtual: see RunsTable. */
export function Table<T>({ rows, columns, rowKey, label, dense }: {
  rows: readonly T[];
  columns: Column<T>[];
  rowKey: (row: T) => string;
  label: string;
  dense?: boolean;
}) {
  return (
    <div className={classes.scroll} tabIndex={0} role="group" aria-label={label}>
      <table className={classes.table} data-dense={dense || undefined}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.key} scope="col" className={cellClass(column)}>{column.head}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column) => <td key={column.key} className={cellClass(column)}>{column.cell(row)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function cellClass<T>(column: Column<T>): string | undefined {
  return [column.numeric && classes.numeric, column.grow && classes.grow].filter(Boolean).join(' ') || undefined;
}
