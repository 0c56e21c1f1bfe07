import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { EnvironmentPackage } from '@/api/nouns';
import { Section } from '@/components/Page';
import { EmptyState } from '@/components/States';
import { Table } from '@/components/Table';

/** What is installed, exactly. */
export function Packages({ packages }: { packages: readonly EnvironmentPackage[] }) {
  const { t } = useTranslation();
  const [words, setWords] = useState('');
  const shown = packages.filter((one) => one.name.toLowerCase().includes(words.toLowerCase()));
  const find = <TextInput size="xs" w={180} aria-label={t('environment.find')} placeholder={t('environment.find')} value={words} onChange={(event) => setWords(event.currentTarget.value)} />;
  return (
    <Section title={t('environment.packages', { count: packages.length })} aside={packages.length > 0 ? find : undefined} flush>
      {packages.length === 0 ? <EmptyState title={t('environment.noPackages')}>{t('environment.noPackagesHint')}</EmptyState> : (
        <Table
          dense label={t('environment.packagesLabel')} rows={shown} rowKey={(one) => one.name}
          columns={[
            { key: 'name', head: t('common.name'), grow: true, cell: (one) => <span className="mono">{one.name}</span> },
            { key: 'version', head: t('common.version'), cell: (one) => <span className="mono">{one.version}</span> },
          ]}
        />
      )}
    </Section>
  );
}
