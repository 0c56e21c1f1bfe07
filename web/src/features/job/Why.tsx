import { useTranslation } from 'react-i18next';
import type { Amounts, Explanation } from '@/api/nouns';
import { formatBytes, formatCount } from '@/lib/format';

const causes = ['resources', 'reserved', 'limit', 'slots', 'stopped', 'compute', 'never'] as const;

/** A part of the machine in words: "2 CPUs, 4 GB, 1 GPU". */
export function AmountsText({ amounts }: { amounts: Amounts }) {
  const { t, i18n } = useTranslation();
  const parts = [
    t('compute.cpus', { count: amounts.cpus, shown: formatCount(amounts.cpus, i18n.language) }),
    amounts.memory_bytes > 0 ? formatBytes(amounts.memory_bytes, i18n.language) : '',
    amounts.gpus > 0 ? t('compute.gpus', { count: amounts.gpus, shown: formatCount(amounts.gpus, i18n.language) }) : '',
  ];
  return <span className="nowrap">{parts.filter(Boolean).join(' · ')}</span>;
}

/** Why a job waits, in the reader's language; the server's own sentences on hover. */
export function WhyText({ why }: { why: Explanation | undefined }) {
  const { t, i18n } = useTranslation();
  if (!why || why.cause === '') return <span>{t('why.soon')}</span>;
  const cause = causes.find((one) => one === why.cause);
  if (!cause) return <span>{why.reason}</span>;
  const ahead = why.ahead > 0 ? ` ${t('why.ahead', { count: why.ahead, shown: formatCount(why.ahead, i18n.language) })}` : '';
  return <span title={why.reason}>{t(`why.${cause}`, { limit: why.limit ?? '', behind: why.behind || t('why.another') })}{ahead}</span>;
}
