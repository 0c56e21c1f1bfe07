import { Button, Modal, type ButtonProps } from '@mantine/core';
import { useMutation, useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import dialog from './Dialog.module.css';
import { ErrorNote } from './States';

interface QuestionProps {
  /** What the button of the question says. */
  label: string;
  question: string;
  hint: string;
  /** How to leave it as it is; "Cancel" unless that could be mistaken. */
  keep?: string;
  harmless?: boolean;
  act: () => Promise<unknown>;
  /** What it makes stale. */
  stale: QueryKey;
  onDone?: () => void;
}

/** Asks before what cannot be taken back, or not easily, and shows why it was refused. */
export function ConfirmDialog({ opened, onClose, label, question, hint, keep, harmless, act, stale, onDone }: QuestionProps & { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const action = useMutation({
    mutationFn: act,
    onSuccess: async () => {
      onClose();
      onDone?.();
      await queries.invalidateQueries({ queryKey: stale });
    },
  });
  const close = () => {
    onClose();
    action.reset();
  };
  return (
    <Modal opened={opened} onClose={close} title={question} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <p>{hint}</p>
      <ErrorNote error={action.error} />
      <div className={dialog.buttons}>
        <Button variant="default" onClick={close}>{keep ?? t('common.cancel')}</Button>
        <Button color={harmless ? undefined : 'red'} loading={action.isPending} onClick={() => action.mutate()}>{label}</Button>
      </div>
    </Modal>
  );
}

/** A button that asks first. */
export function ConfirmButton({ button, ...question }: QuestionProps & { button?: ButtonProps }) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button variant="default" {...button} onClick={() => setAsking(true)}>{question.label}</Button>
      <ConfirmDialog {...question} opened={asking} onClose={() => setAsking(false)} />
    </>
  );
}
