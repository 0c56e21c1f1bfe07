import { Button, SegmentedControl, useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import { Facts, Page, Section } from '@/components/Page';
import { Await } from '@/components/States';
import { languages, setLanguage, type Language } from '@/lib/i18n';
import { meQuery } from './queries';
import { Tokens } from './Tokens';

export default function SettingsPage() {
  const { t } = useTranslation();
  return (
    <Page title={t('settings.title')}>
      <Account />
      <Appearance />
      <Tokens />
    </Page>
  );
}

function Account() {
  const { t } = useTranslation();
  const me = useQuery(meQuery);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const leave = useMutation({
    mutationFn: () => ask(api.POST('/api/v1/sign-out')),
    onSuccess: async () => {
      await navigate({ to: '/sign-in', search: {} });
      queries.clear();
    },
  });
  return (
    <Section title={t('settings.account')} aside={<Button variant="default" size="compact-sm" onClick={() => leave.mutate()}>{t('settings.signOut')}</Button>}>
      <Await query={me} rows={2}>
        {(data) => (
          <Facts rows={[
            [t('settings.user'), data.user.name],
            [t('settings.serverRole'), data.user.server_role],
            [t('settings.workspaces'), data.workspaces.map((one) => (one.role ? `${one.display_name || one.name} (${one.role})` : one.display_name || one.name)).join(', ')],
          ]} />
        )}
      </Await>
    </Section>
  );
}

function Appearance() {
  const { t, i18n } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Section title={t('settings.appearance')}>
      <Facts rows={[
        [t('settings.language'), (
          <SegmentedControl
            key="language" aria-label={t('settings.language')} value={i18n.language}
            data={Object.entries(languages).map(([value, label]) => ({ value, label }))}
            onChange={(value) => void setLanguage(value as Language)}
          />
        )],
        [t('settings.theme'), (
          <SegmentedControl
            key="theme" aria-label={t('settings.theme')} value={colorScheme}
            data={[
              { value: 'auto', label: t('settings.themeAuto') },
              { value: 'light', label: t('settings.themeLight') },
              { value: 'dark', label: t('settings.themeDark') },
            ]}
            onChange={(value) => setColorScheme(value as MantineColorScheme)}
          />
        )],
      ]} />
    </Section>
  );
}
