import type { Artifact, Run } from '@/api/nouns';

export interface ModelSource {
  path: string;
  label: string;
  type: 'mlflow_model' | 'custom_model';
}

/** What of a run can be registered: MLflow models first, then named outputs, then folders and files. */
export function modelSources(run: Pick<Run, 'id' | 'outputs'>, outputs: readonly string[], files: readonly Artifact[]): ModelSource[] {
  const sources: ModelSource[] = (run.outputs ?? []).map(({ model_id }) => ({ path: `models:/${model_id}`, label: model_id, type: 'mlflow_model' }));
  const folders = files.filter((file) => file.path.endsWith('/MLmodel')).map((file) => file.path.slice(0, -'/MLmodel'.length));
  for (const folder of folders) sources.push({ path: `runs:/${run.id}/${folder}`, label: folder, type: 'mlflow_model' });
  for (const output of outputs) sources.push({ path: `azureml://jobs/${run.id}/outputs/${output}`, label: output, type: 'custom_model' });
  const inFolder = (path: string) => folders.some((folder) => path.startsWith(`${folder}/`));
  const hidden = /^(logs|user_logs|system_logs|named-outputs)\//;
  for (const file of files) {
    if (!inFolder(file.path) && !hidden.test(file.path)) sources.push({ path: `runs:/${run.id}/${file.path}`, label: file.path, type: 'custom_model' });
  }
  return sources;
}
