import { expect, it } from 'vitest';
import { staleKeys } from './live';

it('makes stale what the news is about and no more', () => {
  expect(staleKeys('w', { topic: 'metrics', id: 'r1' })).toEqual([['w', 'runs'], ['w', 'run', 'r1'], ['w', 'metrics', 'r1']]);
  expect(staleKeys('w', { topic: 'model', id: 'm' })).toEqual([['w', 'models'], ['w', 'model'], ['w', 'lineage']]);
  expect(staleKeys('w', { topic: 'datastore', id: 'd' })).toEqual([['w', 'datastores'], ['w', 'datastore', 'd']]);
  expect(staleKeys('w', { topic: 'logs', id: 'r1' })).toEqual([]);
  expect(staleKeys('w', { topic: 'logs', id: 'e/blue' })).toEqual([['w', 'endpoint', 'e', 'logs', 'blue']]);
  expect(staleKeys('w', { topic: 'activity', id: 'e' })).toEqual([['w', 'endpoint', 'e', 'activity']]);
  expect(staleKeys('w', { topic: 'something new', id: '' })).toEqual([]);
});
