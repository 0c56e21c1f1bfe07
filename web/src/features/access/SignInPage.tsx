import { Button, PasswordInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { CommandLine } from '@/components/CommandLine';
import { Mark } from '@/components/Mark';
import { ErrorNote } from '@/components/States';
import { safePath } from '@/lib/safe-path';
import { meQuery, signInWithCode, signInWithToken } from './queries';
import classes from './SignInPage.module.css';

/** Signs in by the code in the address; without one, says where the link is and takes a token. */
export default function SignInPage() {
  const { t } = useTranslation();
  const { code, next } = useSearch({ from: '/sign-in' });
  const [token, setToken] = useState('');
  const navigate = useNavigate();
  const queries = useQueryClient();
  const enter = useMutation({
    mutationFn: (by: { code: string } | { token: string }) => ('code' in by ? signInWithCode(by.code) : signInWithToken(by.token)),
    onSuccess: (me) => {
      queries.clear();
      queries.setQueryData(meQuery.queryKey, me);
      void navigate({ href: safePath(next), replace: true });
    },
  });
  const posted = useRef(false);
  const { mutate } = enter;
  useEffect(() => {
    document.title = `${t('signIn.title')} · Atelier`;
    if (!code || posted.current) return;
    posted.current = true; // a code is good once
    mutate({ code });
  }, [code, mutate, t]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (token.trim() !== '') mutate({ token: token.trim() });
  };
  const waiting = enter.isPending || (code !== undefined && enter.isIdle);
  return (
    <main className={classes.page}>
      <div className={classes.sheet}>
        <div className={classes.brand}><Mark size={30} /><span>Atelier</span></div>
        <h1 className={classes.title}>{t('signIn.title')}</h1>
        {waiting ? <p className="muted" role="status">{t('signIn.entering')}</p> : (
          <>
            <ErrorNote error={enter.error} />
            <p className={classes.text}>{t(code ? 'signIn.codeUsed' : 'signIn.how')}</p>
            <CommandLine command="atelier sign-in-link" />
            <form onSubmit={submit} className={classes.form}>
              <PasswordInput
                label={t('signIn.token')} description={t('signIn.tokenHint')} value={token} autoComplete="off"
                visibilityToggleButtonProps={{ 'aria-label': t('signIn.showToken') }}
                onChange={(event) => setToken(event.currentTarget.value)}
              />
              <Button type="submit" fullWidth disabled={token.trim() === ''}>{t('signIn.submit')}</Button>
            </form>
          </>
        )}
      </div>
    </main>
  );
}
