import { NumberInput, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Compute, JobLimits } from '@/api/nouns';
import { FormDialog } from '@/components/FormDialog';

interface FormProps {
  workspace: string;
  onClose: () => void;
}

/** Sends, reads the workspace's computes and queue anew, and closes. */
function useChange(workspace: string, send: () => Promise<unknown>, onClose: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: send,
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: [workspace] });
      onClose();
    },
  });
}

function Slots({ value, onChange }: { value: number; onChange: (value: number) => void }) {
  const { t } = useTranslation();
  return <NumberInput required min={1} max={10_000} allowDecimal={false} label={t('compute.slots')} description={t('compute.slotsHint')} value={value} onChange={(next) => onChange(Number(next) || 1)} />;
}

export function CreateCompute({ workspace, onClose }: FormProps) {
  const { t } = useTranslation();
  const [name, setName] = useState('');
  const [slots, setSlots] = useState(1);
  const [description, setDescription] = useState('');
  const create = useChange(workspace, () => ask(api.POST('/api/v1/workspaces/{workspace}/computes', {
    params: { path: { workspace } }, body: { name, type: 'local', slots, ...(description ? { description } : {}) },
  })), onClose);
  return (
    <FormDialog title={t('compute.create')} submit={t('compute.create')} sending={create} onClose={onClose}>
      <TextInput data-autofocus required label={t('common.name')} description={t('data.nameRule')} value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <Slots value={slots} onChange={setSlots} />
      <TextInput label={t('common.description')} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
    </FormDialog>
  );
}

export function EditCompute({ workspace, compute, onClose }: FormProps & { compute: Compute }) {
  const { t } = useTranslation();
  const [slots, setSlots] = useState(compute.slots);
  const [description, setDescription] = useState(compute.description ?? '');
  const update = useChange(workspace, () => ask(api.PATCH('/api/v1/workspaces/{workspace}/computes/{compute}', {
    params: { path: { workspace, compute: compute.name } }, body: { slots, description },
  })), onClose);
  return (
    <FormDialog title={t('compute.editTitle', { name: compute.name })} submit={t('common.save')} sending={update} onClose={onClose}>
      <Slots value={slots} onChange={setSlots} />
      <TextInput label={t('common.description')} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
    </FormDialog>
  );
}

/** What the jobs of the workspace may have at a time; 0 is no limit. */
export function EditLimits({ workspace, limits, fields, onClose }: FormProps & { limits: JobLimits; fields: readonly (keyof JobLimits)[] }) {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState(limits);
  const set = useChange(workspace, () => ask(api.PUT('/api/v1/workspaces/{workspace}/job-limits', { params: { path: { workspace } }, body: wanted })), onClose);
  return (
    <FormDialog title={t('compute.limits')} submit={t('common.save')} sending={set} onClose={onClose}>
      {fields.map((field) => (
        <NumberInput
          key={field} min={0} allowDecimal={false} allowNegative={false} label={t(`compute.limit.${field}`)} placeholder={t('compute.noLimit')}
          value={wanted[field] || ''} onChange={(next) => setWanted({ ...wanted, [field]: Number(next) || 0 })}
        />
      ))}
    </FormDialog>
  );
}
