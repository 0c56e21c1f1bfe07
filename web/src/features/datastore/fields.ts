import type { Datastore, DatastoreCreate, DatastoreSecrets } from '@/api/nouns';

export type StoreType = DatastoreCreate['type'];
export const storeTypes: readonly StoreType[] = ['s3', 'azure_blob', 'azure_data_lake_gen2', 'gcs', 'local'];

export type LocationField = 'path' | 'bucket' | 'prefix' | 'region' | 'account_name' | 'container_name' | 'filesystem' | 'endpoint';
export type SecretField = keyof DatastoreSecrets;

interface Fields {
  required: readonly LocationField[];
  optional: readonly LocationField[];
  /** Ways to sign in, each with its fields. */
  secrets: readonly (readonly SecretField[])[];
}

const bucket: Fields = { required: ['bucket'], optional: ['prefix', 'region', 'endpoint'], secrets: [['access_key_id', 'secret_access_key', 'session_token']] };

/** What each type of place is described by; the server checks it again. */
export const fieldsOf: Record<StoreType, Fields> = {
  local: { required: ['path'], optional: [], secrets: [] },
  s3: bucket,
  gcs: { ...bucket, optional: ['prefix', 'endpoint'], secrets: [['access_key_id', 'secret_access_key']] },
  azure_blob: { required: ['account_name', 'container_name'], optional: ['endpoint'], secrets: [['account_key'], ['sas_token']] },
  azure_data_lake_gen2: { required: ['account_name', 'filesystem'], optional: ['endpoint'], secrets: [['account_key'], ['sas_token']] },
};

/** Only what is filled in and belongs to the type is sent: a field of another type may have been filled before. */
export function pick<K extends string>(values: Partial<Record<K, string>>, fields: readonly K[]): Partial<Record<K, string>> {
  return Object.fromEntries(fields.flatMap((field) => (values[field] ? [[field, values[field]]] : []))) as Partial<Record<K, string>>;
}

/** Where a datastore lies, in a line. */
export function placeOf(store: Datastore): string {
  switch (store.type) {
    case 'local': return store.path ?? '';
    case 's3': return `s3://${[store.bucket, store.prefix].filter(Boolean).join('/')}`;
    case 'gcs': return `gs://${[store.bucket, store.prefix].filter(Boolean).join('/')}`;
    case 'azure_blob': return `${store.account_name}/${store.container_name}`;
    case 'azure_data_lake_gen2': return `${store.account_name}/${store.filesystem}`;
    default: return '';
  }
}
