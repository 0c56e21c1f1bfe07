import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Job } from '@/api/nouns';
import { CommandLine } from '@/components/CommandLine';
import { Section } from '@/components/Page';
import { ErrorNote } from '@/components/States';
import { StatusBadge } from '@/components/StatusBadge';
import { servicesQuery } from './queries';
import classes from './RunPage.module.css';

/**
 * The programs beside a running job. What they answer is made by the job's code,
 * so no page of the server leads there: the command opens them at an address of their own.
 */
export function Services({ workspace, job }: { workspace: string; job: Job }) {
  const { t } = useTranslation();
  const running = job.status === 'Running';
  const declared = Object.entries(job.services ?? {});
  const services = useQuery({ ...servicesQuery(workspace, job.name), enabled: running && declared.length > 0 });
  if (declared.length === 0 || !running) return null;
  return (
    <Section title={t('services.title')}>
      <div className={classes.services}>
        {declared.map(([name, { type }]) => {
          const state = services.data?.find((one) => one.name === name);
          return (
            <div key={name}>
              <p className={classes.service}><strong><bdi>{name}</bdi></strong> <span className="muted">{type}</span> {state && <StatusBadge plain status={state.status === 'Running' ? 'Running' : 'Failed'} />}</p>
              {state?.error_message ? <p className="muted">{state.error_message}</p> : <CommandLine command={`atelier job open ${job.name} ${name}`} />}
            </div>
          );
        })}
        <p className="muted">{t('services.hint')}</p>
        <ErrorNote error={services.error} />
      </div>
    </Section>
  );
}
