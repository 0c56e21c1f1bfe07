import { Button, Checkbox, Popover, ScrollArea, TextInput } from '@mantine/core';
import { IconColumns3 } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { splitField } from './columns';
import classes from './ColumnPicker.module.css';

interface ColumnPickerProps {
  fields: readonly string[];
  chosen: readonly string[];
  onChange: (fields: string[] | undefined) => void;
}

/** Which params and metrics are columns. */
export function ColumnPicker({ fields, chosen, onChange }: ColumnPickerProps) {
  const { t } = useTranslation();
  const [words, setWords] = useState('');
  const all = [...new Set([...fields, ...chosen])];
  const shown = all.filter((field) => field.toLowerCase().includes(words.toLowerCase()));
  const toggle = (field: string) => onChange(chosen.includes(field) ? chosen.filter((one) => one !== field) : [...chosen, field]);
  return (
    <Popover position="bottom-end" width={280} shadow="md" trapFocus>
      <Popover.Target>
        <Button variant="default" leftSection={<IconColumns3 size={16} stroke={1.6} />}>{t('runs.columns')}</Button>
      </Popover.Target>
      <Popover.Dropdown className={classes.dropdown}>
        <TextInput size="xs" data-autofocus aria-label={t('runs.findColumn')} placeholder={t('runs.findColumn')} value={words} onChange={(event) => setWords(event.currentTarget.value)} />
        <ScrollArea.Autosize mah={320} mt={8} type="auto">
          {(['metrics', 'params'] as const).map((group) => {
            const members = shown.filter((field) => splitField(field).group === group);
            return members.length === 0 ? null : (
              <fieldset key={group} className={classes.group}>
                <legend>{t(`runs.${group}`)}</legend>
                {members.map((field) => <Checkbox key={field} size="xs" label={splitField(field).key} checked={chosen.includes(field)} onChange={() => toggle(field)} />)}
              </fieldset>
            );
          })}
          {shown.length === 0 && <p className="muted">{t('runs.noColumns')}</p>}
        </ScrollArea.Autosize>
        <Button variant="subtle" size="compact-xs" mt={8} onClick={() => onChange(undefined)}>{t('runs.defaultColumns')}</Button>
      </Popover.Dropdown>
    </Popover>
  );
}
