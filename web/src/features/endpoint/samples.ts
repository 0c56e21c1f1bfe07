import { useQuery } from '@tanstack/react-query';
import { fetchRaw, workspacePath } from '@/api/client';
import type { Deployment } from '@/api/nouns';
import { modelTreeQuery, versionQuery } from '@/features/model/queries';
import { exampleRequest, signatureInputs } from './example';
import type { RequestForm } from './schema';

export interface Sample {
  name: 'document' | 'model' | 'signature' | 'plain';
  body: string;
}

const plain = '{\n  "input_data": [[1, 2, 3]]\n}';

/** Requests to begin with: what the deployment describes, what is kept beside its model, what follows from the model's signature. */
export function useSamples(workspace: string, deployment: Deployment | undefined, form: RequestForm | null): Sample[] {
  const model = useModelSample(workspace, deployment);
  const samples: Sample[] = [];
  if (form) samples.push({ name: 'document', body: JSON.stringify(form.example, null, 2) });
  if (model) samples.push(model);
  if (samples.length === 0) samples.push({ name: 'plain', body: plain });
  return samples;
}

/** The example that MLflow keeps beside a model, as a request; else one row after its signature. */
function useModelSample(workspace: string, deployment: Deployment | undefined): Sample | undefined {
  const [, model = '', number = ''] = /^azureml:(.+):(\w+)$/.exec(typeof deployment?.model === 'string' ? deployment.model : '') ?? [];
  const version = useQuery({ ...versionQuery(workspace, model, number), enabled: model !== '' });
  const tree = useQuery({ ...modelTreeQuery(workspace, version.data?.tree ?? ''), enabled: Boolean(version.data?.tree) });
  const find = (name: string) => tree.data?.files.find((one) => one.path.split('/').at(-1) === name && one.size < 50_000);
  const kept = find('serving_input_example.json');
  const file = kept ?? find('MLmodel');
  const text = useQuery({
    queryKey: [workspace, 'blob', file?.sha256],
    queryFn: async () => (await fetchRaw(workspacePath(workspace, 'blobs', file?.sha256 ?? ''))).text(),
    enabled: file !== undefined,
    staleTime: Infinity,
  });
  if (text.data === undefined) return undefined;
  if (kept) return { name: 'model', body: text.data };
  const body = exampleRequest(signatureInputs(text.data));
  return body === undefined ? undefined : { name: 'signature', body };
}
