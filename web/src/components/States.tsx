import { Button, Skeleton } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { TFunction } from 'i18next';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '@/api/error';
import { CommandLine } from './CommandLine';
import classes from './States.module.css';

/** What a list says when it has nothing yet: what would be here, and the command that fills it. */
export function EmptyState(props: { title: string; children?: ReactNode; command?: string; snippet?: string; action?: ReactNode }) {
  return (
    <div className={classes.state}>
      <p className={classes.title}>{props.title}</p>
      {props.children && <div className={classes.text}>{props.children}</div>}
      {props.command && <div className={classes.command}><CommandLine command={props.command} /></div>}
      {props.snippet && <div className={classes.command}><CommandLine command={props.snippet} prompt={false} /></div>}
      {props.action}
    </div>
  );
}

/** The server's own words, what it advises, and a way to try again. */
export function ErrorState({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const known = error instanceof ApiError ? error : null;
  const offline = known?.code === 'offline';
  const message = offline ? t('error.offline') : known?.message || (error instanceof Error ? error.message : String(error));
  const advice = offline ? t('error.offlineHint') : known?.hint || adviceFor(known, t);
  return (
    <div className={classes.state} role="alert">
      <IconAlertTriangle size={22} stroke={1.6} className={classes.icon} aria-hidden="true" />
      <p className={classes.title}>{message}</p>
      {advice && <p className={classes.text}>{advice}</p>}
      {known?.requestID && <p className={classes.small}>{t('error.requestID', { id: known.requestID })}</p>}
      {onRetry && <Button variant="default" onClick={onRetry}>{t('common.retry')}</Button>}
    </div>
  );
}

function adviceFor(error: ApiError | null, t: TFunction): string {
  switch (error?.code) {
    case 'forbidden': return t('error.forbiddenHint');
    case 'not_found': return t('error.notFoundHint');
    case 'unavailable': return t('error.unavailableHint');
    default: return t('error.internalHint');
  }
}

/** An error in a form or a panel, in one or two lines. */
export function ErrorNote({ error }: { error: unknown }) {
  const { t } = useTranslation();
  if (!error) return null;
  const known = error instanceof ApiError ? error : null;
  const message = known?.code === 'offline' ? t('error.offline') : known?.message || String(error);
  return (
    <div className={classes.note} role="alert">
      <strong>{message}</strong>
      {known?.hint && <span> {known.hint}</span>}
      {known?.details.map((detail) => <div key={detail.location + detail.message}><code>{detail.location}</code> {detail.message}</div>)}
    </div>
  );
}

export function LoadingRows({ rows = 6 }: { rows?: number }) {
  const { t } = useTranslation();
  return (
    <div className={classes.loading} role="status" aria-label={t('common.loading')}>
      {Array.from({ length: rows }, (_, i) => <Skeleton key={i} height={14} width={`${88 - ((i * 23) % 40)}%`} radius="sm" />)}
    </div>
  );
}

interface Loaded<T> {
  data: T | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

/** Waiting, failed or here: the three states of everything that comes from the server. */
export function Await<T>({ query, rows, children }: { query: Loaded<T>; rows?: number; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.isPending) return <LoadingRows rows={rows} />;
  return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
}
