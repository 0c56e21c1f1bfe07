import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { workspacePath } from '@/api/client';
import type { Job, Tree } from '@/api/nouns';
import { FileBrowser } from '@/components/FileBrowser';
import { FilePreview } from '@/components/FilePreview';
import { Section } from '@/components/Page';
import { Await, EmptyState } from '@/components/States';
import { toTree } from '@/lib/files';
import { snapshotQuery, treeOf } from './queries';

interface SnapshotPanelProps {
  workspace: string;
  job: Job;
  path: string | undefined;
  onPath: (path: string) => void;
}

/** The code folder as it was when the job was submitted. */
export function SnapshotPanel({ workspace, job, path, onPath }: SnapshotPanelProps) {
  const { t } = useTranslation();
  const tree = treeOf(job);
  const query = useQuery({ ...snapshotQuery(workspace, tree ?? ''), enabled: tree !== undefined });
  if (!tree) return <Section><EmptyState title={t('code.none')}>{t('code.noneHint')}</EmptyState></Section>;
  return (
    <Section flush>
      <Await query={query}>{(found) => <Files workspace={workspace} tree={found} job={job} path={path} onPath={onPath} />}</Await>
    </Section>
  );
}

function Files({ workspace, tree, job, path, onPath }: SnapshotPanelProps & { tree: Tree }) {
  const { t } = useTranslation();
  const nodes = useMemo(() => toTree(tree.files), [tree]);
  const started = tree.files.find((file) => job.command?.includes(file.path));
  const chosen = tree.files.find((file) => file.path === path) ?? started ?? tree.files[0];
  if (!chosen) return <EmptyState title={t('code.empty')} />;
  const source = workspacePath(workspace, 'blobs', chosen.sha256);
  return (
    <FileBrowser label={t('code.title')} nodes={nodes} selected={chosen.path} onSelect={onPath}>
      <FilePreview path={chosen.path} size={chosen.size} source={source} download={source} />
    </FileBrowser>
  );
}
