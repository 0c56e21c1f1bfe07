import { expect, it } from 'vitest';
import { safePath } from './safe-path';

it.each([
  ['/w/default/runs?filter=x', '/w/default/runs?filter=x'],
  [undefined, '/'],
  ['https://elsewhere.example', '/'],
  ['//elsewhere.example', '/'],
  ['/\\elsewhere.example', '/'],
  ['/sign-in?next=/x', '/'],
])('%s leads to %s', (path, want) => {
  expect(safePath(path)).toBe(want);
});
