import { Autocomplete, Button, Modal, Select, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Run } from '@/api/nouns';
import dialog from '@/components/Dialog.module.css';
import { Await, EmptyState, ErrorNote } from '@/components/States';
import { artifactsQuery } from '@/features/tracking/queries';
import { modelsQuery } from './queries';
import { modelSources, type ModelSource } from './sources';

interface RegisterModelProps {
  workspace: string;
  run: Run;
  outputs: readonly string[];
  /** The usual next step, and not one of several. */
  primary: boolean;
}

/** Makes a version of a model from what a run has kept. */
export function RegisterModel(props: RegisterModelProps) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button variant={props.primary ? 'filled' : 'default'} onClick={() => setOpen(true)}>{t('model.register')}</Button>
      <Modal opened={open} onClose={() => setOpen(false)} title={t('model.register')} closeButtonProps={{ 'aria-label': t('common.close') }}>
        <Choice {...props} onClose={() => setOpen(false)} />
      </Modal>
    </>
  );
}

function Choice(props: RegisterModelProps & { onClose: () => void }) {
  const { t } = useTranslation();
  const files = useQuery(artifactsQuery(props.workspace, props.run.id));
  return (
    <Await query={files} rows={3}>
      {(found) => {
        const sources = modelSources(props.run, props.outputs, found.files);
        if (sources.length === 0) return <EmptyState title={t('model.nothing')} snippet={'mlflow.sklearn.log_model(model, name="model")'}>{t('model.nothingHint')}</EmptyState>;
        return <Form {...props} sources={sources} />;
      }}
    </Await>
  );
}

function Form({ workspace, run, sources, onClose }: Omit<RegisterModelProps, 'outputs' | 'primary'> & { onClose: () => void; sources: ModelSource[] }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const models = useQuery(modelsQuery(workspace));
  const [name, setName] = useState(run.experiment_name.replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, ''));
  const [path, setPath] = useState(sources[0]?.path ?? '');
  const [description, setDescription] = useState('');
  const source = sources.find((one) => one.path === path);
  const register = useMutation({
    mutationFn: () => ask(api.POST('/api/v1/workspaces/{workspace}/models', {
      params: { path: { workspace } },
      body: { name, path, type: source?.type ?? 'custom_model', ...(description ? { description } : {}) },
    })),
    onSuccess: async (version) => {
      await queries.invalidateQueries({ queryKey: [workspace, 'models'] });
      void navigate({ to: '/w/$workspace/models/$model', params: { workspace, model: version.name }, search: { version: version.version } });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    register.mutate();
  };
  return (
    <form onSubmit={submit} className={dialog.form}>
      <Autocomplete required data-autofocus label={t('common.name')} description={t('model.nameHint')} value={name} onChange={setName} data={models.data?.items.map((model) => model.name) ?? []} />
      <Select required label={t('model.source')} value={path} onChange={(value) => setPath(value ?? '')} data={sources.map((one) => ({ value: one.path, label: `${one.label} · ${t(`model.type.${one.type}`)}` }))} />
      <TextInput label={t('common.description')} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
      <ErrorNote error={register.error} />
      <div className={dialog.buttons}>
        <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
        <Button type="submit" loading={register.isPending}>{t('model.register')}</Button>
      </div>
    </form>
  );
}
