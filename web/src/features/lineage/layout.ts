import { Graph, layout as arrange } from '@dagrejs/dagre';
import type { LineageGraph } from '@/api/nouns';

export const nodeWidth = 208;
export const nodeHeight = 60;

export interface Placed {
  id: string;
  x: number;
  y: number;
}

export interface Drawn {
  key: string;
  from: string;
  to: string;
  name: string;
  /** The curve, as SVG writes it. */
  path: string;
}

export interface Layout {
  width: number;
  height: number;
  nodes: Placed[];
  edges: Drawn[];
}

const margin = 16;

/** Places what was there before at the left and what came of it at the right. */
export function layOut({ nodes, edges }: Pick<LineageGraph, 'nodes' | 'edges'>): Layout {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: 'LR', ranksep: 76, nodesep: 18, marginx: margin, marginy: margin });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.id, { width: nodeWidth, height: nodeHeight });
  edges.forEach((edge, i) => graph.setEdge(edge.from, edge.to, {}, String(i)));
  arrange(graph);
  const at = (id: string) => graph.node(id) as { x: number; y: number };
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    width, height,
    nodes: nodes.map(({ id }) => ({ id, x: at(id).x - nodeWidth / 2, y: at(id).y - nodeHeight / 2 })),
    edges: edges.map((edge, i) => {
      const { points } = graph.edge(edge.from, edge.to, String(i)) as { points: { x: number; y: number }[] };
      const start = { x: at(edge.from).x + nodeWidth / 2, y: at(edge.from).y };
      const end = { x: at(edge.to).x - nodeWidth / 2, y: at(edge.to).y };
      return { key: String(i), from: edge.from, to: edge.to, name: edge.name ?? '', path: curve([start, ...points.slice(1, -1), end]) };
    }),
  };
}

/** A line through the points that leaves and arrives level. */
function curve(points: readonly { x: number; y: number }[]): string {
  const [first, ...rest] = points;
  if (!first) return '';
  let path = `M${round(first.x)},${round(first.y)}`;
  let last = first;
  for (const point of rest) {
    const middle = round((last.x + point.x) / 2);
    path += `C${middle},${round(last.y)} ${middle},${round(point.y)} ${round(point.x)},${round(point.y)}`;
    last = point;
  }
  return path;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
