import { ActionIcon, Button, Checkbox, Popover, ScrollArea, TextInput } from '@mantine/core';
import { IconColumns3, IconPin, IconPinFilled } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { splitField } from './columns';
import { commonColumns } from './looks';
import classes from './ColumnPicker.module.css';

interface ColumnPickerProps {
  /** Params and metrics that can be chosen, and those that are. */
  fields: readonly string[];
  chosen: readonly string[];
  onChange: (fields: string[] | undefined) => void;
  /** The other columns that are left out. */
  hidden: readonly string[];
  onHide: (hidden: string[] | undefined) => void;
  pinned: readonly string[];
  onPin: (pinned: string[] | undefined) => void;
}

/** Which columns there are, and which of them stay in sight. */
export function ColumnPicker({ fields, chosen, onChange, hidden, onHide, pinned, onPin }: ColumnPickerProps) {
  const { t } = useTranslation();
  const [words, setWords] = useState('');
  const all = [...new Set([...fields, ...chosen])];
  const titles = { status: t('common.status'), experiment: t('common.experiment'), started: t('runs.started'), duration: t('common.duration'), user: t('common.user') };
  const groups = [
    { title: t('runs.name'), members: commonColumns.map((id) => ({ id, label: titles[id], shown: !hidden.includes(id), toggle: () => onHide(toggled(hidden, id)) })) },
    ...(['metrics', 'params'] as const).map((group) => ({
      title: t(`runs.${group}`),
      members: all.filter((field) => splitField(field).group === group)
        .map((id) => ({ id, label: splitField(id).key, shown: chosen.includes(id), toggle: () => onChange(toggled(chosen, id) ?? []) })),
    })),
  ].map(({ title, members }) => ({ title, members: members.filter(({ label }) => label.toLowerCase().includes(words.toLowerCase())) }))
    .filter(({ members }) => members.length > 0);
  const reset = () => {
    onChange(undefined);
    onHide(undefined);
    onPin(undefined);
  };
  return (
    <Popover position="bottom-end" width={300} shadow="md" trapFocus>
      <Popover.Target>
        <Button variant="default" leftSection={<IconColumns3 size={16} stroke={1.6} />}>{t('runs.columns')}</Button>
      </Popover.Target>
      <Popover.Dropdown className={classes.dropdown}>
        <TextInput size="xs" data-autofocus aria-label={t('runs.findColumn')} placeholder={t('runs.findColumn')} value={words} onChange={(event) => setWords(event.currentTarget.value)} />
        <ScrollArea.Autosize mah={360} mt={8} type="auto">
          {groups.map(({ title, members }) => (
            <fieldset key={title} className={classes.group}>
              <legend>{title}</legend>
              {members.map(({ id, label, shown, toggle }) => (
                <div key={id} className={classes.member}>
                  <Checkbox size="xs" label={label} checked={shown} onChange={toggle} classNames={{ body: classes.box, labelWrapper: classes.words, label: 'ellipsis' }} />
                  {shown && (
                    <ActionIcon size="xs" aria-label={t('runs.pin', { column: label })} aria-pressed={pinned.includes(id)} onClick={() => onPin(toggled(pinned, id))}>
                      {pinned.includes(id) ? <IconPinFilled size={13} /> : <IconPin size={13} stroke={1.6} />}
                    </ActionIcon>
                  )}
                </div>
              ))}
            </fieldset>
          ))}
          {groups.length === 0 && <p className="muted">{t('runs.noColumns')}</p>}
        </ScrollArea.Autosize>
        <Button variant="subtle" size="compact-xs" mt={8} onClick={reset}>{t('runs.defaultColumns')}</Button>
      </Popover.Dropdown>
    </Popover>
  );
}

/** The list with the thing when it was without, and without when it was with. */
function toggled(list: readonly string[], thing: string): string[] | undefined {
  const next = list.includes(thing) ? list.filter((one) => one !== thing) : [...list, thing];
  return next.length === 0 ? undefined : next;
}
