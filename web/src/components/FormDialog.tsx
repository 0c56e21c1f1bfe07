import { Button, Modal } from '@mantine/core';
import type { FormEvent, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import dialog from './Dialog.module.css';
import { ErrorNote } from './States';

interface FormDialogProps {
  title: string;
  /** What the button says that sends the form. */
  submit: string;
  sending: { isPending: boolean; error: unknown; mutate: () => void };
  onClose: () => void;
  children: ReactNode;
}

/** A form over the page, with the server's own words where it refuses. */
export function FormDialog({ title, submit, sending, onClose, children }: FormDialogProps) {
  const { t } = useTranslation();
  const send = (event: FormEvent) => {
    event.preventDefault();
    sending.mutate();
  };
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <form onSubmit={send} className={dialog.form} autoComplete="off">
        {children}
        <ErrorNote error={sending.error} />
        <div className={dialog.buttons}>
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button type="submit" loading={sending.isPending}>{submit}</Button>
        </div>
      </form>
    </Modal>
  );
}
