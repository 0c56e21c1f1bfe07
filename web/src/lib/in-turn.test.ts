import { expect, it } from 'vitest';
import { inTurn } from './in-turn';

it('does it for all, a few at a time, and then tells of the first failure', async () => {
  const done: number[] = [];
  let now = 0;
  let most = 0;
  const all = inTurn([1, 2, 3, 4, 5, 6, 7, 8, 9], async (n) => {
    most = Math.max(most, ++now);
    await Promise.resolve();
    now--;
    if (n % 4 === 0) throw new Error(`no ${n}`);
    done.push(n);
  });
  await expect(all).rejects.toThrow('no 4');
  expect(done.toSorted()).toEqual([1, 2, 3, 5, 6, 7, 9]);
  expect(most).toBe(4);
});

it('has nothing to do for nothing', async () => {
  await inTurn([], () => Promise.reject(new Error('never')));
});
