import { expect, it } from 'vitest';
import { readDocument, valueAt, withValue } from './schema';

const row = { type: 'object', properties: { age: { type: 'integer' }, sex: { type: 'string' }, smokes: { type: 'boolean' } } };
const generated = {
  swagger: '2.0',
  definitions: {
    ServiceInput: {
      type: 'object', properties: { data: { type: 'array', items: row }, method: { type: 'string', enum: ['predict', 'predict_proba'] } },
      example: { data: [{ age: 40, sex: 'f', smokes: false }], method: 'predict' },
    },
  },
};

it('makes a form of what Azure generates', () => {
  const form = readDocument(JSON.stringify(generated));
  expect(form?.fields.map((field) => [field.name, field.kind])).toEqual([['data', 'rows'], ['method', 'choice']]);
  expect(form?.example).toEqual({ data: [{ age: 40, sex: 'f', smokes: false }], method: 'predict' });
  const [rows] = form?.fields ?? [];
  expect(rows?.kind === 'rows' && [rows.columns.map((one) => one.kind), rows.empty]).toEqual([['integer', 'text', 'boolean'], { age: 0, sex: '', smokes: false }]);
});

it('follows references, and those that go round no further than it must', () => {
  const node = { type: 'object', properties: { next: { $ref: '#/components/schemas/Node' }, value: { type: 'number' } } };
  const form = readDocument(JSON.stringify({
    openapi: '3.1.0', components: { schemas: { Node: node } },
    paths: { '/score': { post: { requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Node' } } } } } } },
  }));
  expect(form?.fields.map((field) => field.name)).toEqual(['next', 'value']);
});

it('makes no form of what says nothing', () => {
  for (const text of ['', 'no json', '[]', 'null', '{}', JSON.stringify({ definitions: { ServiceInput: { type: 'object', example: {} } } })]) {
    expect(readDocument(text)).toBeNull();
  }
});

it('leaves what is too deep for a form to JSON', () => {
  const form = readDocument(JSON.stringify({ definitions: { ServiceInput: { type: 'object', properties: { input: { type: 'array', items: { type: 'array', items: { type: 'number' } } } } } } }));
  expect(form?.fields).toEqual([{ kind: 'json', name: 'input', hint: undefined }]);
  expect(form?.example).toEqual({ input: [[0]] });
});

it('changes one value and nothing else', () => {
  const before = { data: [{ age: 1 }, { age: 2 }] };
  expect(withValue(before, ['data', 1, 'age'], 3)).toEqual({ data: [{ age: 1 }, { age: 3 }] });
  expect(before.data[1]?.age).toBe(2);
  expect(withValue(null, ['a', 0, 'b'], true)).toEqual({ a: [{ b: true }] });
  expect(valueAt(before, ['data', 0, 'age'])).toBe(1);
  expect(valueAt(before, ['data', 7, 'age'])).toBeUndefined();
});
