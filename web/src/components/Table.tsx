import { lazy, Suspense, type ReactNode } from 'react';
import { LoadingRows } from './States';
import { Head, Row, type TableProps } from './TableParts';
import classes from './Table.module.css';

// Few tables are long, and what draws those is not loaded for the others.
const LongTable = lazy(() => import('./LongTable')) as <T>(props: TableProps<T>) => ReactNode;

/** From how many rows on only those on the screen are drawn. */
const many = 200;

/** A plain table. A long one scrolls by itself; for the table of runs see RunsTable. */
export function Table<T>(props: TableProps<T>) {
  if (props.rows.length > many) return <Suspense fallback={<LoadingRows />}><LongTable {...props} /></Suspense>;
  return (
    <div className={classes.scroll} tabIndex={0} role="group" aria-label={props.label}>
      <table className={classes.table} data-dense={props.dense || undefined}>
        <Head columns={props.columns} />
        <tbody>{props.rows.map((row) => <Row key={props.rowKey(row)} row={row} columns={props.columns} />)}</tbody>
      </table>
    </div>
  );
}
