import { describe, expect, it } from 'vitest';
import { align, smooth, toLine } from './series';

const series = {
  key: 'loss',
  count: 3,
  sampled: false,
  points: [
    { step: 2, timestamp: '2026-01-01T00:00:02Z', value: 0.5 },
    { step: 1, timestamp: '2026-01-01T00:00:03Z', value: 0.7 },
    { step: 3, timestamp: '2026-01-01T00:00:05Z', value: 'NaN' as const },
  ],
};

it('orders points along either axis and leaves a hole for NaN', () => {
  expect(toLine(series, 'a', 0, 'step')).toMatchObject({ xs: [1, 2, 3], ys: [0.7, 0.5, null] });
  expect(toLine(series, 'a', 0, 'time')).toMatchObject({ xs: [0, 1, 3], ys: [0.5, 0.7, null] });
});

describe('smooth', () => {
  it('changes nothing at weight 0 and keeps a flat line flat', () => {
    expect(smooth([1, 5, 2], 0)).toEqual([1, 5, 2]);
    smooth([4, 4, null, 4], 0.9).forEach((y, i) => (i === 2 ? expect(y).toBeNull() : expect(y).toBeCloseTo(4)));
  });
  it('starts at the first value', () => {
    expect(smooth([10, 0], 0.5)[0]).toBe(10);
    expect(smooth([10, 0], 0.5)[1]).toBeCloseTo(10 / 3);
  });
});

it('aligns lines with different steps', () => {
  const a = { label: 'a', colour: 0, xs: [0, 2], ys: [1, 3] };
  const b = { label: 'b', colour: 1, xs: [1, 2], ys: [5, 6] };
  expect(align([a, b])).toEqual([[0, 1, 2], [1, undefined, 3], [undefined, 5, 6]]);
  expect(align([])).toEqual([[]]);
});
