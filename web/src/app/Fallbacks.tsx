import { Link, useRouter, type ErrorComponentProps } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { EmptyState, ErrorState } from '@/components/States';

export function NotFound() {
  const { t } = useTranslation();
  return <EmptyState title={t('error.noPage')} action={<Link to="/">{t('error.goHome')}</Link>}>{t('error.noPageHint')}</EmptyState>;
}

export function RouteError({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const retry = () => {
    reset();
    void router.invalidate();
  };
  return <ErrorState error={error} onRetry={retry} />;
}
