import { IconArrowsLeftRight, IconBox, IconCloud, IconDatabase, IconFileDigit, IconPackage, IconServer, IconTimeline } from '@tabler/icons-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { LineageGraph as Graph, LineageNode } from '@/api/nouns';
import { toneOf, toStatus } from '@/components/status';
import { formatBytes, shortID } from '@/lib/format';
import { layOut, nodeHeight, nodeWidth, type Layout } from './layout';
import { NodeLink } from './NodeLink';
import { nameOf } from './words';
import classes from './LineageGraph.module.css';

const icons = {
  data: IconDatabase, run: IconTimeline, model: IconBox, environment: IconPackage, deployment: IconArrowsLeftRight,
  files: IconFileDigit, datastore: IconServer, address: IconCloud,
} as const;

/** Things as boxes that lead to their pages, and what came of what as lines between them. */
export default function LineageGraph({ workspace, graph }: { workspace: string; graph: Graph }) {
  const { t } = useTranslation();
  const layout = useMemo(() => layOut(graph), [graph]);
  const [marked, setMarked] = useState<string | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const root = layout.nodes.find((node) => node.id === graph.of);
    const box = scroller.current;
    if (root && box) box.scrollTo(root.x + nodeWidth / 2 - box.clientWidth / 2, root.y + nodeHeight / 2 - box.clientHeight / 2);
  }, [layout, graph.of]);
  const byID = new Map(graph.nodes.map((node) => [node.id, node]));
  return (
    <div ref={scroller} className={classes.scroll} tabIndex={0} role="group" aria-label={t('lineage.title')}>
      <div className={classes.plane} style={{ width: layout.width, height: layout.height }}>
        <Lines layout={layout} marked={marked} />
        {layout.nodes.map(({ id, x, y }) => {
          const node = byID.get(id);
          return node && (
            <div
              key={id} className={classes.place} style={{ left: x, top: y, width: nodeWidth, height: nodeHeight }}
              onMouseEnter={() => setMarked(id)} onMouseLeave={() => setMarked(null)} onFocus={() => setMarked(id)} onBlur={() => setMarked(null)}
            >
              <Box workspace={workspace} node={node} root={id === graph.of} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Lines({ layout, marked }: { layout: Layout; marked: string | null }) {
  return (
    <svg className={classes.lines} width={layout.width} height={layout.height} aria-hidden="true">
      <defs>
        <marker id="lineage-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
          <path d="M0,0.5 L7,4 L0,7.5" className={classes.arrow} />
        </marker>
      </defs>
      {layout.edges.map((edge) => (
        <path key={edge.key} d={edge.path} className={classes.line} markerEnd="url(#lineage-arrow)" data-marked={edge.from === marked || edge.to === marked || undefined} />
      ))}
    </svg>
  );
}

function Box({ workspace, node, root }: { workspace: string; node: LineageNode; root: boolean }) {
  const { t } = useTranslation();
  const Icon = icons[node.kind];
  return (
    <NodeLink workspace={workspace} node={node} className={`${classes.node} ${root ? classes.root : ''} ${node.missing ? classes.missing : ''}`}>
      <Icon size={18} stroke={1.5} className={classes.icon} data-kind={node.kind} aria-hidden="true" />
      <span className={classes.words}>
        <span className={classes.kind}>{t(`lineage.kind.${node.kind}`)}</span>
        <bdi className={`${classes.name} ellipsis`} title={nameOf(node)}>{nameOf(node)}</bdi>
        <Detail node={node} />
      </span>
      {node.more_sources && <span className={classes.moreBefore} title={t('lineage.moreSources')}>…</span>}
      {node.more_uses && <span className={classes.moreAfter} title={t('lineage.moreUses')}>…</span>}
    </NodeLink>
  );
}

/** The one thing more that is worth knowing of a node. */
function Detail({ node }: { node: LineageNode }) {
  const { t, i18n } = useTranslation();
  if (node.missing) return <span className={classes.detail}>{t('lineage.missing')}</span>;
  if (node.status) {
    const status = toStatus(node.status);
    return <span className={classes.detail} data-tone={toneOf(status)}><span className={classes.dot} aria-hidden="true" />{t(`status.${status}`)}</span>;
  }
  if (node.tree) return <span className={`${classes.detail} mono`} title={node.tree}>{shortID(node.tree)}{node.size ? ` · ${formatBytes(node.size, i18n.language)}` : ''}</span>;
  return node.type ? <span className={classes.detail}>{node.type}</span> : null;
}
