import { expect, it } from 'vitest';
import { fromLook, parseCompareSearch, parseRunSearch, parseRunsSearch, toLook } from './search';

it('keeps what it knows and drops the rest', () => {
  expect(parseRunsSearch({ experiment: 'e', columns: ['metrics.a', 3, {}], evil: '<x>' })).toEqual({
    experiment: 'e', status: undefined, filter: undefined, order: undefined, columns: ['metrics.a', '3'],
  });
  expect(parseRunSearch({ tab: 'nonsense', smooth: '7' })).toMatchObject({ tab: undefined, smooth: undefined });
  expect(parseCompareSearch({ runs: 'x' }).runs).toEqual([]);
});

it('reads a number that the address had as a name', () => {
  expect(parseRunsSearch({ experiment: 7 }).experiment).toBe('7');
});

it('goes from address to look and back', () => {
  const look = { axis: 'time' as const, log: true, smooth: 0.5 };
  expect(toLook(fromLook(look))).toEqual(look);
  expect(fromLook(toLook({}))).toEqual({ axis: undefined, scale: undefined, smooth: undefined });
});
