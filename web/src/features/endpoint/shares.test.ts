import { expect, it } from 'vitest';
import { changesOf, moveShare, sharesOf, totalOf } from './shares';

it('always makes up the whole', () => {
  for (const shares of [{ a: 90, b: 10, c: 0 }, { a: 0, b: 0, c: 0 }, { a: 34, b: 33, c: 33 }]) {
    for (let share = 0; share <= 100; share++) {
      const moved = moveShare(shares, 'a', share);
      expect(moved.a).toBe(share);
      expect(totalOf(moved)).toBe(100);
      expect(Object.keys(moved)).toEqual(['a', 'b', 'c']);
    }
  }
});

it('keeps the ratio of the others', () => {
  expect(moveShare({ a: 50, b: 40, c: 10 }, 'a', 0)).toEqual({ a: 0, b: 80, c: 20 });
  expect(moveShare({ a: 100, b: 0 }, 'b', 30)).toEqual({ a: 70, b: 30 });
  expect(moveShare({ a: 100, b: 0, c: 0 }, 'a', 40)).toEqual({ a: 40, b: 30, c: 30 });
});

it('gives the only deployment everything or nothing', () => {
  expect(moveShare({ a: 0 }, 'a', 100)).toEqual({ a: 100 });
  expect(sharesOf({ a: 100 }, ['a', 'b'])).toEqual({ a: 100, b: 0 });
  expect(sharesOf(undefined, ['a'])).toEqual({ a: 0 });
});

it('tells what changes', () => {
  expect(changesOf({ a: 100, b: 0 }, { a: 90, b: 10 })).toEqual([{ name: 'a', from: 100, to: 90 }, { name: 'b', from: 0, to: 10 }]);
  expect(changesOf({ a: 100 }, { a: 100, b: 0 })).toEqual([]);
});
