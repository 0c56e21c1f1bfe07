import { ActionIcon, Button, NumberInput, Select, Switch, Textarea, TextInput } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { valueAt, withValue, type Field, type Path } from './schema';
import classes from './Console.module.css';

interface FieldsProps {
  fields: readonly Field[];
  path: Path;
  /** The whole request. */
  value: unknown;
  onChange: (value: unknown) => void;
}

/** The parts of a request, each with the input that fits it. */
export function RequestFields({ fields, path, value, onChange }: FieldsProps) {
  return <>{fields.map((field) => <One key={field.name} field={field} path={[...path, field.name]} value={value} onChange={onChange} label={field.name} />)}</>;
}

interface OneProps {
  field: Field;
  path: Path;
  value: unknown;
  onChange: (value: unknown) => void;
  /** What it is called; in a table the column says it, and the label is only heard. */
  label: string;
  inTable?: boolean;
}

function One({ field, path, value, onChange, label, inTable }: OneProps) {
  const { t } = useTranslation();
  const here = valueAt(value, path);
  const set = (next: unknown) => onChange(withValue(value, path, next));
  const named = inTable ? { 'aria-label': label, size: 'xs' as const } : { label, description: 'hint' in field ? field.hint : undefined };
  switch (field.kind) {
    case 'text': return <TextInput {...named} value={typeof here === 'string' ? here : ''} onChange={(event) => set(event.currentTarget.value)} />;
    case 'number':
    case 'integer': return <NumberInput {...named} hideControls={inTable ?? false} allowDecimal={field.kind === 'number'} value={typeof here === 'number' ? here : ''} onChange={(next) => set(next === '' ? null : Number(next))} />;
    case 'boolean': return <Switch aria-label={label} label={inTable ? undefined : label} checked={here === true} onChange={(event) => set(event.currentTarget.checked)} />;
    case 'choice': return <Select {...named} data={field.choices} value={typeof here === 'string' ? here : null} onChange={(next) => set(next)} />;
    case 'group': return (
      <fieldset className={classes.group}>
        <legend>{label}</legend>
        <RequestFields fields={field.fields} path={path} value={value} onChange={onChange} />
      </fieldset>
    );
    case 'rows': return <Rows field={field} path={path} value={value} onChange={onChange} />;
    case 'json': return <JSONField label={label} hint={field.hint ?? t('try.jsonField')} value={here} onChange={set} />;
  }
}

/** A list of like things as a table. */
function Rows({ field, path, value, onChange }: Omit<OneProps, 'field' | 'label'> & { field: Extract<Field, { kind: 'rows' }> }) {
  const { t } = useTranslation();
  const here = valueAt(value, path);
  const rows = Array.isArray(here) ? (here as unknown[]) : [];
  const set = (next: unknown[]) => onChange(withValue(value, path, next));
  return (
    <fieldset className={classes.group}>
      <legend>{field.name}</legend>
      <div className={classes.rows} tabIndex={0} role="group" aria-label={field.name}>
        <table>
          <thead><tr>{field.columns.map((column) => <th key={column.name} scope="col">{column.name}</th>)}<td /></tr></thead>
          <tbody>
            {rows.map((_, i) => (
              <tr key={i}>
                {field.columns.map((column) => (
                  <td key={column.name}><One inTable field={column} path={[...path, i, column.name]} value={value} onChange={onChange} label={t('try.cell', { column: column.name, row: i + 1 })} /></td>
                ))}
                <td><ActionIcon aria-label={t('try.removeRow', { row: i + 1 })} onClick={() => set(rows.filter((__, other) => other !== i))}><IconTrash size={15} /></ActionIcon></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Button size="compact-xs" variant="subtle" className={classes.add} onClick={() => set([...rows, rows.at(-1) ?? field.empty])}>{t('try.addRow')}</Button>
    </fieldset>
  );
}

/** A part that no simpler input fits, as JSON; what is typed counts as soon as it can be read. */
function JSONField({ label, hint, value, onChange }: { label: string; hint: string; value: unknown; onChange: (value: unknown) => void }) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState<string | null>(null);
  const change = (text: string) => {
    setDraft(text);
    try {
      onChange(JSON.parse(text));
    } catch {
      // It is being typed.
    }
  };
  return (
    <Textarea
      label={label} description={hint} autosize minRows={2} maxRows={12} className={classes.body} spellCheck={false} value={draft ?? JSON.stringify(value ?? null)} error={draft !== null && !readable(draft) && t('try.notJSON')}
      onChange={(event) => change(event.currentTarget.value)} onBlur={() => draft !== null && readable(draft) && setDraft(null)}
    />
  );
}

function readable(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
