import { describe, expect, it } from 'vitest';
import { allOf, completions, fieldName, nextOrder, orderBy, parseOrder, statusFilter, toFilter } from './filter';

describe('toFilter', () => {
  it.each([
    ['', ''],
    ['  ', ''],
    ['metrics.rmse < 60', 'metrics.rmse < 60'],
    ["params.model LIKE 'ridge%'", "params.model LIKE 'ridge%'"],
    ['ridge', "attributes.run_name ILIKE '%ridge%'"],
    ["o'neil", "attributes.run_name ILIKE '%o''neil%'"],
    ['likeness', "attributes.run_name ILIKE '%likeness%'"],
  ])('%j becomes %j', (text, want) => {
    expect(toFilter(text)).toBe(want);
  });
});

it('joins only what is there', () => {
  expect(allOf('', statusFilter('FAILED'), 'metrics.a > 1')).toBe("attributes.status = 'FAILED' AND metrics.a > 1");
  expect(allOf('', statusFilter(undefined))).toBe('');
});

describe('order', () => {
  it('quotes keys that are more than a word', () => {
    expect(fieldName('metrics.rmse')).toBe('metrics.rmse');
    expect(fieldName('metrics.val/loss')).toBe('metrics.`val/loss`');
    expect(orderBy({ column: 'params.max depth', descending: true })).toBe('params.`max depth` DESC');
  });
  it('reads its own words back', () => {
    expect(parseOrder('metrics.val/loss DESC')).toEqual({ column: 'metrics.val/loss', descending: true });
    expect(parseOrder('nonsense')).toBeNull();
    expect(parseOrder(undefined)).toBeNull();
  });
  it('goes round in three clicks', () => {
    const first = nextOrder(null, 'metrics.a', true);
    const second = nextOrder(first, 'metrics.a', true);
    expect(first).toEqual({ column: 'metrics.a', descending: true });
    expect(second).toEqual({ column: 'metrics.a', descending: false });
    expect(nextOrder(second, 'metrics.a', true)).toBeNull();
    expect(nextOrder(second, 'metrics.b', false)).toEqual({ column: 'metrics.b', descending: false });
  });
});

describe('completions', () => {
  const fields = ['metrics.rmse', 'metrics.r2', 'params.alpha'];
  it('completes the last word by group or by key', () => {
    expect(completions('params.alpha > 1 AND met', fields)).toEqual({ start: 21, fields: ['metrics.rmse', 'metrics.r2'] });
    expect(completions('rm', fields).fields).toEqual(['metrics.rmse']);
  });
  it('is quiet when there is nothing to add', () => {
    expect(completions('metrics.rmse', fields).fields).toEqual([]);
    expect(completions('metrics.rmse ', fields).fields).toEqual([]);
  });
});
