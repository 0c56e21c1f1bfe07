import { Autocomplete, CloseButton } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { completions } from '@/lib/filter';
import classes from './FilterBox.module.css';

const attributes = ['attributes.run_name', 'attributes.status', 'attributes.start_time', 'attributes.end_time', 'attributes.user_id', 'attributes.run_id'];

/** Words of a name, or MLflow's filter language with its fields completed; Enter asks the server. */
export function FilterBox({ value, fields, onChange }: { value: string; fields: readonly string[]; onChange: (filter: string) => void }) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  const [shown, setShown] = useState(value);
  if (shown !== value) { // the address changed under us: back, or a link
    setShown(value);
    setText(value);
  }
  const found = completions(text, [...fields, ...attributes]);
  const head = text.slice(0, found.start);
  return (
    <form
      role="search" className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        onChange(text.trim());
      }}
    >
      <Autocomplete
        size="sm" aria-label={t('runs.filter')} placeholder={t('runs.filterExample')} value={text} onChange={setText}
        data={found.fields.map((field) => head + field)} filter={({ options }) => options} selectFirstOptionOnChange={false}
        renderOption={({ option }) => <span className="mono">{option.value.slice(head.length)}</span>}
        leftSection={<IconSearch size={15} stroke={1.6} />} classNames={{ input: classes.input }} spellCheck={false}
        rightSection={text === '' ? null : <CloseButton size="sm" aria-label={t('runs.clearFilter')} onClick={() => { setText(''); onChange(''); }} />}
        onBlur={() => text.trim() !== value && onChange(text.trim())}
      />
    </form>
  );
}
