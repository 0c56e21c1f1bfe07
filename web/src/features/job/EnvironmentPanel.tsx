import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Job } from '@/api/nouns';
import { Copyable } from '@/components/CommandLine';
import { Columns, Facts, Section } from '@/components/Page';
import { EmptyState } from '@/components/States';
import { Table } from '@/components/Table';
import { shortID } from '@/lib/format';
import { JobLog } from './LogsPanel';

/** What the job really ran in, and how that was built. */
export function EnvironmentPanel({ workspace, job, live }: { workspace: string; job: Job; live: boolean }) {
  const { t } = useTranslation();
  const info = job.environment_info;
  return (
    <>
      <Columns
        main={<Packages packages={info?.packages ?? []} />}
        side={(
          <Section title={t('environment.title')}>
            <Facts rows={[
              [t('common.name'), nameOf(job) ?? t('environment.inline')],
              [t('common.version'), info?.version === info?.hash ? undefined : info?.version],
              ['Python', info?.python],
              [t('environment.hash'), info?.hash ? <Copyable text={info.hash} label={shortID(info.hash)} /> : undefined],
            ]} />
          </Section>
        )}
      />
      <Section title={t('log.name.environment')} flush><JobLog workspace={workspace} job={job.name} log="environment" live={live} /></Section>
    </>
  );
}

/** What an environment that a job defines itself is called in Azure ML's files. */
const anonymous = 'CliV2AnonymousEnvironment';

function nameOf(job: Job): string | undefined {
  const name = job.environment_info?.name ?? (typeof job.environment === 'string' ? job.environment : undefined);
  return name === anonymous ? undefined : name;
}

function Packages({ packages }: { packages: readonly { name: string; version: string }[] }) {
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
