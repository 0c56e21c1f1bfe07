import { expect, it } from 'vitest';
import type { LineageEdge, LineageNode } from '@/api/nouns';
import { layOut, nodeHeight, nodeWidth } from './layout';

const node = (id: string): LineageNode => ({ id, kind: 'run', name: id, level: 0 });
const edge = (from: string, to: string, name?: string): LineageEdge => ({ from, to, relation: 'read by', ...(name ? { name } : {}) });

it('puts sources at the left of what came of them, and nothing on top of another', () => {
  const { nodes, edges, width, height } = layOut({
    nodes: ['raw', 'rules', 'clean', 'train'].map(node),
    edges: [edge('raw', 'clean', 'table'), edge('rules', 'clean'), edge('clean', 'train'), edge('raw', 'train')],
  });
  const x = Object.fromEntries(nodes.map((one) => [one.id, one.x]));
  expect(x.raw).toBeLessThan(x.clean ?? 0);
  expect(x.clean).toBeLessThan(x.train ?? 0);
  for (const a of nodes) {
    expect(a.x >= 0 && a.y >= 0 && a.x + nodeWidth <= width && a.y + nodeHeight <= height).toBe(true);
    for (const b of nodes) {
      if (a !== b) expect(Math.abs(a.x - b.x) >= nodeWidth || Math.abs(a.y - b.y) >= nodeHeight).toBe(true);
    }
  }
  expect(edges).toHaveLength(4);
  expect(edges[0]?.path).toMatch(/^M[\d.,]+C/);
});

it('lays out two ways between the same things, and a thing alone', () => {
  expect(layOut({ nodes: [node('a'), node('b')], edges: [edge('a', 'b', 'x'), edge('a', 'b', 'y')] }).edges.map((one) => one.name)).toEqual(['x', 'y']);
  expect(layOut({ nodes: [node('a')], edges: [] }).nodes).toHaveLength(1);
});
