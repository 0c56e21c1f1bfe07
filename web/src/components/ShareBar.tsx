import type { ReactNode } from 'react';
import classes from './ShareBar.module.css';

interface ShareBarProps {
  /** From 0 to 1. */
  share: number;
  tone?: 'wait' | 'bad' | undefined;
  children?: ReactNode;
}

/** A part of a whole as a short bar, beside the words that say it. */
export function ShareBar({ share, tone, children }: ShareBarProps) {
  return (
    <span className={classes.share} data-tone={tone}>
      <span className={classes.track} aria-hidden="true"><Fill share={share} /></span>
      {children}
    </span>
  );
}

/** The same over the whole width. */
export function WideBar({ share, tone }: Omit<ShareBarProps, 'children'>) {
  return <span className={classes.wide} data-tone={tone} aria-hidden="true"><Fill share={share} /></span>;
}

function Fill({ share }: { share: number }) {
  const width = share > 0 ? Math.max(2, Math.min(100, share * 100)) : 0;
  return <span className={classes.fill} style={{ width: `${width}%` }} />;
}
