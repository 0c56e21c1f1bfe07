import { expect, it } from 'vitest';
import { kindOf, toTree } from './files';

it.each([
  ['outputs/confusion.PNG', 'image'],
  ['a/b.csv', 'table'],
  ['model/MLmodel', 'text'],
  ['metrics.json', 'json'],
  ['train.py', 'text'],
  ['model.pkl', 'other'],
  ['diagram.svg', 'other'],
])('%s is shown as %s', (path, want) => {
  expect(kindOf(path)).toBe(want);
});

it('arranges paths as folders, folders first', () => {
  const tree = toTree([{ path: 'z.txt' }, { path: 'model/MLmodel' }, { path: 'model/data/x.bin' }, { path: 'a.txt' }]);
  expect(tree.map((node) => node.name)).toEqual(['model', 'a.txt', 'z.txt']);
  expect(tree[0]?.children.map((node) => node.path)).toEqual(['model/data', 'model/MLmodel']);
  expect(tree[0]?.children[0]?.children[0]?.file).toEqual({ path: 'model/data/x.bin' });
});
