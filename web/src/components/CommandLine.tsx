import { ActionIcon, CopyButton, Popover, Text, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy, IconTerminal2 } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import classes from './CommandLine.module.css';

function CopyAction({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? t('common.copied') : t('common.copy')}>
          <ActionIcon onClick={copy} aria-label={t('common.copy')} size="sm" className={classes.copy}>
            {copied ? <IconCheck size={15} /> : <IconCopy size={15} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/** A command or a snippet to take along. */
export function CommandLine({ command, prompt = true }: { command: string; prompt?: boolean }) {
  return (
    <div className={classes.box}>
      <pre className={classes.text} tabIndex={0}>
        {command.split('\n').map((line, i) => (
          <span key={i} className={prompt && !/^[ #]/.test(line) ? classes.prompt : undefined}>
            {line}
            {'\n'}
          </span>
        ))}
      </pre>
      <CopyAction text={command} />
    </div>
  );
}

/** The command for what a page shows, one click away. */
export function CommandButton({ command }: { command: string }) {
  const { t } = useTranslation();
  return (
    <Popover position="bottom-end" width={460} shadow="md" withinPortal>
      <Popover.Target>
        <Tooltip label={t('common.asCommand')}>
          <ActionIcon size="lg" variant="default" aria-label={t('common.asCommand')}>
            <IconTerminal2 size={17} stroke={1.6} />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown>
        <Text size="sm" c="dimmed" mb={8}>{t('common.asCommandHint')}</Text>
        <CommandLine command={command} />
      </Popover.Dropdown>
    </Popover>
  );
}

/** A value to copy: an id, a URL, a key. */
export function Copyable({ text, label }: { text: string; label?: string }) {
  return (
    <span className={classes.inline}>
      <span className={`mono ellipsis ${classes.value}`} title={text}>{label ?? text}</span>
      <CopyAction text={text} />
    </span>
  );
}
