import { expect, it } from 'vitest';
import { place } from './histogram';

it('puts equal bins side by side, the fullest at full height', () => {
  const [bars] = place([[{ from: 0, to: 1, count: 1 }, { from: 1, to: 2, count: 4 }]], 100, 20);
  expect(bars?.map((bar) => [bar.x, bar.height, bar.y])).toEqual([[0, 5, 15], [50, 20, 0]]);
});

it('draws a wide bin lower than a narrow one with as many values', () => {
  const [bars] = place([[{ from: 0, to: 1, count: 5 }, { from: 1, to: 4, count: 5 }]], 100, 30);
  expect(bars?.[0]?.height).toBeCloseTo(30);
  expect(bars?.[1]?.height).toBeCloseTo(10);
});

it('compares shares, not counts, over one axis', () => {
  const [now, before] = place([[{ from: 0, to: 10, count: 1000 }], [{ from: 10, to: 20, count: 3 }]], 100, 10);
  expect(now?.[0]?.height).toBe(before?.[0]?.height);
  expect(before?.[0]?.x).toBe(50);
});

it('shows one value, and nothing for none', () => {
  expect(place([[{ from: 3, to: 3, count: 7 }]], 40, 10)[0]).toEqual([{ x: 0, y: 0, width: 39.5, height: 10 }]);
  expect(place([[], []], 40, 10)).toEqual([[], []]);
});
