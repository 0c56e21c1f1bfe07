import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Job } from '@/api/nouns';
import { Copyable } from '@/components/CommandLine';
import { Columns, Facts, Section } from '@/components/Page';
import { Packages } from '@/features/environment/Packages';
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
              [t('common.name'), <EnvironmentName key="n" workspace={workspace} job={job} />],
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

/** Leads to the environment, where it has a name and a version. */
function EnvironmentName({ workspace, job }: { workspace: string; job: Job }) {
  const { t } = useTranslation();
  const name = nameOf(job);
  const info = job.environment_info;
  if (name === undefined) return <>{t('environment.inline')}</>;
  if (info?.name !== name || !info.version) return <>{name}</>;
  return <Link to="/w/$workspace/environments/$environment" params={{ workspace, environment: name }} search={{ version: info.version }}>{name}</Link>;
}

/** What an environment that a job defines itself is called in Azure ML's files. */
const anonymous = 'CliV2AnonymousEnvironment';

function nameOf(job: Job): string | undefined {
  const name = job.environment_info?.name ?? (typeof job.environment === 'string' ? job.environment : undefined);
  return name === anonymous ? undefined : name;
}
