import { expect, it } from 'vitest';
import type { Run } from '@/api/nouns';
import { defaultColumns, fieldsOf, splitField, worth } from './columns';

function run(params: Record<string, string>, metrics: string[]): Run {
  return {
    id: 'x', name: 'x', experiment_id: '1', experiment_name: 'e', status: 'FINISHED', lifecycle_stage: 'active', params,
    user: 'u', started_at: '', tags: {}, job: false, inputs: [], outputs: [],
    metrics: Object.fromEntries(metrics.map((key) => [key, { value: 1, step: 0, timestamp: '' }])),
  };
}

const runs = [
  run({ seed: '1', alpha: '0.1' }, ['epoch', 'rmse']),
  run({ seed: '1', alpha: '0.2' }, ['epoch', 'rmse', 'r2']),
];

it('lists metrics before params and the commonest first', () => {
  expect(fieldsOf(runs)).toEqual(['metrics.epoch', 'metrics.rmse', 'metrics.r2', 'params.alpha', 'params.seed']);
});

it('starts with results that can be ranked and params that differ', () => {
  expect(defaultColumns(runs)).toEqual(['metrics.rmse', 'metrics.r2', 'metrics.epoch', 'params.alpha']);
  expect(defaultColumns([])).toEqual([]);
});

it('takes results on held-out data for the most telling', () => {
  expect(['epoch', 'seconds', 'train/loss', 'val/loss', 'test.accuracy'].map(worth)).toEqual([0, 0, 1, 2, 3]);
});

it('splits at the first dot only', () => {
  expect(splitField('metrics.val.loss')).toEqual({ group: 'metrics', key: 'val.loss' });
  expect(splitField('params.a')).toEqual({ group: 'params', key: 'a' });
});
