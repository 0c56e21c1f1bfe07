import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { workspacePath } from '@/api/client';
import type { Artifact } from '@/api/nouns';
import { FileBrowser } from '@/components/FileBrowser';
import { FilePreview } from '@/components/FilePreview';
import { Section } from '@/components/Page';
import { Await, EmptyState } from '@/components/States';
import { kindOf, toTree } from '@/lib/files';
import { artifactsQuery } from './queries';

interface ArtifactsPanelProps {
  workspace: string;
  run: string;
  path: string | undefined;
  onPath: (path: string) => void;
}

/** The files of a run, with what is in them. */
export function ArtifactsPanel({ workspace, run, path, onPath }: ArtifactsPanelProps) {
  const { t } = useTranslation();
  const query = useQuery(artifactsQuery(workspace, run));
  return (
    <Section flush>
      <Await query={query}>
        {({ files, complete }) => files.length === 0
          ? <EmptyState title={t('outputs.none')} snippet={'mlflow.log_artifact("confusion.png")'}>{t('outputs.noneHint')}</EmptyState>
          : (
            <>
              {!complete && <p className="muted">{t('outputs.incomplete')}</p>}
              <Browser workspace={workspace} run={run} files={files} path={path} onPath={onPath} />
            </>
          )}
      </Await>
    </Section>
  );
}

function Browser({ workspace, run, files, path, onPath }: ArtifactsPanelProps & { files: readonly Artifact[] }) {
  const { t } = useTranslation();
  const tree = useMemo(() => toTree(files), [files]);
  const chosen = files.find((file) => file.path === path) ?? files.find((file) => kindOf(file.path) !== 'other') ?? files[0];
  const content = `${workspacePath(workspace, 'runs', run, 'artifacts', 'content')}?path=${encodeURIComponent(chosen?.path ?? '')}`;
  return (
    <FileBrowser label={t('outputs.title')} nodes={tree} selected={chosen?.path} onSelect={onPath}>
      {chosen && <FilePreview path={chosen.path} size={chosen.size} source={`${content}&preview=1`} download={content} />}
    </FileBrowser>
  );
}
