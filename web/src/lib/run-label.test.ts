import { expect, it } from 'vitest';
import { runLabels } from './run-label';

it('adds the id only where names are the same', () => {
  const labels = runLabels([{ id: 'calm_fox_1', name: 'ridge' }, { id: 'b'.repeat(32), name: 'ridge' }, { id: 'x', name: 'lasso' }, { id: 'y', name: '' }]);
  expect([...labels.values()]).toEqual(['ridge · calm_fox_1', 'ridge · bbbbbbbb', 'lasso', 'y']);
});
