import { Select, Switch } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ColumnDifference, DataDifference, DataVersion } from '@/api/nouns';
import { Histogram } from '@/components/Histogram';
import { Bar, Columns, Facts, Section } from '@/components/Page';
import { ShareBar } from '@/components/ShareBar';
import { Await, EmptyState, LoadingRows } from '@/components/States';
import { Table } from '@/components/Table';
import { formatBytes, formatCount, formatMetric } from '@/lib/format';
import { differenceQuery } from './queries';
import classes from './DifferencePanel.module.css';

interface DifferencePanelProps {
  workspace: string;
  version: DataVersion;
  versions: readonly DataVersion[];
  since: string | undefined;
  onSince: (since: string | undefined) => void;
}

/** What changed since another version: files, rows, columns and how their values are spread. */
export function DifferencePanel({ workspace, version, versions, since, onSince }: DifferencePanelProps) {
  const { t } = useTranslation();
  const others = versions.filter((one) => one.version !== version.version);
  const at = versions.findIndex((one) => one.version === version.version);
  const before = others.find((one) => one.version === since) ?? versions[at + 1] ?? others[0];
  if (!before) return <Section><EmptyState title={t('difference.alone')}>{t('difference.aloneHint')}</EmptyState></Section>;
  return (
    <>
      <Bar>
        <Select
          size="sm" w={220} label={t('difference.since')} value={before.version} onChange={(next) => onSince(next ?? undefined)} searchable={others.length > 12}
          data={others.map((one) => ({ value: one.version, label: t('model.versionNumber', { version: one.version }) }))}
        />
      </Bar>
      <Difference key={before.version} workspace={workspace} version={version} since={before.version} />
    </>
  );
}

function Difference({ workspace, version, since }: { workspace: string; version: DataVersion; since: string }) {
  const { t } = useTranslation();
  const query = useQuery(differenceQuery(workspace, version.name, version.version, since));
  return (
    <Await query={query}>
      {(found) => (
        <>
          <Columns main={<Files difference={found} />} side={<Sums difference={found} />} />
          {found.status === 'Queued' && <Section title={t('profile.making')}><LoadingRows rows={4} /></Section>}
          {found.status === 'Failed' && <Section><EmptyState title={t('difference.noColumns')}>{found.error}</EmptyState></Section>}
          {found.status === 'Ready' && <ColumnsSection columns={found.columns ?? []} />}
        </>
      )}
    </Await>
  );
}

function Sums({ difference: { from, to, rows, files } }: { difference: DataDifference }) {
  const { t, i18n } = useTranslation();
  const change = (before: number, after: number, format: (value: number, language: string) => string) => (
    before === after ? format(after, i18n.language) : <span className="number">{format(before, i18n.language)} → <strong>{format(after, i18n.language)}</strong></span>
  );
  return (
    <Section title={`${from.version} → ${to.version}`}>
      <Facts rows={[
        [t('difference.rows'), rows && change(rows[0] ?? 0, rows[1] ?? 0, formatCount)],
        [t('data.files'), change(from.files, to.files, formatCount)],
        [t('common.size'), change(from.size, to.size, formatBytes)],
        [t('difference.unchanged'), files && formatCount(files.unchanged, i18n.language)],
      ]} />
    </Section>
  );
}

function Files({ difference: { files } }: { difference: DataDifference }) {
  const { t } = useTranslation();
  if (!files) return <Section title={t('data.files')}><EmptyState title={t('difference.noFiles')}>{t('difference.noFilesHint')}</EmptyState></Section>;
  const rows = (['added', 'removed', 'changed'] as const).flatMap((change) => files[change].map((path) => ({ change, path })));
  return (
    <Section title={t('data.files')} flush>
      {rows.length === 0 ? <EmptyState title={t('difference.sameFiles')} /> : (
        <Table
          dense label={t('data.files')} rows={rows} rowKey={(row) => `${row.change} ${row.path}`}
          columns={[
            { key: 'path', head: t('model.path'), grow: true, cell: (row) => <bdi className="mono">{row.path}</bdi> },
            { key: 'change', head: t('difference.change'), cell: (row) => <Change kind={row.change} /> },
          ]}
        />
      )}
    </Section>
  );
}

function Change({ kind }: { kind: ColumnDifference['change'] | 'changed' }) {
  const { t } = useTranslation();
  return <span className={classes.change} data-change={kind}>{t(`difference.kind.${kind}`)}</span>;
}

function ColumnsSection({ columns }: { columns: readonly ColumnDifference[] }) {
  const { t, i18n } = useTranslation();
  const differing = columns.filter((one) => one.change !== 'same');
  const [only, setOnly] = useState(false);
  const shown = only ? differing : columns;
  if (columns.length === 0) return <Section title={t('difference.columns')}><EmptyState title={t('difference.noColumns')} /></Section>;
  const aside = <Switch size="xs" label={t('compare.onlyDiffering')} checked={only} onChange={(event) => setOnly(event.currentTarget.checked)} />;
  return (
    <Section title={t('difference.columns')} aside={aside} flush>
      {shown.length === 0 ? <EmptyState title={t('difference.sameColumns')} /> : (
        <Table
          label={t('difference.columns')} rows={shown} rowKey={(one) => one.name}
          columns={[
            { key: 'name', head: t('common.name'), grow: true, cell: (one) => <strong className={classes.name}><bdi>{one.name}</bdi></strong> },
            { key: 'change', head: t('difference.change'), cell: (one) => <Change kind={one.change} /> },
            { key: 'type', head: t('common.type'), cell: (one) => <Pair before={one.from && t(`profile.type.${one.from.type}`)} after={one.to && t(`profile.type.${one.to.type}`)} /> },
            { key: 'missing', head: t('profile.missing'), numeric: true, cell: (one) => <Pair before={count(one.from?.missing, i18n.language)} after={count(one.to?.missing, i18n.language)} /> },
            { key: 'mean', head: t('profile.mean'), numeric: true, cell: (one) => <Pair before={metric(one.from?.mean, i18n.language)} after={metric(one.to?.mean, i18n.language)} /> },
            { key: 'spread', head: t('difference.spread'), cell: (one) => <Both column={one} /> },
            { key: 'distance', head: t('difference.distance'), cell: (one) => <Distance value={one.distance} /> },
          ]}
        />
      )}
    </Section>
  );
}

function count(value: number | undefined, language: string): string | undefined {
  return value === undefined ? undefined : formatCount(value, language);
}

function metric(value: number | undefined, language: string): string | undefined {
  return value === undefined ? undefined : formatMetric(value, language);
}

/** A value before and after, once where it is the same. */
function Pair({ before, after }: { before: string | undefined; after: string | undefined }) {
  if (before === undefined && after === undefined) return <span className="muted">–</span>;
  if (before === after || before === undefined) return <span className="nowrap">{after}</span>;
  return <span className="nowrap"><span className="muted">{before}{after === undefined ? '' : ' → '}</span>{after}</span>;
}

function Both({ column: { name, from, to } }: { column: ColumnDifference }) {
  const { t } = useTranslation();
  if (!to?.histogram?.length && !from?.histogram?.length) return <span className="muted">–</span>;
  return <Histogram bins={to?.histogram ?? []} before={from?.histogram} label={t('difference.histogramOf', { column: name })} />;
}

function Distance({ value }: { value: number | undefined }) {
  const { i18n } = useTranslation();
  if (value === undefined) return <span className="muted">–</span>;
  return <ShareBar share={value} tone={value >= 0.3 ? 'bad' : value >= 0.1 ? 'wait' : undefined}><span className="number">{formatMetric(Math.round(value * 1000) / 1000, i18n.language)}</span></ShareBar>;
}
