import { expect, it } from 'vitest';
import { listCommand } from './commands';

it('says what the page shows', () => {
  expect(listCommand('digits', 'metrics.rmse < 60', { column: 'metrics.rmse', descending: false })).toBe(
    "atelier run list --experiment digits --filter 'metrics.rmse < 60' --order-by 'metrics.rmse ASC'",
  );
  expect(listCommand(undefined, '', null)).toBe('atelier run list');
});
