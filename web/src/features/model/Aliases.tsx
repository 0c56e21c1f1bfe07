import classes from './Aliases.module.css';

export function Aliases({ names }: { names: readonly string[] }) {
  if (names.length === 0) return <span className="muted">–</span>;
  return <span className={classes.list}>{names.map((name) => <span key={name} className={classes.alias}>{name}</span>)}</span>;
}
