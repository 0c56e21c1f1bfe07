import { expect, it } from 'vitest';
import { compareRecords } from './compare';

it('has a row for every key and knows which differ', () => {
  const rows = compareRecords<string>([{ b: '1', a: 'x' }, { b: '1', a: 'y' }, { b: '1', c: 'z' }], Object.is);
  expect(rows).toEqual([
    { key: 'a', values: ['x', 'y', undefined], differs: true },
    { key: 'b', values: ['1', '1', '1'], differs: false },
    { key: 'c', values: [undefined, undefined, 'z'], differs: true },
  ]);
});
