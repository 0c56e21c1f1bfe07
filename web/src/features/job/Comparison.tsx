import { useQuery, queryOptions } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Comparison as Found, Job } from '@/api/nouns';
import { Section } from '@/components/Page';
import { isActive, toStatus } from '@/components/status';
import { Await, EmptyState } from '@/components/States';
import { Table } from '@/components/Table';
import { formatCount, formatMetric, shortID } from '@/lib/format';
import classes from './RunPage.module.css';

const property = 'atelier.rerun_of';

/** The job that a job repeats. */
export function repeats(job: Job): string | undefined {
  return job.properties?.[property];
}

function comparisonQuery(workspace: string, job: string) {
  return queryOptions({
    queryKey: [workspace, 'job', job, 'comparison'],
    queryFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/jobs/{job}/comparison', { params: { path: { workspace, job } } })),
    retry: false,
  });
}

/** Whether a job came to the same metrics as the one that it repeats. */
export function Comparison({ workspace, job }: { workspace: string; job: Job }) {
  const { t } = useTranslation();
  const first = repeats(job);
  const ended = !isActive(toStatus(job.status));
  const comparison = useQuery({ ...comparisonQuery(workspace, job.name), enabled: first !== undefined && ended });
  if (first === undefined) return null;
  const aside = <Link to="/w/$workspace/compare" params={{ workspace }} search={{ runs: [first, job.name] }}>{t('runs.compare')}</Link>;
  return (
    <Section title={t('rerun.comparison')} aside={aside} flush>
      <p className={classes.verdict}>{t('rerun.of')} <Link to="/w/$workspace/runs/$run" params={{ workspace, run: first }} search={{}}>{shortID(first)}</Link></p>
      {ended ? <Await query={comparison} rows={3}>{(found) => <Verdict comparison={found} />}</Await> : <p className={classes.quiet}>{t('rerun.later')}</p>}
    </Section>
  );
}

function Verdict({ comparison }: { comparison: Found }) {
  const { t, i18n } = useTranslation();
  const counted = comparison.metrics.filter((one) => !one.ignored);
  const tone = comparison.agree ? 'good' : 'bad';
  return (
    <>
      <p className={classes.verdict} data-tone={tone} role="status">{comparison.agree ? t('rerun.agrees') : t('rerun.differs')}</p>
      {counted.length === 0 ? <EmptyState title={t('rerun.noMetrics')} /> : (
        <Table
          dense label={t('rerun.comparison')} rows={counted} rowKey={(one) => one.key}
          columns={[
            { key: 'key', head: t('common.name'), grow: true, cell: (one) => <bdi>{one.key}</bdi> },
            { key: 'before', head: t('rerun.before'), numeric: true, cell: (one) => (one.with_last === undefined ? '–' : formatMetric(one.with_last, i18n.language, true)) },
            { key: 'now', head: t('rerun.now'), numeric: true, cell: (one) => (one.last === undefined ? '–' : formatMetric(one.last, i18n.language, true)) },
            { key: 'points', head: t('rerun.points'), numeric: true, cell: (one) => formatCount(one.points, i18n.language) },
            { key: 'agrees', head: t('rerun.verdict'), cell: (one) => <span className={classes.agrees} data-tone={one.agrees ? 'good' : 'bad'}>{one.agrees ? t('rerun.same') : t('rerun.different')}</span> },
          ]}
        />
      )}
    </>
  );
}
