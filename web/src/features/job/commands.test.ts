import { expect, it } from 'vitest';
import { listCommand, shellWord } from './commands';

it.each([
  ['plain-name_1', 'plain-name_1'],
  ['two words', "'two words'"],
  ["it's; rm -rf", "'it'\\''s; rm -rf'"],
  ['', "''"],
])('%j is %s to a shell', (text, want) => {
  expect(shellWord(text)).toBe(want);
});

it('says what the page shows', () => {
  expect(listCommand('digits', 'metrics.rmse < 60', { column: 'metrics.rmse', descending: false })).toBe(
    "atelier run list --experiment digits --filter 'metrics.rmse < 60' --order-by 'metrics.rmse ASC'",
  );
  expect(listCommand(undefined, '', null)).toBe('atelier run list');
});
