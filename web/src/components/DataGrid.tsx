import { isNumeric } from '@/lib/csv';
import table from './Table.module.css';
import classes from './DataGrid.module.css';

interface DataGridProps {
  label: string;
  head: readonly string[];
  /** Cells as text; null where there is no value. */
  rows: readonly (readonly (string | null)[])[];
  note?: string | undefined;
}

/** Rows of somebody's table. Its cells are text, whatever they hold. */
export function DataGrid({ label, head, rows, note }: DataGridProps) {
  const numeric = head.map((_, i) => isNumeric(rows.map((row) => row[i] ?? '')));
  const align = (i: number) => (numeric[i] ? table.numeric : undefined);
  return (
    <>
      <div className={classes.grid} tabIndex={0} role="group" aria-label={label}>
        <table className={table.table}>
          <thead><tr>{head.map((name, i) => <th key={i} scope="col" className={align(i)}><bdi>{name}</bdi></th>)}</tr></thead>
          <tbody>
            {rows.map((row, r) => (
              <tr key={r}>{head.map((_, c) => <td key={c} className={align(c)}>{row[c] == null ? <span className={classes.missing}>–</span> : <bdi>{row[c]}</bdi>}</td>)}</tr>
            ))}
          </tbody>
        </table>
      </div>
      {note && <p className={classes.note}>{note}</p>}
    </>
  );
}
