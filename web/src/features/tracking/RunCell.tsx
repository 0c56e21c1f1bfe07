import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Run } from '@/api/nouns';
import { isActive, type Status } from '@/components/status';
import { StatusBadge } from '@/components/StatusBadge';
import { Ago, Duration } from '@/components/Time';
import { formatMetric, shortID } from '@/lib/format';
import { splitField } from './columns';
import classes from './RunsTable.module.css';

interface RunCellProps {
  column: string;
  run: Run;
  workspace: string;
  status: Status;
}

/** What a run has in a column. */
export function RunCell({ column, run, workspace, status }: RunCellProps) {
  switch (column) {
    case 'name': return <Name run={run} workspace={workspace} />;
    case 'status': return <StatusBadge status={status} plain />;
    case 'experiment': return <span className="ellipsis" title={run.experiment_name}>{run.experiment_name}</span>;
    case 'started': return <Ago at={run.started_at} />;
    case 'duration': return <Duration from={run.started_at} to={run.ended_at} running={isActive(status)} />;
    case 'user': return <span className="ellipsis">{run.user}</span>;
    default: return <Logged field={column} run={run} />;
  }
}

function Name({ run, workspace }: { run: Run; workspace: string }) {
  return (
    <Link to="/w/$workspace/runs/$run" params={{ workspace, run: run.id }} className={`ellipsis ${classes.name}`} title={`${run.name}\n${run.id}`}>
      {run.name || run.id}
      {run.name !== '' && run.name !== run.id && <span className={classes.id}>{shortID(run.id)}</span>}
    </Link>
  );
}

/** A param or the last value of a metric. */
function Logged({ field, run }: { field: string; run: Run }) {
  const { i18n } = useTranslation();
  const { group, key } = splitField(field);
  if (group === 'params') {
    const value = run.params?.[key];
    return value === undefined ? <span className={classes.none}>–</span> : <span className="ellipsis" title={value}>{value}</span>;
  }
  const metric = run.metrics?.[key];
  return metric === undefined ? <span className={classes.none}>–</span> : <>{formatMetric(metric.value, i18n.language, true)}</>;
}
