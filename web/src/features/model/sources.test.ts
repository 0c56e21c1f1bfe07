import { expect, it } from 'vitest';
import { modelSources } from './sources';

it('offers models first and leaves their inner files and logs out', () => {
  const files = ['logs/x.txt', 'model/MLmodel', 'model/model.pkl', 'outputs/model.joblib'].map((path) => ({ path, is_dir: false, size: 1 }));
  expect(modelSources({ id: 'r1', outputs: [{ model_id: 'm-1', step: 0 }] }, ['model_dir'], files)).toEqual([
    { path: 'models:/m-1', label: 'm-1', type: 'mlflow_model' },
    { path: 'runs:/r1/model', label: 'model', type: 'mlflow_model' },
    { path: 'azureml://jobs/r1/outputs/model_dir', label: 'model_dir', type: 'custom_model' },
    { path: 'runs:/r1/outputs/model.joblib', label: 'outputs/model.joblib', type: 'custom_model' },
  ]);
});
