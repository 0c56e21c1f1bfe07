import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { LineageGraph as Graph, LineageNode } from '@/api/nouns';
import { Section } from '@/components/Page';
import { Await, EmptyState, LoadingRows } from '@/components/States';
import { Table } from '@/components/Table';
import { shortID } from '@/lib/format';
import { NodeLink } from './NodeLink';
import { lineageQuery } from './queries';
import { nameOf } from './words';

const LineageGraph = lazy(() => import('./LineageGraph'));

/** What a thing comes from and what became of it, as a picture or as a list. */
export function LineagePanel({ workspace, of }: { workspace: string; of: string }) {
  const { t } = useTranslation();
  const query = useQuery(lineageQuery(workspace, of));
  const [form, setForm] = useState<'graph' | 'list'>('graph');
  const aside = (
    <SegmentedControl
      size="xs" aria-label={t('lineage.form')} value={form} onChange={(next) => setForm(next as typeof form)}
      data={[{ value: 'graph', label: t('lineage.graph') }, { value: 'list', label: t('lineage.list') }]}
    />
  );
  return (
    <Section title={t('lineage.title')} aside={aside} flush>
      <Await query={query}>
        {(graph) => {
          if (graph.edges.length === 0) return <EmptyState title={t('lineage.none')}>{t('lineage.noneHint')}</EmptyState>;
          if (form === 'list') return <Steps workspace={workspace} graph={graph} />;
          return <Suspense fallback={<LoadingRows rows={5} />}><LineageGraph workspace={workspace} graph={graph} /></Suspense>;
        }}
      </Await>
    </Section>
  );
}

function Steps({ workspace, graph }: { workspace: string; graph: Graph }) {
  const { t } = useTranslation();
  const byID = new Map(graph.nodes.map((node) => [node.id, node]));
  const rows = graph.edges.flatMap((edge, i) => {
    const from = byID.get(edge.from);
    const to = byID.get(edge.to);
    return from && to ? [{ key: String(i), from, to, edge }] : [];
  }).toSorted((a, b) => a.from.level - b.from.level);
  const end = (node: LineageNode) => (
    <span><span className="muted">{t(`lineage.kind.${node.kind}`)}</span> <NodeLink workspace={workspace} node={node}><bdi>{nameOf(node)}</bdi></NodeLink></span>
  );
  return (
    <Table
      label={t('lineage.title')} rows={rows} rowKey={(row) => row.key}
      columns={[
        { key: 'from', head: t('lineage.from'), cell: (row) => end(row.from) },
        { key: 'relation', head: t('lineage.relation'), cell: ({ edge }) => <span>{t(`lineage.step.${edge.relation}`)}{edge.name && <span className="muted"> · <bdi>{edge.name}</bdi></span>}</span> },
        { key: 'to', head: t('lineage.to'), grow: true, cell: (row) => end(row.to) },
        { key: 'bytes', head: t('lineage.bytes'), cell: ({ to }) => (to.tree ? <span className="mono" title={to.tree}>{shortID(to.tree)}</span> : '–') },
      ]}
    />
  );
}
