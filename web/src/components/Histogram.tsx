import type { Bin } from '@/api/nouns';
import { place } from '@/lib/histogram';
import classes from './Histogram.module.css';

interface HistogramProps {
  bins: readonly Bin[];
  /** The same of an earlier version, drawn behind on the same scale. */
  before?: readonly Bin[] | undefined;
  label: string;
  width?: number;
  height?: number;
}

/** How the values of a column are spread, small enough for a row of a table. */
export function Histogram({ bins, before, label, width = 132, height = 30 }: HistogramProps) {
  const [now, then] = place([bins, before ?? []], width, height - 1);
  return (
    <svg role="img" aria-label={label} width={width} height={height} viewBox={`0 0 ${width} ${height}`} className={classes.histogram}>
      <title>{label}</title>
      {then?.map((bar, i) => <rect key={`b${i}`} className={classes.before} {...bar} />)}
      {now?.map((bar, i) => <rect key={i} className={classes.bar} {...bar} />)}
      <line className={classes.base} x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
    </svg>
  );
}
