import type { ReactNode } from 'react';
import classes from './Table.module.css';

export interface Column<T> {
  key: string;
  head: string;
  cell: (row: T) => ReactNode;
  numeric?: boolean;
  /** Takes the room that the others leave. */
  grow?: boolean;
}

export interface TableProps<T> {
  rows: readonly T[];
  columns: Column<T>[];
  rowKey: (row: T) => string;
  label: string;
  dense?: boolean;
}

export function Head<T>({ columns }: { columns: Column<T>[] }) {
  return (
    <thead>
      <tr>{columns.map((column) => <th key={column.key} scope="col" className={cellClass(column)}>{column.head}</th>)}</tr>
    </thead>
  );
}

interface RowProps<T> {
  row: T;
  columns: Column<T>[];
  /** Which row of a long table it is, from 0. */
  index?: number;
  measure?: (element: HTMLTableRowElement | null) => void;
}

export function Row<T>({ row, columns, index, measure }: RowProps<T>) {
  return (
    <tr ref={measure} data-index={index} aria-rowindex={index === undefined ? undefined : index + 2}>
      {columns.map((column) => <td key={column.key} className={cellClass(column)}>{column.cell(row)}</td>)}
    </tr>
  );
}

function cellClass<T>(column: Column<T>): string | undefined {
  return [column.numeric && classes.numeric, column.grow && classes.grow].filter(Boolean).join(' ') || undefined;
}
