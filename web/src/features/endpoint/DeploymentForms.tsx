import { NumberInput, Select, Switch, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Deployment, Endpoint } from '@/api/nouns';
import { uploadedPath, uploadFolder, type Chosen } from '@/api/upload';
import { FileDrop } from '@/components/FileDrop';
import { FormDialog } from '@/components/FormDialog';
import { chooseFiles } from '@/features/data/choose';
import { environmentsQuery } from '@/features/environment/queries';
import { modelsQuery } from '@/features/model/queries';
import { formatBytes, formatCount } from '@/lib/format';
import { changesOfDeployment, scaleOf, type Scale } from './scale';

interface CreateProps {
  workspace: string;
  endpoint: Endpoint;
  onClose: () => void;
}

/** Puts a registered model behind the endpoint, with a scoring script where it needs one. */
export function CreateDeployment({ workspace, endpoint, onClose }: CreateProps) {
  const { t } = useTranslation();
  const [name, setName] = useState('');
  const [model, setModel] = useState<string | null>(null);
  const [files, setFiles] = useState<Chosen[]>([]);
  const [script, setScript] = useState<string | null>(null);
  const [environment, setEnvironment] = useState('');
  const [instances, setInstances] = useState(1);
  const [allTraffic, setAllTraffic] = useState(Object.values(endpoint.traffic).every((share) => share === 0));
  const queries = useQueryClient();
  const create = useMutation({
    mutationFn: async () => {
      const code = files.length > 0 ? uploadedPath(await uploadFolder(workspace, files, () => undefined, new AbortController().signal)) : undefined;
      return ask(api.POST('/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}/deployments', {
        params: { path: { workspace, endpoint: endpoint.name }, query: { all_traffic: allTraffic } },
        body: {
          name, instance_count: instances, ...(model ? { model: `azureml:${model}@latest` } : {}), ...(environment ? { environment: `azureml:${environment}@latest` } : {}),
          ...(code ? { code_configuration: { code, scoring_script: script ?? '' } } : {}),
        },
      }));
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: [workspace, 'endpoint', endpoint.name] });
      onClose();
    },
  });
  const choose = (chosen: File[]) => {
    const next = chooseFiles(chosen);
    setFiles(next);
    setScript(scriptsOf(next)[0] ?? null);
  };
  return (
    <FormDialog title={t('deploy.create')} submit={t('deploy.create')} sending={create} onClose={onClose}>
      <TextInput data-autofocus required label={t('common.name')} description={t('deploy.nameRule')} value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <ModelSelect workspace={workspace} value={model} onChange={setModel} />
      <Code files={files} script={script} onFiles={choose} onScript={setScript} />
      <EnvironmentSelect workspace={workspace} value={environment} onChange={setEnvironment} />
      <NumberInput required min={1} max={50} allowDecimal={false} label={t('deploy.instances')} value={instances} onChange={(next) => setInstances(Number(next) || 1)} />
      <Switch label={t('deploy.allTraffic')} checked={allTraffic} onChange={(event) => setAllTraffic(event.currentTarget.checked)} />
    </FormDialog>
  );
}

function ModelSelect({ workspace, value, onChange }: { workspace: string; value: string | null; onChange: (model: string | null) => void }) {
  const { t } = useTranslation();
  const models = useQuery(modelsQuery(workspace));
  return (
    <Select
      searchable clearable label={t('endpoint.model')} description={t('deploy.modelHint')} value={value} onChange={onChange} nothingFoundMessage={t('models.none')}
      data={(models.data?.items ?? []).map((one) => ({ value: one.name, label: `${one.name}:${one.latest_version}` }))}
    />
  );
}

function EnvironmentSelect({ workspace, value, onChange }: { workspace: string; value: string; onChange: (environment: string) => void }) {
  const { t } = useTranslation();
  const environments = useQuery(environmentsQuery(workspace));
  const names = [...new Set((environments.data?.items ?? []).map((one) => one.name).filter((one) => one !== ''))];
  return (
    <Select
      searchable label={t('environment.title')} description={t('deploy.environmentHint')} value={value} onChange={(next) => onChange(next ?? '')}
      data={[{ value: '', label: t('deploy.ofModel') }, ...names.map((one) => ({ value: one, label: one }))]}
    />
  );
}

function scriptsOf(files: readonly Chosen[]): string[] {
  const scripts = files.map((one) => one.path).filter((path) => path.endsWith('.py'));
  return scripts.toSorted((a, b) => Number(b.includes('score')) - Number(a.includes('score')) || a.localeCompare(b));
}

interface CodeProps {
  files: readonly Chosen[];
  script: string | null;
  onFiles: (files: File[]) => void;
  onScript: (script: string | null) => void;
}

/** The folder with the scoring script; a model of MLflow's needs none. */
function Code({ files, script, onFiles, onScript }: CodeProps) {
  const { t, i18n } = useTranslation();
  const whole = files.reduce((sum, one) => sum + one.file.size, 0);
  return (
    <>
      <FileDrop onFiles={onFiles}>
        {files.length > 0 ? t('upload.chosen', { count: files.length, shown: formatCount(files.length, i18n.language), size: formatBytes(whole, i18n.language) }) : t('deploy.codeHint')}
      </FileDrop>
      {files.length > 0 && <Select required label={t('deploy.script')} value={script} data={scriptsOf(files)} onChange={onScript} />}
    </>
  );
}

interface EditProps {
  workspace: string;
  deployment: Deployment;
  onClose: () => void;
}

/** Changes how many replicas a deployment has and how its requests are bound. No request is dropped. */
export function EditDeployment({ workspace, deployment, onClose }: EditProps) {
  const { t } = useTranslation();
  const before = scaleOf(deployment);
  const [wanted, setWanted] = useState(before);
  const queries = useQueryClient();
  const update = useMutation({
    mutationFn: () => ask(api.PATCH('/api/v1/workspaces/{workspace}/online-endpoints/{endpoint}/deployments/{deployment}', {
      params: { path: { workspace, endpoint: deployment.endpoint_name, deployment: deployment.name } }, body: changesOfDeployment(before, wanted),
    })),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: [workspace, 'endpoint', deployment.endpoint_name] });
      onClose();
    },
  });
  const field = (key: Exclude<keyof Scale, 'automatic'>, min: number, more: { suffix?: string } = {}) => (
    <NumberInput required min={min} allowDecimal={false} label={t(`deploy.field.${key}`)} {...more} value={wanted[key]} onChange={(next) => setWanted({ ...wanted, [key]: Number(next) || 0 })} />
  );
  return (
    <FormDialog title={t('deploy.editTitle', { name: deployment.name })} submit={t('common.save')} sending={update} onClose={onClose}>
      <Switch label={t('deploy.automatic')} description={t('deploy.automaticHint')} checked={wanted.automatic} onChange={(event) => setWanted({ ...wanted, automatic: event.currentTarget.checked })} />
      {wanted.automatic ? (
        <>
          {field('fewest', 0)}
          {field('most', 1)}
          {field('utilization', 1, { suffix: ' %' })}
        </>
      ) : field('instances', 1)}
      {field('concurrency', 1)}
      {field('timeout', 1, { suffix: ' ms' })}
      {field('wait', 0, { suffix: ' ms' })}
    </FormDialog>
  );
}
