import { PasswordInput, Select, Switch, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, ask } from '@/api/client';
import type { Datastore, DatastoreCreate } from '@/api/nouns';
import dialog from '@/components/Dialog.module.css';
import { FormDialog } from '@/components/FormDialog';
import { fieldsOf, pick, storeTypes, type LocationField, type SecretField, type StoreType } from './fields';

type Values<K extends string> = Partial<Record<K, string>>;

interface FormProps {
  workspace: string;
  onClose: () => void;
}

export function CreateDatastore({ workspace, onClose }: FormProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [type, setType] = useState<StoreType>('s3');
  const [description, setDescription] = useState('');
  const [places, setPlaces] = useState<Values<LocationField>>({});
  const [secrets, setSecrets] = useState<Values<SecretField>>({});
  const [way, setWay] = useState(0);
  const [unchecked, setUnchecked] = useState(false);
  const fields = fieldsOf[type];
  const create = useMutation({
    mutationFn: () => {
      const credentials = pick(secrets, fields.secrets[way] ?? []);
      const body: DatastoreCreate = {
        name, type, ...pick(places, [...fields.required, ...fields.optional]), ...(description ? { description } : {}),
        ...(Object.keys(credentials).length > 0 ? { credentials } : {}), ...(unchecked ? { skip_validation: true } : {}),
      };
      return ask(api.POST('/api/v1/workspaces/{workspace}/datastores', { params: { path: { workspace } }, body }));
    },
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: [workspace, 'datastores'] });
      void navigate({ to: '/w/$workspace/datastores/$datastore', params: { workspace, datastore: made.name }, search: {} });
    },
  });
  const place = (field: LocationField, required: boolean) => (
    <TextInput
      key={field} required={required} label={t(`datastores.field.${field}`)} placeholder={field === 'path' ? '/srv/data' : undefined}
      value={places[field] ?? ''} onChange={(event) => setPlaces({ ...places, [field]: event.currentTarget.value })}
    />
  );
  return (
    <FormDialog title={t('datastores.create')} submit={t('datastores.create')} sending={create} onClose={onClose}>
      <TextInput data-autofocus required label={t('common.name')} description={t('data.nameRule')} value={name} onChange={(event) => setName(event.currentTarget.value)} />
      <Select
        label={t('common.type')} value={type} data={storeTypes.map((value) => ({ value, label: t(`datastores.type.${value}`) }))}
        onChange={(next) => {
          setType(next as StoreType);
          setWay(0);
        }}
      />
      {fields.required.map((field) => place(field, true))}
      {fields.optional.map((field) => place(field, false))}
      <Secrets type={type} values={secrets} onValues={setSecrets} way={way} onWay={setWay} />
      <TextInput label={t('common.description')} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
      <Switch size="xs" label={t('datastores.unchecked')} checked={unchecked} onChange={(event) => setUnchecked(event.currentTarget.checked)} />
    </FormDialog>
  );
}

interface SecretsProps {
  type: StoreType;
  values: Values<SecretField>;
  onValues: (values: Values<SecretField>) => void;
  way: number;
  onWay: (way: number) => void;
}

/** Credentials go in and are never shown again, here or anywhere. */
function Secrets({ type, values, onValues, way, onWay }: SecretsProps) {
  const { t } = useTranslation();
  const ways = fieldsOf[type].secrets;
  if (ways.length === 0) return null;
  return (
    <>
      {ways.length > 1 && (
        <Select
          label={t('datastores.credentials')} value={String(way)} onChange={(next) => onWay(Number(next))}
          data={ways.map((fields, i) => ({ value: String(i), label: t(`datastores.field.${fields[0] ?? 'account_key'}`) }))}
        />
      )}
      {(ways[way] ?? []).map((field) => (
        <PasswordInput
          key={field} label={t(`datastores.field.${field}`)} autoComplete="new-password" visibilityToggleButtonProps={{ 'aria-label': t('datastores.showSecret') }}
          value={values[field] ?? ''} onChange={(event) => onValues({ ...values, [field]: event.currentTarget.value })}
        />
      ))}
      <p className={`muted ${dialog.text}`}>{t('datastores.secretHint')}</p>
    </>
  );
}

/** What may change of a datastore: what is said of it and how one signs in, not where it lies. */
export function EditDatastore({ workspace, store, onClose }: FormProps & { store: Datastore }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [description, setDescription] = useState(store.description);
  const [secrets, setSecrets] = useState<Values<SecretField>>({});
  const [way, setWay] = useState(0);
  const type = store.type === 'workspace' ? undefined : store.type;
  const update = useMutation({
    mutationFn: () => {
      const credentials = type ? pick(secrets, fieldsOf[type].secrets[way] ?? []) : {};
      return ask(api.PATCH('/api/v1/workspaces/{workspace}/datastores/{datastore}', {
        params: { path: { workspace, datastore: store.name } }, body: { description, ...(Object.keys(credentials).length > 0 ? { credentials } : {}) },
      }));
    },
    onSuccess: async () => {
      await Promise.all([queries.invalidateQueries({ queryKey: [workspace, 'datastores'] }), queries.invalidateQueries({ queryKey: [workspace, 'datastore', store.name] })]);
      onClose();
    },
  });
  return (
    <FormDialog title={t('datastores.editTitle', { name: store.name })} submit={t('common.save')} sending={update} onClose={onClose}>
      <TextInput data-autofocus label={t('common.description')} value={description} onChange={(event) => setDescription(event.currentTarget.value)} />
      {type && <Secrets type={type} values={secrets} onValues={setSecrets} way={way} onWay={setWay} />}
      {type && fieldsOf[type].secrets.length > 0 && <p className={`muted ${dialog.text}`}>{t('datastores.keepSecret')}</p>}
    </FormDialog>
  );
}
