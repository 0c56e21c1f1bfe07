import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'react';
import { Head, Row, type TableProps } from './TableParts';
import long from './LongTable.module.css';
import classes from './Table.module.css';

/** A table of which only the rows on the screen are drawn. */
export default function LongTable<T>({ rows, columns, rowKey, label, dense }: TableProps<T>) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => (dense ? 33 : 41), overscan: 20 });
  const drawn = virtual.getVirtualItems();
  const above = drawn[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (drawn.at(-1)?.end ?? 0);
  return (
    <div ref={scroller} className={long.scroll} tabIndex={0} role="group" aria-label={label}>
      <table className={`${classes.table} ${long.table}`} data-dense={dense || undefined} aria-rowcount={rows.length + 1}>
        {/* Widths of their own, so that nothing moves while other rows come into view. */}
        <colgroup>{columns.map((column) => <col key={column.key} style={{ width: column.grow ? '40%' : 'auto' }} />)}</colgroup>
        <Head columns={columns} />
        <tbody>
          <Gap height={above} columns={columns.length} />
          {drawn.map(({ index }) => {
            const row = rows[index];
            return row === undefined ? null : <Row key={rowKey(row)} row={row} columns={columns} index={index} measure={virtual.measureElement} />;
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
