import { expect, it } from 'vitest';
import type { Datastore } from '@/api/nouns';
import { fieldsOf, pick, placeOf, storeTypes } from './fields';

it('sends what belongs to the type and is filled in', () => {
  const values = { bucket: 'models', prefix: '', account_name: 'left over' };
  expect(pick(values, [...fieldsOf.s3.required, ...fieldsOf.s3.optional])).toEqual({ bucket: 'models' });
});

it('knows the fields of every type', () => {
  for (const type of storeTypes) expect(fieldsOf[type].required.length).toBeGreaterThan(0);
  expect(fieldsOf.local.secrets).toEqual([]);
});

it.each([
  [{ type: 's3', bucket: 'lake', prefix: 'raw/2026' }, 's3://lake/raw/2026'],
  [{ type: 'gcs', bucket: 'lake' }, 'gs://lake'],
  [{ type: 'azure_blob', account_name: 'acct', container_name: 'images' }, 'acct/images'],
  [{ type: 'local', path: '/srv/data' }, '/srv/data'],
  [{ type: 'workspace' }, ''],
])('%j lies at %s', (store, want) => {
  expect(placeOf(store as Datastore)).toBe(want);
});
