import type { LineageNode } from '@/api/nouns';
import { shortID } from '@/lib/format';

/** What people call a thing. */
export function nameOf(node: LineageNode): string {
  switch (node.kind) {
    case 'run': return node.title || node.name;
    case 'deployment': return `${node.name} / ${node.version}`;
    case 'files': return shortID(node.name);
    default: return node.version ? `${node.name}:${node.version}` : node.name;
  }
}
