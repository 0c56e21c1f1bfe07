import { Button, SegmentedControl, Select, Switch, Textarea } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { Deployment, Endpoint } from '@/api/nouns';
import { CommandLine } from '@/components/CommandLine';
import { Columns, Section } from '@/components/Page';
import { ErrorNote } from '@/components/States';
import { useMay } from '@/features/access/queries';
import { Answer } from './Answer';
import { invoke } from './invoke';
import { useKeys } from './Keys';
import { documentQuery } from './queries';
import { RequestFields } from './RequestFields';
import { useSamples } from './samples';
import type { RequestForm } from './schema';
import { absoluteURI, curlSnippet, pythonSnippet } from './snippets';
import classes from './Console.module.css';

interface ConsoleProps {
  workspace: string;
  endpoint: Endpoint;
  deployments: readonly Deployment[];
}

/** A place to send a request from: by a form where the deployment describes its requests, and as JSON always. */
export function Console({ workspace, endpoint, deployments }: ConsoleProps) {
  const { t } = useTranslation();
  const [deployment, setDeployment] = useState('');
  const asked = deployment || busiest(endpoint, deployments);
  const document = useQuery({ ...documentQuery(workspace, endpoint.name, asked), enabled: asked !== '' });
  const samples = useSamples(workspace, deployments.find((one) => one.name === asked), document.data ?? null);
  const [typed, setTyped] = useState<string | undefined>(() => sessionStorage.getItem(storageKey(workspace, endpoint.name)) ?? undefined);
  const body = typed ?? samples[0]?.body ?? '{}';
  const send = useMutation({
    mutationFn: () => {
      sessionStorage.setItem(storageKey(workspace, endpoint.name), body);
      return invoke(workspace, endpoint.name, deployment, body);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send.mutate();
  };
  const choices = (
    <Select
      size="xs" w={200} aria-label={t('try.sample')} placeholder={t('try.sample')} value={samples.find((one) => one.body === body)?.name ?? null}
      data={samples.map((one) => ({ value: one.name, label: t(`try.samples.${one.name}`) }))} onChange={(name) => setTyped(samples.find((one) => one.name === name)?.body)}
    />
  );
  return (
    <Columns
      main={(
        <Section title={t('try.title')} aside={choices}>
          <form onSubmit={submit} className={classes.form}>
            <Body form={document.data ?? null} body={body} onChange={setTyped} onSend={() => send.mutate()} />
            <div className={classes.row}>
              <Select
                label={t('try.deployment')} value={deployment} onChange={(value) => setDeployment(value ?? '')} w={220}
                data={[{ value: '', label: t('try.byTraffic') }, ...deployments.map((one) => ({ value: one.name, label: one.name }))]}
              />
              <Button type="submit" loading={send.isPending}>{t('try.send')}</Button>
            </div>
            <ErrorNote error={send.error} />
          </form>
        </Section>
      )}
      side={(
        <>
          <Section title={t('try.answer')} flush>{send.data ? <Answer answer={send.data} /> : <p className={`muted ${classes.nothing}`}>{t('try.noAnswer')}</p>}</Section>
          <Elsewhere workspace={workspace} endpoint={endpoint} body={body} deployment={deployment} />
        </>
      )}
    />
  );
}

/** The deployment whose description fits most requests. */
function busiest(endpoint: Endpoint, deployments: readonly Deployment[]): string {
  const ready = deployments.filter((one) => one.provisioning_state === 'Succeeded');
  return ready.toSorted((a, b) => (endpoint.traffic[b.name] ?? 0) - (endpoint.traffic[a.name] ?? 0))[0]?.name ?? '';
}

function storageKey(workspace: string, endpoint: string): string {
  return `atelier-request:${workspace}/${endpoint}`;
}

interface BodyProps {
  form: RequestForm | null;
  body: string;
  onChange: (body: string) => void;
  onSend: () => void;
}

/** The body of the request. What is in the form and what is in the JSON are the same. */
function Body({ form, body, onChange, onSend }: BodyProps) {
  const { t } = useTranslation();
  const [plain, setPlain] = useState(false);
  const value = parsed(body);
  const asForm = form !== null && !plain;
  return (
    <>
      {form && (
        <SegmentedControl
          size="xs" className={classes.mode} aria-label={t('try.body')} value={asForm ? 'form' : 'json'} onChange={(next) => setPlain(next === 'json')}
          data={[{ value: 'form', label: t('try.asForm') }, { value: 'json', label: 'JSON' }]}
        />
      )}
      {asForm && value === undefined && <p className="muted">{t('try.notJSON')}</p>}
      {asForm && value !== undefined && <RequestFields fields={form.fields} path={[]} value={value} onChange={(next) => onChange(JSON.stringify(next, null, 2))} />}
      {!asForm && (
        <Textarea
          label={t('try.body')} description={t('try.bodyHint')} autosize minRows={8} maxRows={24} value={body} className={classes.body} spellCheck={false}
          onChange={(event) => onChange(event.currentTarget.value)}
          onKeyDown={(event) => event.key === 'Enter' && (event.ctrlKey || event.metaKey) && onSend()}
        />
      )}
    </>
  );
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined; // it is being typed, or is no JSON at all
  }
}

/** The same request for a terminal or a program; with the key in it only when that is asked for. */
function Elsewhere({ workspace, endpoint, body, deployment }: { workspace: string; endpoint: Endpoint; body: string; deployment: string }) {
  const { t } = useTranslation();
  const [language, setLanguage] = useState('curl');
  const may = useMay('endpoints/online/listKeys/action') && endpoint.auth_mode === 'key';
  const keys = useKeys(workspace, endpoint.name);
  const request = { uri: absoluteURI(endpoint.scoring_uri, location.origin), body, deployment, key: keys.data?.primary_key };
  return (
    <Section
      title={t('try.elsewhere')}
      aside={<SegmentedControl size="xs" aria-label={t('try.elsewhere')} value={language} onChange={setLanguage} data={[{ value: 'curl', label: 'curl' }, { value: 'python', label: 'Python' }]} />}
    >
      <CommandLine prompt={false} command={language === 'curl' ? curlSnippet(request) : pythonSnippet(request)} />
      <div className={classes.key}>
        {may
          ? <Switch size="xs" label={t('try.withKey')} checked={keys.data !== undefined} onChange={(event) => (event.currentTarget.checked ? keys.mutate() : keys.reset())} />
          : <span className="muted">{endpoint.auth_mode === 'key' ? t('try.keyHint') : t('try.tokenHint')}</span>}
        <ErrorNote error={keys.error} />
      </div>
    </Section>
  );
}
