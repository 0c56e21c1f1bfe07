import { Button, SegmentedControl, Select, Textarea } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { fetchAny, fetchRaw, workspacePath } from '@/api/client';
import type { Deployment, Endpoint } from '@/api/nouns';
import { CommandLine } from '@/components/CommandLine';
import { Section } from '@/components/Page';
import { ErrorNote } from '@/components/States';
import { modelTreeQuery, versionQuery } from '@/features/model/queries';
import { formatDuration } from '@/lib/format';
import { exampleRequest, signatureInputs } from './example';
import { absoluteURI, curlSnippet, pythonSnippet } from './snippets';
import classes from './EndpointPage.module.css';

interface TryItProps {
  workspace: string;
  endpoint: Endpoint;
  deployments: readonly Deployment[];
}

const plainExample = '{\n  "input_data": [[1, 2, 3]]\n}';

/** A form that sends a request and shows the answer, and the same request for elsewhere. */
export function TryIt({ workspace, endpoint, deployments }: TryItProps) {
  const { t } = useTranslation();
  const example = useExample(workspace, deployments);
  const [typed, setBody] = useState<string | undefined>(() => sessionStorage.getItem(storageKey(workspace, endpoint.name)) ?? undefined);
  const body = typed ?? example ?? plainExample;
  const [deployment, setDeployment] = useState('');
  const [snippet, setSnippet] = useState('curl');
  const send = useMutation({
    mutationFn: () => {
      sessionStorage.setItem(storageKey(workspace, endpoint.name), body);
      return invoke(workspace, endpoint.name, deployment, body);
    },
  });
  const uri = absoluteURI(endpoint.scoring_uri, location.origin);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send.mutate();
  };
  return (
    <>
      <Section title={t('try.title')}>
        <form onSubmit={submit} className={classes.try}>
          <Textarea
            label={t('try.body')} description={t('try.bodyHint')} autosize minRows={3} maxRows={16} value={body} className={classes.body} spellCheck={false}
            onChange={(event) => setBody(event.currentTarget.value)}
            onKeyDown={(event) => event.key === 'Enter' && (event.ctrlKey || event.metaKey) && send.mutate()}
          />
          <div className={classes.row}>
            <Select
              label={t('try.deployment')} value={deployment} onChange={(value) => setDeployment(value ?? '')} w={220}
              data={[{ value: '', label: t('try.byTraffic') }, ...deployments.map((one) => ({ value: one.name, label: one.name }))]}
            />
            <Button type="submit" loading={send.isPending}>{t('try.send')}</Button>
          </div>
          <ErrorNote error={send.error} />
          {send.data && <Answer answer={send.data} />}
        </form>
      </Section>
      <Section
        title={t('try.elsewhere')}
        aside={<SegmentedControl size="xs" aria-label={t('try.elsewhere')} value={snippet} onChange={setSnippet} data={[{ value: 'curl', label: 'curl' }, { value: 'python', label: 'Python' }]} />}
      >
        <CommandLine prompt={false} command={snippet === 'curl' ? curlSnippet(uri, body) : pythonSnippet(uri, body)} />
      </Section>
    </>
  );
}

function storageKey(workspace: string, endpoint: string): string {
  return `atelier-request:${workspace}/${endpoint}`;
}

/** The example that MLflow keeps beside a model, as a request; else one row after its signature. */
function useExample(workspace: string, deployments: readonly Deployment[]): string | undefined {
  const named = deployments.map((one) => /^azureml:(.+):(\w+)$/.exec(typeof one.model === 'string' ? one.model : '')).find((match) => match !== null);
  const [, model = '', number = ''] = named ?? [];
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
  return kept ? text.data : exampleRequest(signatureInputs(text.data));
}

interface Answered {
  status: number;
  milliseconds: number;
  text: string;
}

async function invoke(workspace: string, endpoint: string, deployment: string, body: string): Promise<Answered> {
  const query = deployment ? `?deployment=${encodeURIComponent(deployment)}` : '';
  const started = performance.now();
  const response = await fetchAny(workspacePath(workspace, 'online-endpoints', endpoint, 'invoke') + query, {
    method: 'POST', body, headers: { 'Content-Type': 'application/json' },
  });
  const text = await response.text();
  return { status: response.status, milliseconds: performance.now() - started, text };
}

function Answer({ answer }: { answer: Answered }) {
  const { t, i18n } = useTranslation();
  return (
    <div className={classes.answer} role="status" aria-label={t('try.answer')}>
      <div className={classes.answerHead}>
        <strong>{t('try.answer')}</strong>
        <span className={answer.status < 400 ? classes.fine : classes.refused}>{t('try.status', { status: answer.status })}</span>
        <span className="muted number">{formatDuration(answer.milliseconds, i18n.language)}</span>
      </div>
      <pre className={classes.answerBody} tabIndex={0}>{pretty(answer.text)}</pre>
    </div>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // a script may answer with anything
  }
}
