import type { ReactNode } from 'react';
import classes from './Tag.module.css';

/** A word that belongs to a thing: a label, a tag. */
export function Tag({ children, strong }: { children: ReactNode; strong?: boolean }) {
  return <span className={classes.tag} data-strong={strong || undefined}>{children}</span>;
}

/** Tags as people wrote them, which may be anything: each stands by itself, whatever its direction. */
export function Tags({ tags }: { tags: Record<string, string> | readonly [string, string][] }) {
  const pairs = Array.isArray(tags) ? (tags as readonly [string, string][]) : Object.entries(tags as Record<string, string>);
  if (pairs.length === 0) return null;
  return <span className={classes.tags}>{pairs.map(([key, value]) => <Tag key={key}><bdi>{value ? `${key}: ${value}` : key}</bdi></Tag>)}</span>;
}
