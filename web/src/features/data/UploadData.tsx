import { Button, Modal, Select, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { DataAsset, DataVersion } from '@/api/nouns';
import { uploadedPath, uploadFolder, type Chosen } from '@/api/upload';
import dialog from '@/components/Dialog.module.css';
import { FileDrop } from '@/components/FileDrop';
import { WideBar } from '@/components/ShareBar';
import { ErrorNote } from '@/components/States';
import { formatBytes, formatCount } from '@/lib/format';
import { chooseFiles, dataType, nameFor } from './choose';

type Source = 'files' | 'path';

/** Makes a version of data from files of this computer, or of what a path names. */
export function UploadData({ workspace, asset }: { workspace: string; asset?: DataAsset }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const title = asset ? t('data.newVersion') : t('data.new');
  return (
    <>
      <Button onClick={() => setOpen(true)}>{title}</Button>
      <Modal opened={open} onClose={() => setOpen(false)} size="lg" title={asset ? t('data.newVersionOf', { name: asset.name }) : title} closeButtonProps={{ 'aria-label': t('common.close') }}>
        <UploadForm workspace={workspace} asset={asset} onClose={() => setOpen(false)} />
      </Modal>
    </>
  );
}

interface UploadFormProps {
  workspace: string;
  asset: DataAsset | undefined;
  onClose: () => void;
}

function UploadForm({ workspace, asset, onClose }: UploadFormProps) {
  const { t, i18n } = useTranslation();
  const [source, setSource] = useState<Source>('files');
  const [files, setFiles] = useState<Chosen[]>([]);
  const [path, setPath] = useState('');
  const [name, setName] = useState(asset?.name ?? '');
  const [type, setType] = useState<DataVersion['type'] | null>(null);
  const [version, setVersion] = useState('');
  const [description, setDescription] = useState('');
  const upload = useUpload(workspace, onClose);
  const whole = files.reduce((sum, one) => sum + one.file.size, 0);
  const choose = (chosen: File[]) => {
    const next = chooseFiles(chosen);
    setFiles(next);
    setName((old) => old || nameFor(next));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    upload.mutate({
      name, type: type ?? dataType(source === 'files' ? files : []), files: source === 'files' ? files : [], path: source === 'path' ? path : undefined,
      ...(version ? { version } : {}), ...(description ? { description } : {}),
    });
  };
  return (
    <form onSubmit={submit} className={dialog.form}>
      <Select
        label={t('upload.source')} value={source} onChange={(next) => setSource(next as Source)}
        data={[{ value: 'files', label: t('upload.fromFiles') }, { value: 'path', label: t('upload.fromPath') }]}
      />
      {source === 'files' ? (
        <FileDrop onFiles={choose}>
          {files.length > 0 ? t('upload.chosen', { count: files.length, shown: formatCount(files.length, i18n.language), size: formatBytes(whole, i18n.language) }) : t('upload.drop')}
        </FileDrop>
      ) : <TextInput required label={t('model.path')} description={t('upload.pathHint')} value={path} onChange={(event) => setPath(event.currentTarget.value)} />}
      {!asset && <TextInput required label={t('common.name')} description={t('data.nameRule')} value={name} onChange={(event) => setName(event.currentTarget.value)} />}
      <Select
        label={t('common.type')} value={type ?? dataType(source === 'files' ? files : [])} onChange={(next) => setType(next as DataVersion['type'])}
        data={(['uri_file', 'uri_folder', 'mltable'] as const).map((value) => ({ value, label: t(`data.type.${value}`) }))}
      />
      <TextInput label={t('common.version')} description={t('upload.versionHint')} placeholder={asset?.next_version ?? '1'} value={version} onChange={(event) => setVersion(event.currentTarget.value)} />
      <Textarea autosize minRows={1} maxRows={4} label={t('common.description')} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
      <ErrorNote error={upload.error} />
      {upload.isPending && files.length > 0 && (
        <div role="status">
          <WideBar share={whole > 0 ? upload.sent / whole : 1} />
          <span className="muted">{t('upload.sent', { sent: formatBytes(Math.min(upload.sent, whole), i18n.language), size: formatBytes(whole, i18n.language) })}</span>
        </div>
      )}
      <div className={dialog.buttons}>
        <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
        <Button type="submit" loading={upload.isPending} disabled={source === 'files' && files.length === 0}>{t('upload.submit')}</Button>
      </div>
    </form>
  );
}

interface Wanted {
  name: string;
  type: DataVersion['type'];
  version?: string;
  description?: string;
  files: Chosen[];
  path: string | undefined;
}

/** Uploads and registers; leaving the form stops it. */
function useUpload(workspace: string, onDone: () => void) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [sent, setSent] = useState(0);
  const stop = useRef<AbortController>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const mutation = useMutation({
    mutationFn: async ({ files, path, ...body }: Wanted) => {
      const control = new AbortController();
      stop.current = control;
      setSent(0);
      if (path === undefined) {
        const tree = await uploadFolder(workspace, files, setSent, control.signal);
        path = uploadedPath(tree, body.type === 'uri_file' ? files[0]?.path : undefined);
      }
      return ask(api.POST('/api/v1/workspaces/{workspace}/data', { params: { path: { workspace } }, body: { ...body, path } }));
    },
    onSuccess: async (made) => {
      await Promise.all([queries.invalidateQueries({ queryKey: [workspace, 'data'] }), queries.invalidateQueries({ queryKey: [workspace, 'asset', made.name] })]);
      onDone();
      void navigate({ to: '/w/$workspace/data/$asset', params: { workspace, asset: made.name }, search: { version: made.version } });
    },
  });
  return { ...mutation, sent };
}
