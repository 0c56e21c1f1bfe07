import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Job, Rank } from '@/api/nouns';
import { Section } from '@/components/Page';
import { StatusBadge } from '@/components/StatusBadge';
import { Table } from '@/components/Table';

/** The processes of a job that is several: how each ended, and what it printed. */
export function Ranks({ workspace, job }: { workspace: string; job: Job }) {
  const { t } = useTranslation();
  if (!job.ranks || job.ranks.length === 0) return null;
  return (
    <Section title={t('ranks.title')} aside={job.distribution?.type} flush>
      <Table
        dense label={t('ranks.title')} rows={job.ranks} rowKey={(rank) => String(rank.rank)}
        columns={[
          { key: 'rank', head: t('ranks.rank'), numeric: true, cell: (rank) => rank.rank },
          ...(job.ranks.some((rank) => rank.role) ? [{ key: 'role', head: t('ranks.role'), cell: (rank: Rank) => rank.role ?? '–' }] : []),
          { key: 'exit', head: t('job.exitCode'), numeric: true, cell: (rank) => rank.exit_code ?? '–' },
          { key: 'end', head: t('common.status'), grow: true, cell: (rank) => <End rank={rank} /> },
          { key: 'log', head: t('run.tab.logs'), cell: (rank) => (
            <Link to="/w/$workspace/runs/$run" params={{ workspace, run: job.name }} search={{ tab: 'logs', ...(rank.rank === 0 ? {} : { log: rank.log }) }} className="nowrap">{t('ranks.log')}</Link>
          ) },
        ]}
      />
    </Section>
  );
}

function End({ rank }: { rank: Rank }) {
  const { t } = useTranslation();
  if (rank.exit_code === undefined) return <span className="muted">{t('ranks.noExit')}</span>;
  return <StatusBadge plain status={rank.exit_code === 0 ? 'Completed' : 'Failed'} />;
}
