import { NumberInput, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Endpoint } from '@/api/nouns';
import { FormDialog } from '@/components/FormDialog';

interface StartRolloutProps {
  workspace: string;
  endpoint: Endpoint;
  deployment: string;
  onClose: () => void;
}

const usual = [10, 25, 50, 100];

/** Begins to move the traffic by steps; the server watches, and goes back by itself. */
export function StartRollout({ workspace, endpoint, deployment, onClose }: StartRolloutProps) {
  const { t } = useTranslation();
  const [steps, setSteps] = useState(usual.filter((step) => step > (endpoint.traffic[deployment] ?? 0)).join(', '));
  const [numbers, setNumbers] = useState({ step_seconds: 300, min_requests: 50, max_error_increase: 1, max_latency_increase: 25 });
  const queries = useQueryClient();
  const start = useMutation({
    mutationFn: () => ask(api.POST('/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}/rollout', {
      params: { path: { workspace, endpoint: endpoint.name } },
      body: { deployment, steps: steps.split(/[\s,]+/).filter((word) => word !== '').map(Number), ...numbers },
    })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: [workspace, 'endpoint', endpoint.name] });
      onClose();
    },
  });
  const field = (key: keyof typeof numbers, more: { min?: number; suffix?: string }) => (
    <NumberInput
      required label={t(`rollout.field.${key}`)} description={t(`rollout.hint.${key}`)} value={numbers[key]} min={0} {...more}
      onChange={(next) => setNumbers({ ...numbers, [key]: Number(next) || 0 })}
    />
  );
  return (
    <FormDialog title={t('rollout.startTitle', { name: deployment })} submit={t('rollout.start')} sending={start} onClose={onClose}>
      <p className="muted">{t('rollout.startHint')}</p>
      <TextInput data-autofocus required label={t('rollout.field.steps')} description={t('rollout.hint.steps')} value={steps} onChange={(event) => setSteps(event.currentTarget.value)} />
      {field('step_seconds', { min: 1 })}
      {field('min_requests', {})}
      {field('max_error_increase', {})}
      {field('max_latency_increase', { suffix: ' %' })}
    </FormDialog>
  );
}
