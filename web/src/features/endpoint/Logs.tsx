import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Deployment } from '@/api/nouns';
import { LogView } from '@/components/LogView';
import { Section } from '@/components/Page';
import { Await, EmptyState } from '@/components/States';
import { splitLines } from '@/lib/log';
import { deploymentLogsQuery } from './queries';

interface LogsProps {
  workspace: string;
  endpoint: string;
  deployments: readonly Deployment[];
}

/** What a deployment prints, as it prints it. */
export function DeploymentLogs({ workspace, endpoint, deployments }: LogsProps) {
  const { t } = useTranslation();
  const { deployment } = useSearch({ from: '/app/w/$workspace/endpoints/$endpoint' });
  const navigate = useNavigate({ from: '/w/$workspace/endpoints/$endpoint' });
  const names = deployments.map((one) => one.name);
  const chosen = deployment && names.includes(deployment) ? deployment : (deployments.find((one) => one.error)?.name ?? names[0]);
  if (chosen === undefined) return <Section title={t('endpoint.logs')}><EmptyState title={t('endpoint.noDeployments')} /></Section>;
  const choice = names.length > 1
    ? <SegmentedControl size="xs" aria-label={t('endpoint.deployments')} value={chosen} data={names} onChange={(next) => void navigate({ search: (old) => ({ ...old, deployment: next }), replace: true, resetScroll: false })} />
    : <bdi>{chosen}</bdi>;
  return (
    <Section title={t('endpoint.logs')} aside={choice} flush>
      <Lines key={chosen} workspace={workspace} endpoint={endpoint} deployment={chosen} />
    </Section>
  );
}

function Lines({ workspace, endpoint, deployment }: { workspace: string; endpoint: string; deployment: string }) {
  const { t } = useTranslation();
  const logs = useQuery(deploymentLogsQuery(workspace, endpoint, deployment));
  return (
    <Await query={logs}>
      {({ content }) => <LogView label={t('endpoint.logs')} lines={splitLines(content)} live empty={<EmptyState title={t('log.waiting')}>{t('log.waitingHint')}</EmptyState>} />}
    </Await>
  );
}
