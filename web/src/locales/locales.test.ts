import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { en } from './en';
import { ko } from './ko';

type Words = { [key: string]: string | Words };

function flatten(words: Words, prefix = ''): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [key, value] of Object.entries(words)) {
    if (typeof value === 'string') flat.set(prefix + key, value);
    else for (const [inner, text] of flatten(value, `${prefix}${key}.`)) flat.set(inner, text);
  }
  return flat;
}

const english = flatten(en);
const korean = flatten(ko);
const plural = /_(zero|one|two|few|many|other)$/;
const bases = (keys: Iterable<string>) => new Set([...keys].map((key) => key.replace(plural, '')));
const holes = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1]).toSorted();

it('has every text in both languages', () => {
  expect([...bases(english.keys())].filter((key) => !bases(korean.keys()).has(key))).toEqual([]);
  expect([...bases(korean.keys())].filter((key) => !bases(english.keys()).has(key))).toEqual([]);
});

it('has the plural forms that each language needs', () => {
  for (const key of english.keys()) {
    if (!plural.test(key)) continue;
    const base = key.replace(plural, '');
    expect([english.has(`${base}_one`), english.has(`${base}_other`), korean.has(`${base}_other`)], base).toEqual([true, true, true]);
  }
});

it('fills the same holes in both languages', () => {
  for (const [key, text] of korean) {
    const counterpart = english.get(key) ?? english.get(key.replace(plural, ''));
    expect(counterpart, key).toBeDefined();
    expect(holes(text), key).toEqual(holes(counterpart ?? ''));
  }
});

it('leaves no text empty, and none in Korean that is still English', () => {
  const sameInBoth = new Set(['compare.python']);
  for (const [key, text] of [...english, ...korean]) expect(text.trim(), key).not.toBe('');
  for (const [key, text] of korean) {
    if (!sameInBoth.has(key)) expect(text, key).toMatch(/[가-힣]/);
  }
});

it('leaves no particle to guess after a name', () => {
  for (const [key, text] of korean) expect(text, key).not.toMatch(/\}\}(은|는|이|가|을|를|과|와|으로|로)(\s|$)/);
});

it('keeps text out of the pages', () => {
  const folder = join(import.meta.dirname, '..');
  const pages = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tsx'));
  expect(pages.length).toBeGreaterThan(20);
  for (const page of pages) {
    const source = readFileSync(join(folder, page), 'utf8');
    const literal = /(?:aria-label|placeholder|title|label)="([^"]*[A-Za-z]{3}[^"]*)"/.exec(source);
    expect(literal?.[0], page).toBeUndefined();
  }
});
