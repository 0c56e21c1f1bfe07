import { Link, type LinkProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { LineageNode } from '@/api/nouns';

/** Where a thing has its page; none for bytes, for addresses, and for what is gone. */
function pageOf(workspace: string, node: LineageNode): LinkProps | undefined {
  if (node.missing) return undefined;
  switch (node.kind) {
    case 'data': return { to: '/w/$workspace/data/$asset', params: { workspace, asset: node.name }, search: { version: node.version } };
    case 'run': return { to: '/w/$workspace/runs/$run', params: { workspace, run: node.name }, search: {} };
    case 'model': return { to: '/w/$workspace/models/$model', params: { workspace, model: node.name }, search: { version: node.version } };
    case 'environment': return { to: '/w/$workspace/environments/$environment', params: { workspace, environment: node.name }, search: { version: node.version } };
    case 'deployment': return { to: '/w/$workspace/endpoints/$endpoint', params: { workspace, endpoint: node.name } };
    case 'datastore': return { to: '/w/$workspace/datastores/$datastore', params: { workspace, datastore: node.name }, search: {} };
    default: return undefined;
  }
}

interface NodeLinkProps {
  workspace: string;
  node: LineageNode;
  className?: string | undefined;
  children: ReactNode;
}

/** Leads to the page of a thing, where it has one. */
export function NodeLink({ workspace, node, className, children }: NodeLinkProps) {
  const page = pageOf(workspace, node);
  return page ? <Link {...page} className={className}>{children}</Link> : <span className={className}>{children}</span>;
}
