import { Button, Modal, Select, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Token } from '@/api/nouns';
import { CommandLine } from '@/components/CommandLine';
import { Section } from '@/components/Page';
import { Await, EmptyState, ErrorNote } from '@/components/States';
import { Table } from '@/components/Table';
import { Ago } from '@/components/Time';
import { tokensQuery } from './queries';
import classes from '@/components/Dialog.module.css';

/** The reader's personal tokens: for scripts and for other machines. */
export function Tokens() {
  const { t } = useTranslation();
  const tokens = useQuery(tokensQuery);
  const [creating, setCreating] = useState(false);
  const create = <Button size="compact-sm" onClick={() => setCreating(true)}>{t('tokens.create')}</Button>;
  return (
    <Section title={t('tokens.title')} aside={create} flush>
      <Await query={tokens} rows={3}>
        {(page) => page.items.length === 0
          ? <EmptyState title={t('tokens.none')} command="atelier token create --description laptop">{t('tokens.noneHint')}</EmptyState>
          : <TokenTable tokens={page.items} />}
      </Await>
      {creating && <CreateToken onClose={() => setCreating(false)} />}
    </Section>
  );
}

function TokenTable({ tokens }: { tokens: readonly Token[] }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [asked, setAsked] = useState<Token | null>(null);
  const revoke = useMutation({
    mutationFn: (token: string) => ask(api.DELETE('/api/v1/me/tokens/{token}', { params: { path: { token } } })),
    onSuccess: () => setAsked(null),
    onSettled: () => queries.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  });
  return (
    <>
      <Table
        label={t('tokens.title')} rows={tokens} rowKey={(token) => token.id}
        columns={[
          { key: 'what', head: t('tokens.description'), grow: true, cell: (token) => token.description || <span className="mono">{token.id}</span> },
          { key: 'created', head: t('common.created'), cell: (token) => <Ago at={token.created_at} /> },
          { key: 'used', head: t('tokens.used'), cell: (token) => (token.used_at ? <Ago at={token.used_at} /> : t('tokens.never')) },
          { key: 'expires', head: t('tokens.expires'), cell: (token) => (token.expires_at ? <Ago at={token.expires_at} /> : t('tokens.never')) },
          { key: 'revoke', head: t('common.actions'), cell: (token) => (
            <Button size="compact-xs" variant="subtle" color="red" onClick={() => setAsked(token)}>{t('tokens.revoke')}</Button>
          ) },
        ]}
      />
      <Modal opened={asked !== null} onClose={() => setAsked(null)} title={t('tokens.revokeTitle')} closeButtonProps={{ 'aria-label': t('common.close') }}>
        <p>{t('tokens.revokeHint', { name: asked?.description || asked?.id || '' })}</p>
        <ErrorNote error={revoke.error} />
        <div className={classes.buttons}>
          <Button variant="default" onClick={() => setAsked(null)}>{t('common.cancel')}</Button>
          <Button color="red" loading={revoke.isPending} onClick={() => asked && revoke.mutate(asked.id)}>{t('tokens.revoke')}</Button>
        </div>
      </Modal>
    </>
  );
}

const lifetimes = ['7', '30', '90', '365'] as const;

function CreateToken({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [description, setDescription] = useState('');
  const [days, setDays] = useState('90');
  const create = useMutation({
    mutationFn: () => ask(api.POST('/api/v1/me/tokens', { body: { description, expires_in_days: Number(days) } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  const secret = create.data?.secret;
  return (
    <Modal opened onClose={onClose} title={t('tokens.create')} closeButtonProps={{ 'aria-label': t('common.close') }}>
      {secret ? (
        <div className={classes.form}>
          <p className={classes.text}>{t('tokens.onlyOnce')}</p>
          <CommandLine command={secret} prompt={false} />
          <div className={classes.buttons}><Button onClick={onClose}>{t('common.done')}</Button></div>
        </div>
      ) : (
        <form onSubmit={submit} className={classes.form}>
          <TextInput data-autofocus required label={t('tokens.description')} placeholder={t('tokens.example')} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
          <Select label={t('tokens.lifetime')} value={days} onChange={(value) => setDays(value ?? '90')} data={lifetimes.map((value) => ({ value, label: t('tokens.days', { count: Number(value) }) }))} />
          <ErrorNote error={create.error} />
          <div className={classes.buttons}>
            <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
            <Button type="submit" loading={create.isPending}>{t('tokens.create')}</Button>
          </div>
        </form>
      )}
    </Modal>
  );
}
