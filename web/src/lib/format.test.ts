import { describe, expect, it } from 'vitest';
import { formatAgo, formatBytes, formatDuration, formatMetric, shortID } from './format';

describe('formatMetric', () => {
  it.each([
    [0.123456789, '0.12346'],
    [53.98765, '53.988'],
    [1234567, '1,234,567'],
    [0, '0'],
    [-0.5, '-0.5'],
    [0.0000123, '1.230e−5'],
    [3.2e12, '3.200e12'],
    ['NaN' as const, 'NaN'],
    ['Infinity' as const, '∞'],
    ['-Infinity' as const, '−∞'],
    [undefined, 'NaN'],
  ])('%s is shown as %s', (value, want) => {
    expect(formatMetric(value, 'en')).toBe(want);
  });
});

it('keeps zeros where numbers stand in a column', () => {
  expect([46.93, 55.0651, 3].map((value) => formatMetric(value, 'en', true))).toEqual(['46.930', '55.065', '3']);
});

describe('formatDuration', () => {
  it.each([
    [0, '0ms'],
    [120, '120ms'],
    [4300, '4.3s'],
    [41300, '41s'],
    [60_000, '1m'],
    [125_000, '2m 5s'],
    [7_500_000, '2h 5m'],
    [90_000_000, '1d 1h'],
    [-1, '–'],
    [NaN, '–'],
  ])('%s ms is shown as %s', (value, want) => {
    expect(formatDuration(value, 'en')).toBe(want);
  });
  it('speaks Korean', () => {
    expect(formatDuration(125_000, 'ko')).toBe('2분 5초');
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1000, '1 kB'],
    [1_530_000, '1.5 MB'],
    [230_000_000, '230 MB'],
  ])('%s is shown as %s', (value, want) => {
    expect(formatBytes(value, 'en')).toBe(want);
  });
});

describe('formatAgo', () => {
  const now = new Date('2026-05-04T12:00:00Z');
  it.each([
    ['2026-05-04T11:59:55Z', 'now'],
    ['2026-05-04T11:59:20Z', '40 seconds ago'],
    ['2026-05-04T11:55:00Z', '5 minutes ago'],
    ['2026-05-04T09:00:00Z', '3 hours ago'],
    ['2026-05-03T11:00:00Z', 'yesterday'],
    ['2026-04-29T12:00:00Z', '5 days ago'],
    ['2026-01-02T12:00:00Z', 'Jan 2, 2026'],
  ])('%s is %s', (then, want) => {
    expect(formatAgo(new Date(then), now, 'en')).toBe(want);
  });
});

it('shortID keeps names and cuts hashes', () => {
  expect(shortID('0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef')).toBe('01234567');
  expect(shortID('01a20a91fe80703400aae5ad9b32c3d4')).toBe('9b32c3d4'); // of a run
  expect(shortID('blue')).toBe('blue');
  expect(shortID('patient_otter_1764')).toBe('patient_otter_1764');
});
