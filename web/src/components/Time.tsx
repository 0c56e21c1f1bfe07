import { useTranslation } from 'react-i18next';
import { useNow } from '@/lib/clock';
import { formatAgo, formatDuration, formatTime } from '@/lib/format';

/** How long ago, in words; the exact time in the reader's zone on hover. */
export function Ago({ at }: { at: string | undefined }) {
  const { i18n } = useTranslation();
  const now = useNow(30_000);
  if (!at) return <>–</>;
  const then = new Date(at);
  return (
    <time dateTime={at} title={formatTime(then, i18n.language)} className="nowrap">
      {formatAgo(then, now, i18n.language)}
    </time>
  );
}

/** From start to end, or counting while there is no end yet. */
export function Duration({ from, to, running }: { from: string | undefined; to: string | undefined; running: boolean }) {
  const { i18n } = useTranslation();
  const counting = running && !to;
  const now = useNow(1000, counting);
  if (!from || (!to && !counting)) return <span className="muted">–</span>;
  const end = to ? new Date(to) : now;
  const length = Math.max(0, end.getTime() - new Date(from).getTime());
  const shown = counting ? Math.max(1000, Math.floor(length / 1000) * 1000) : length;
  return <span className="number nowrap">{formatDuration(shown, i18n.language)}</span>;
}
