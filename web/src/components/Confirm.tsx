import { Button, Modal, type ButtonProps } from '@mantine/core';
import { useMutation, useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import dialog from './Dialog.module.css';
import { ErrorNote } from './States';

interface ConfirmProps {
  /** What the button says, and the button of the question. */
  label: string;
  question: string;
  hint: string;
  /** How to leave it as it is; "Cancel" unless that could be mistaken. */
  keep?: string;
  harmless?: boolean;
  button?: ButtonProps;
  act: () => Promise<unknown>;
  /** What it makes stale. */
  stale: QueryKey;
  onDone?: () => void;
}

/** A button for what cannot be taken back, or not easily: it asks first, and shows why it was refused. */
export function ConfirmButton({ label, question, hint, keep, harmless, button, act, stale, onDone }: ConfirmProps) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  const action = useMutation({
    mutationFn: act,
    onSuccess: async () => {
      setAsking(false);
      onDone?.();
      await queries.invalidateQueries({ queryKey: stale });
    },
  });
  const close = () => {
    setAsking(false);
    action.reset();
  };
  return (
    <>
      <Button variant="default" {...button} onClick={() => setAsking(true)}>{label}</Button>
      <Modal opened={asking} onClose={close} title={question} closeButtonProps={{ 'aria-label': t('common.close') }}>
        <p>{hint}</p>
        <ErrorNote error={action.error} />
        <div className={dialog.buttons}>
          <Button variant="default" onClick={close}>{keep ?? t('common.cancel')}</Button>
          <Button color={harmless ? undefined : 'red'} loading={action.isPending} onClick={() => action.mutate()}>{label}</Button>
        </div>
      </Modal>
    </>
  );
}
