import { expect, it } from 'vitest';
import { shellWord } from './shell';

it.each([
  ['plain-name_1', 'plain-name_1'],
  ['two words', "'two words'"],
  ["it's; rm -rf", "'it'\\''s; rm -rf'"],
  ['', "''"],
])('%j is %s to a shell', (text, want) => {
  expect(shellWord(text)).toBe(want);
});
