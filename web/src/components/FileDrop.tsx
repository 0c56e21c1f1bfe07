import { Button, FileButton } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './FileDrop.module.css';

/** A place to drop files on, with buttons for who would rather choose them. */
export function FileDrop({ onFiles, children }: { onFiles: (files: File[]) => void; children: string }) {
  const { t } = useTranslation();
  const [over, setOver] = useState(false);
  return (
    <div
      className={classes.drop} data-over={over || undefined}
      onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)}
      onDrop={(event) => { event.preventDefault(); setOver(false); onFiles([...event.dataTransfer.files]); }}
    >
      <span role="status">{children}</span>
      <span className={classes.buttons}>
        <FileButton multiple onChange={onFiles}>{(props) => <Button size="compact-sm" variant="default" {...props}>{t('upload.chooseFiles')}</Button>}</FileButton>
        <FileButton multiple inputProps={{ webkitdirectory: '' } as object} onChange={onFiles}>{(props) => <Button size="compact-sm" variant="default" {...props}>{t('upload.chooseFolder')}</Button>}</FileButton>
      </span>
    </div>
  );
}
