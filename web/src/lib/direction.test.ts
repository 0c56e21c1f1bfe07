import { expect, it } from 'vitest';
import { bestOf, betterDirection } from './direction';

it.each([
  ['rmse', 'lower'],
  ['val_loss', 'lower'],
  ['training_mean_squared_error', 'lower'],
  ['valLoss', 'lower'],
  ['accuracy', 'higher'],
  ['val/accuracy', 'higher'],
  ['r2', 'higher'],
  ['test_r2_score', 'higher'],
  ['roc_auc', 'higher'],
  ['learning_rate', null],
  ['epoch', null],
  ['glossary', null],
])('%s: %s is better', (name, want) => {
  expect(betterDirection(name)).toBe(want);
});

it('marks the best, all of the equal best, and nothing where nothing differs', () => {
  expect([...bestOf([3, 1, 2], 'lower')]).toEqual([1]);
  expect([...bestOf([3, 3, NaN], 'higher')]).toEqual([]);
  expect([...bestOf([3, 3, 1], 'higher')]).toEqual([0, 1]);
  expect([...bestOf([1, 2], null)]).toEqual([]);
  expect([...bestOf([1], 'lower')]).toEqual([]);
});
