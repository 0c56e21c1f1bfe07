import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { DataAsset, DataVersion } from '@/api/nouns';
import { ConfirmButton } from '@/components/Confirm';

/** Takes an asset out of the lists, or puts it back. */
export function ArchiveAsset({ workspace, asset }: { workspace: string; asset: DataAsset }) {
  const { t } = useTranslation();
  const archived = !asset.archived;
  return (
    <ConfirmButton
      harmless label={archived ? t('data.archive') : t('data.restore')} stale={[workspace]}
      question={archived ? t('data.archiveTitle', { name: asset.name }) : t('data.restoreTitle', { name: asset.name })} hint={archived ? t('data.archiveHint') : t('data.restoreHint')}
      act={() => ask(api.PATCH('/api/v1/workspaces/{workspace}/data/{asset}', { params: { path: { workspace, asset: asset.name } }, body: { archived } }))}
    />
  );
}

/** The same with one version. */
export function ArchiveVersion({ workspace, version }: { workspace: string; version: DataVersion }) {
  const { t } = useTranslation();
  const archived = !version.archived;
  const name = `${version.name}:${version.version}`;
  return (
    <ConfirmButton
      harmless label={archived ? t('data.archiveVersion') : t('data.restoreVersion')} stale={[workspace]}
      question={archived ? t('data.archiveTitle', { name }) : t('data.restoreTitle', { name })} hint={archived ? t('data.archiveHint') : t('data.restoreHint')}
      act={() => ask(api.PATCH('/api/v1/workspaces/{workspace}/data/{asset}/versions/{version}', {
        params: { path: { workspace, asset: version.name, version: version.version } }, body: { archived },
      }))}
    />
  );
}
