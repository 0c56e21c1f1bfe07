import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { fetchRaw } from '@/api/client';
import { parseCSV } from '@/lib/csv';
import { kindOf } from '@/lib/files';
import { formatBytes, formatCount } from '@/lib/format';
import { DataGrid } from './DataGrid';
import { Await, EmptyState, LoadingRows } from './States';
import classes from './FilePreview.module.css';

const CodeView = lazy(() => import('./CodeView'));

const largestText = 2_000_000;
const mostRows = 500;

interface FilePreviewProps {
  path: string;
  size: number | undefined;
  /** Where its text or picture can be read. */
  source: string;
  /** Where it can be downloaded. */
  download: string;
}

/** What is in a file: a picture, a table, text; or what there is to know and a download. */
export function FilePreview({ path, size, source, download }: FilePreviewProps) {
  const { t, i18n } = useTranslation();
  return (
    <>
      <div className={classes.head}>
        <span className="mono ellipsis" title={path}>{path}</span>
        {size !== undefined && <span className="muted nowrap">{formatBytes(size, i18n.language)}</span>}
        <span className={classes.spacer} />
        <Button component="a" href={download} download size="compact-sm" variant="subtle" leftSection={<IconDownload size={15} />}>
          {t('common.download')}
        </Button>
      </div>
      <Body key={path} path={path} size={size} source={source} />
    </>
  );
}

function Body({ path, size, source }: Omit<FilePreviewProps, 'download'>) {
  const { t, i18n } = useTranslation();
  const kind = kindOf(path);
  if (kind === 'image') return <div className={classes.image}><img src={source} alt={path} /></div>;
  if (kind === 'other') return <EmptyState title={t('file.noPreview')}>{t('file.noPreviewHint')}</EmptyState>;
  if ((size ?? 0) > largestText) {
    return <EmptyState title={t('file.tooLarge')}>{t('file.tooLargeHint', { limit: formatBytes(largestText, i18n.language) })}</EmptyState>;
  }
  return <TextBody path={path} source={source} />;
}

function TextBody({ path, source }: { path: string; source: string }) {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ['file', source], queryFn: async () => (await fetchRaw(source)).text(), staleTime: Infinity });
  const kind = kindOf(path);
  return (
    <Await query={query}>
      {(text) => {
        if (text === '') return <EmptyState title={t('file.empty')} />;
        if (kind === 'table') return <CSV text={text} separator={path.toLowerCase().endsWith('.tsv') ? '\t' : ','} label={path} />;
        return (
          <Suspense fallback={<LoadingRows />}>
            <CodeView path={path} text={kind === 'json' ? pretty(text) : text} label={path} />
          </Suspense>
        );
      }}
    </Await>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text; // not JSON after all: shown as it is
  }
}

function CSV({ text, separator, label }: { text: string; separator: string; label: string }) {
  const { t, i18n } = useTranslation();
  const [rows] = useState(() => parseCSV(text, separator, mostRows + 2));
  const [head = [], ...body] = rows;
  const note = body.length > mostRows ? t('file.firstRows', { shown: formatCount(mostRows, i18n.language) }) : undefined;
  return <DataGrid label={label} head={head} rows={body.slice(0, mostRows)} note={note} />;
}
