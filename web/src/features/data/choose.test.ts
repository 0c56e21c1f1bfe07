import { expect, it } from 'vitest';
import { chooseFiles, dataType, nameFor } from './choose';

const file = (name: string, webkitRelativePath = '') => ({ name, webkitRelativePath });

it('takes a file for a file and a folder for its content', () => {
  const one = chooseFiles([file('patients 2026.csv')]);
  expect([one[0]?.path, dataType(one), nameFor(one)]).toEqual(['patients 2026.csv', 'uri_file', 'patients-2026']);
  const folder = chooseFiles([file('a.csv', 'images/train/a.csv'), file('b.csv', 'images/b.csv')]);
  expect([folder.map((each) => each.path), dataType(folder), nameFor(folder)]).toEqual([['train/a.csv', 'b.csv'], 'uri_folder', 'images']);
  expect(dataType(chooseFiles([file('MLTable', 't/MLTable'), file('a.csv', 't/a.csv')]))).toBe('mltable');
});

it.each([['<img src=x>.csv', 'img-src-x'], ['.gitignore', 'gitignore'], ['표.csv', ''], ['../up.csv', 'up']])('offers a name for %s', (name, want) => {
  expect(nameFor(chooseFiles([file(name)]))).toBe(want);
});
