import { ActionIcon, Button, Switch, TextInput, Tooltip } from '@mantine/core';
import { IconChevronDown, IconChevronUp, IconDownload, IconSearch } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import Anser from 'anser';
import { memo, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { findLines, hasColour, withoutEscapes } from '@/lib/log';
import { formatCount } from '@/lib/format';
import classes from './LogView.module.css';

interface LogViewProps {
  label: string;
  lines: readonly string[];
  live: boolean;
  /** Says that lines before these are not loaded, and loads them. */
  onEarlier?: (() => void) | undefined;
  downloadPath?: string;
  empty: ReactNode;
}

const lineHeight = 20;

/** A log: only the lines on the screen are drawn, however long it is. */
export function LogView({ label, lines, live, onEarlier, downloadPath, empty }: LogViewProps) {
  const { t, i18n } = useTranslation();
  const scroller = useRef<HTMLDivElement>(null);
  const [follow, setFollow] = useState(live);
  const [words, setWords] = useState('');
  const [current, setCurrent] = useState(0);
  const found = useMemo(() => findLines(lines, words), [lines, words]);
  const marked = found.length > 0 ? found[Math.min(current, found.length - 1)] : undefined;
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => lineHeight,
    overscan: 30,
  });

  useEffect(() => {
    if (follow && lines.length > 0) rows.scrollToIndex(lines.length - 1, { align: 'end' });
  }, [follow, lines.length, rows]);

  const go = (by: number) => {
    if (found.length === 0) return;
    const next = (Math.min(current, found.length - 1) + by + found.length) % found.length;
    setFollow(false);
    setCurrent(next);
    rows.scrollToIndex(found[next] ?? 0, { align: 'center' });
  };
  const search = (text: string) => {
    setWords(text);
    setCurrent(0);
    const first = findLines(lines, text)[0];
    if (first !== undefined) {
      setFollow(false);
      rows.scrollToIndex(first, { align: 'center' });
    }
  };

  return (
    <div className={classes.log}>
      <div className={classes.bar}>
        <TextInput
          size="xs" value={words} aria-label={t('log.search')} placeholder={t('log.search')} className={classes.search}
          leftSection={<IconSearch size={14} />}
          onChange={(event) => search(event.currentTarget.value)}
          onKeyDown={(event) => event.key === 'Enter' && go(event.shiftKey ? -1 : 1)}
        />
        {words !== '' && (
          <>
            <span className={classes.count} aria-live="polite">
              {found.length === 0 ? t('log.noMatch') : t('log.matchOf', { at: Math.min(current, found.length - 1) + 1, count: found.length })}
            </span>
            <ActionIcon size="sm" aria-label={t('log.previous')} onClick={() => go(-1)}><IconChevronUp size={15} /></ActionIcon>
            <ActionIcon size="sm" aria-label={t('log.next')} onClick={() => go(1)}><IconChevronDown size={15} /></ActionIcon>
          </>
        )}
        <span className={classes.spacer} />
        <span className={classes.count}>{t('log.lines', { count: lines.length, shown: formatCount(lines.length, i18n.language) })}</span>
        {live && <Switch size="xs" label={t('log.follow')} checked={follow} onChange={(event) => setFollow(event.currentTarget.checked)} />}
        {downloadPath && (
          <Tooltip label={t('common.download')}>
            <ActionIcon component="a" href={downloadPath} download aria-label={t('common.download')}><IconDownload size={16} stroke={1.6} /></ActionIcon>
          </Tooltip>
        )}
      </div>
      {lines.length === 0 ? <div className={classes.empty}>{empty}</div> : (
        <div
          ref={scroller} className={classes.scroll} tabIndex={0} role="log" aria-label={label} aria-live="off"
          onWheel={(event) => event.deltaY < 0 && setFollow(false)}
        >
          {onEarlier && <Button size="compact-xs" variant="subtle" className={classes.earlier} onClick={onEarlier}>{t('log.earlier')}</Button>}
          <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
            {rows.getVirtualItems().map((row) => (
              <div key={row.key} className={classes.line} data-found={row.index === marked || undefined} style={{ transform: `translateY(${row.start}px)` }}>
                <span className={classes.number} aria-hidden="true">{row.index + 1}</span>
                <LineText text={lines[row.index] ?? ''} />
              </div>
            ))}
          </div>
        </div>
      )}
    </div>
  );
}

const LineText = memo(function LineText({ text }: { text: string }) {
  if (!text.includes('\u001b')) return <span className={classes.text}>{text}</span>;
  if (!hasColour(text)) return <span className={classes.text}>{withoutEscapes(text)}</span>;
  const spans = Anser.ansiToJson(text, { use_classes: true, remove_empty: true });
  return (
    <span className={classes.text}>
      {spans.map((span, i) => (
        <span key={i} data-fg={span.fg ?? undefined} data-bold={span.decorations.includes('bold') || undefined} data-dim={span.decorations.includes('dim') || undefined}>
          {withoutEscapes(span.content)}
        </span>
      ))}
    </span>
  );
});
