import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Endpoint } from '@/api/nouns';
import { Copyable } from '@/components/CommandLine';
import { ConfirmButton } from '@/components/Confirm';
import { Facts, Section } from '@/components/Page';
import { ErrorNote } from '@/components/States';
import { useMay } from '@/features/access/queries';
import classes from './EndpointPage.module.css';

/** An endpoint's keys, as an action: they are fetched when asked for, and forgotten with the page. */
export function useKeys(workspace: string, endpoint: string) {
  return useMutation({
    mutationFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}/credentials', { params: { path: { workspace, endpoint } } })),
    gcTime: 0,
  });
}

/** The keys, hidden until they are asked for, and each replaced without touching the other. */
export function Keys({ workspace, endpoint }: { workspace: string; endpoint: Endpoint }) {
  const { t } = useTranslation();
  const [may, mayReplace] = [useMay('endpoints/online/listKeys/action'), useMay('endpoints/online/regenerateKeys/action')];
  const show = useKeys(workspace, endpoint.name);
  if (!may || endpoint.auth_mode !== 'key') return null;
  const replace = (which: 'primary' | 'secondary') => (
    <ConfirmButton
      key={which} button={{ size: 'compact-xs', variant: 'subtle' }} label={t(`keys.replace.${which}`)} question={t('keys.replaceTitle')} hint={t('keys.replaceHint')} stale={[workspace, 'endpoint', endpoint.name]}
      act={() => ask(api.POST('/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}/regenerate-keys', { params: { path: { workspace, endpoint: endpoint.name } }, body: { key_type: which } }))}
      onDone={() => show.mutate()}
    />
  );
  return (
    <Section title={t('keys.title')} aside={show.data ? <Button size="compact-sm" variant="subtle" onClick={() => show.reset()}>{t('keys.hide')}</Button> : undefined}>
      <div className={classes.keys}>
        {show.data ? (
          <>
            <Facts rows={[
              [t('keys.primary'), <Copyable key="1" text={show.data.primary_key} />],
              [t('keys.secondary'), <Copyable key="2" text={show.data.secondary_key} />],
            ]} />
            {mayReplace && <span>{replace('primary')}{replace('secondary')}</span>}
          </>
        ) : (
          <>
            <span className="muted">{t('keys.hint')}</span>
            <Button variant="default" size="compact-md" loading={show.isPending} onClick={() => show.mutate()}>{t('keys.show')}</Button>
          </>
        )}
        <ErrorNote error={show.error} />
      </div>
    </Section>
  );
}
