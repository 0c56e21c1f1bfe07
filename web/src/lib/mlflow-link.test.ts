import { describe, expect, it } from 'vitest';
import { readMlflowLink } from './mlflow-link';

describe('readMlflowLink', () => {
  it.each([
    ['/experiments/1/runs/neat_brook_w4oik0b5sg', { run: 'neat_brook_w4oik0b5sg' }],
    ['#/experiments/1/runs/abc', { run: 'abc' }],
    ['/experiments/12', { experiment: '12' }],
    ['', undefined],
    ['/models/x', undefined],
    ['/experiments/1/runs/../../x', undefined],
  ])('%s', (hash, link) => expect(readMlflowLink(hash)).toEqual(link));
});
