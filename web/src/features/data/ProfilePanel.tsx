import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { DataVersion, Profile, ProfileColumn } from '@/api/nouns';
import { Histogram } from '@/components/Histogram';
import { Section } from '@/components/Page';
import { ShareBar } from '@/components/ShareBar';
import { Await, EmptyState, LoadingRows } from '@/components/States';
import { Table } from '@/components/Table';
import { formatBytes, formatCount, formatMetric, formatPercent } from '@/lib/format';
import { profileQuery } from './queries';
import classes from './Profile.module.css';

/** What is known of every column; the server finds it out when somebody first asks. */
export function ProfilePanel({ workspace, version }: { workspace: string; version: DataVersion }) {
  const { t } = useTranslation();
  const query = useQuery(profileQuery(workspace, version.name, version.version));
  return (
    <Await query={query}>
      {(state) => {
        if (state.status === 'Failed') return <Section><EmptyState title={t('profile.failed')}>{state.error}</EmptyState></Section>;
        if (state.status === 'Queued' || !state.profile) return <Section title={t('profile.making')}><LoadingRows rows={4} /></Section>;
        return <Columns profile={state.profile} />;
      }}
    </Await>
  );
}

function Columns({ profile }: { profile: Profile }) {
  const { t, i18n } = useTranslation();
  const language = i18n.language;
  const number = (value: number | undefined) => (value === undefined ? <span className="muted">–</span> : formatMetric(value, language));
  const quantile = (column: ProfileColumn, q: number) => number(column.quantiles?.find((one) => Math.abs(one.q - q) < 1e-9)?.value);
  const about = [t('profile.rows', { count: profile.rows, shown: formatCount(profile.rows, language) }), profile.format, formatBytes(profile.bytes, language)].join(' · ');
  return (
    <Section title={t('profile.columns', { count: profile.columns.length, shown: formatCount(profile.columns.length, language) })} aside={about} flush>
      <Table
        label={t('profile.title')} rows={profile.columns} rowKey={(column) => column.name}
        columns={[
          { key: 'name', head: t('common.name'), grow: true, cell: (column) => <div className={classes.name}><bdi>{column.name}</bdi><span>{t(`profile.type.${column.type}`)}</span></div> },
          { key: 'spread', head: t('profile.values'), cell: (column) => <Spread column={column} rows={profile.rows} /> },
          { key: 'missing', head: t('profile.missing'), cell: (column) => <Missing column={column} rows={profile.rows} /> },
          { key: 'distinct', head: t('profile.distinct'), numeric: true, cell: (column) => formatCount(column.distinct, language) },
          { key: 'mean', head: t('profile.mean'), numeric: true, cell: (column) => number(column.mean) },
          { key: 'std', head: t('profile.std'), numeric: true, cell: (column) => number(column.std) },
          { key: 'min', head: t('profile.min'), numeric: true, cell: (column) => <Edge column={column} text={column.min} /> },
          { key: 'q1', head: '25 %', numeric: true, cell: (column) => quantile(column, 0.25) },
          { key: 'median', head: t('profile.median'), numeric: true, cell: (column) => quantile(column, 0.5) },
          { key: 'q3', head: '75 %', numeric: true, cell: (column) => quantile(column, 0.75) },
          { key: 'max', head: t('profile.max'), numeric: true, cell: (column) => <Edge column={column} text={column.max} /> },
        ]}
      />
    </Section>
  );
}

/** The least or the greatest value. */
function Edge({ column, text }: { column: ProfileColumn; text: string | undefined }) {
  const { i18n } = useTranslation();
  if (text === undefined || text === '') return <span className="muted">–</span>;
  if (column.type === 'integer' || column.type === 'number') return <>{formatMetric(Number(text), i18n.language)}</>;
  return <bdi className={`${classes.edge} ellipsis`} title={text}>{text}</bdi>;
}

function Missing({ column, rows }: { column: ProfileColumn; rows: number }) {
  const { i18n } = useTranslation();
  if (column.missing === 0) return <span className="muted">0</span>;
  const share = rows > 0 ? column.missing / rows : 1;
  return <ShareBar share={share} tone={share > 0.5 ? 'bad' : 'wait'}><span className="number" title={formatCount(column.missing, i18n.language)}>{formatPercent(share, i18n.language)}</span></ShareBar>;
}

const shownWords = 3;
/** A value that fewer rows than this share have says nothing. */
const telling = 0.01;

/** A histogram of numbers; of words, the most frequent ones. */
function Spread({ column, rows }: { column: ProfileColumn; rows: number }) {
  const { t, i18n } = useTranslation();
  if (column.histogram && column.histogram.length > 0) return <Histogram bins={column.histogram} label={t('profile.histogramOf', { column: column.name })} />;
  const top = (column.top ?? []).slice(0, shownWords);
  if (top.length === 0) return <span className="muted">–</span>;
  if ((top[0]?.count ?? 0) < rows * telling) return <span className="muted">{t('profile.various')}</span>;
  return (
    <ul className={classes.top}>
      {top.map(({ value, count }) => (
        <li key={value}>
          <ShareBar share={rows > 0 ? count / rows : 0}><bdi className={`${classes.word} ellipsis`} title={value}>{value === '' ? '""' : value}</bdi><span className="muted number">{formatPercent(rows > 0 ? count / rows : 0, i18n.language)}</span></ShareBar>
        </li>
      ))}
    </ul>
  );
}
