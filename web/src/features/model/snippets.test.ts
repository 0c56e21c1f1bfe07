import { expect, it } from 'vitest';
import { deploySnippet, endpointName } from './snippets';

it.each([
  ['diabetes', 'diabetes'],
  ['my_model.v2', 'my-model-v2'],
  ['9lives', 'lives'],
  ['x', 'model-x'],
  ['--', 'model'],
  ['a'.repeat(50), 'a'.repeat(32)],
])('%s becomes %s', (model, want) => {
  expect(endpointName(model)).toBe(want);
  expect(want).toMatch(/^[A-Za-z][A-Za-z0-9-]{1,30}[A-Za-z0-9]$/);
});

it('needs a scoring script unless MLflow knows how', () => {
  const version = { name: 'm', version: '3' };
  expect(deploySnippet({ ...version, type: 'custom_model' })).toContain('scoring_script');
  expect(deploySnippet({ ...version, type: 'mlflow_model' })).not.toContain('scoring_script');
  expect(deploySnippet({ ...version, type: 'mlflow_model' })).toContain('model: azureml:m:3\n');
});
