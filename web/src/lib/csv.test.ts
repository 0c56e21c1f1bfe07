import { expect, it } from 'vitest';
import { isNumeric, parseCSV } from './csv';

it('reads quotes, doubled quotes and line breaks inside a cell', () => {
  expect(parseCSV('a,b\r\n"x, ""y""\nz",2\n', ',', 10)).toEqual([['a', 'b'], ['x, "y"\nz', '2']]);
});

it('keeps empty cells, drops empty lines, reads a last line without its end', () => {
  expect(parseCSV('a\t\tb\n\n1\t2\t', '\t', 10)).toEqual([['a', '', 'b'], ['1', '2', '']]);
});

it('stops at the limit', () => {
  expect(parseCSV('1\n2\n3\n4', ',', 2)).toEqual([['1'], ['2']]);
});

it('knows a column of numbers', () => {
  expect(isNumeric(['1', '-2.5e3', ''])).toBe(true);
  expect(isNumeric(['1', 'x'])).toBe(false);
  expect(isNumeric([''])).toBe(false);
});
