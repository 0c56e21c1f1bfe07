import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import { Copyable } from '@/components/CommandLine';
import { Facts, Section } from '@/components/Page';
import { ErrorNote } from '@/components/States';
import { useMay } from '@/features/access/queries';
import classes from './EndpointPage.module.css';

/** An endpoint's keys: fetched when asked for, and forgotten with the page. */
export function Keys({ workspace, endpoint }: { workspace: string; endpoint: string }) {
  const { t } = useTranslation();
  const may = useMay('endpoints/online/listKeys/action');
  const show = useMutation({
    mutationFn: () => ask(api.GET('/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}/credentials', { params: { path: { workspace, endpoint } } })),
    gcTime: 0,
  });
  if (!may) return null;
  return (
    <Section title={t('keys.title')} aside={show.data ? <Button size="compact-sm" variant="subtle" onClick={() => show.reset()}>{t('keys.hide')}</Button> : undefined}>
      <div className={classes.keys}>
        {show.data ? (
          <Facts rows={[
            [t('keys.primary'), <Copyable key="1" text={show.data.primary_key} />],
            [t('keys.secondary'), <Copyable key="2" text={show.data.secondary_key} />],
          ]} />
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
