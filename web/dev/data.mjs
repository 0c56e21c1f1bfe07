// A made-up workspace, the same at every start.
import { createHash } from 'node:crypto';

const start = Date.now();
const ago = (minutes) => new Date(start - minutes * 60_000).toISOString();
const hash = (n) => createHash('sha256').update(String(n)).digest('hex');

let seed = 7;
function random() {
  seed = (seed * 1664525 + 1013904223) % 4294967296;
  return seed / 4294967296;
}

const words = ['amber', 'quiet', 'brisk', 'lunar', 'olive', 'plain', 'royal', 'sandy', 'vivid', 'woven'];
const beasts = ['crane', 'heron', 'lynx', 'otter', 'finch', 'bison', 'tapir', 'gecko', 'raven', 'hare'];
const models = ['ridge', 'lasso', 'elastic_net', 'random_forest', 'gradient_boosting'];
const metric = (value, step = 0) => ({ value, step, timestamp: ago(1) });

function diabetes(i) {
  const model = models[i % models.length];
  const rmse = 53 + random() * 14 + (model === 'lasso' ? 3 : 0);
  return {
    experiment_id: '1', experiment_name: 'diabetes',
    params: { model, alpha: (10 ** (random() * 4 - 3)).toPrecision(3), max_depth: String(2 + (i % 6)), test_size: '0.25', seed: '7' },
    metrics: { rmse: metric(rmse), mae: metric(rmse * 0.81), r2: metric(1 - (rmse / 77) ** 2) },
  };
}

function digits(i) {
  const accuracy = 0.9 + random() * 0.09;
  return {
    experiment_id: '2', experiment_name: 'handwritten-digits',
    params: { hidden: String(16 * (1 + (i % 5))), learning_rate: (10 ** (random() * -3)).toPrecision(2), epochs: '60' },
    metrics: { 'train/loss': metric(0.02 + random() * 0.1, 60), 'val/loss': metric(0.06 + random() * 0.1, 60), 'val/accuracy': metric(accuracy, 60), seconds: metric(12 + random() * 9) },
  };
}

export const runs = Array.from({ length: 420 }, (_, i) => {
  const body = i % 3 === 0 ? digits(i) : diabetes(i);
  const live = i === 0 || i === 1;
  const failed = i % 17 === 5;
  const canceled = i % 41 === 9;
  const begun = i * 23 + 2;
  const name = `${words[i % 10]}-${beasts[Math.floor(i / 10) % 10]}-${100 + i}`;
  return {
    id: i % 2 ? hash(i).slice(0, 32) : name.replaceAll('-', '_'), name, ...body,
    status: live ? 'RUNNING' : failed ? 'FAILED' : canceled ? 'KILLED' : 'FINISHED',
    lifecycle_stage: 'active', user: ['jiwoo', 'mina', 'alex'][i % 3], job: i % 4 !== 3,
    started_at: ago(begun), ...(live ? {} : { ended_at: ago(begun - 0.2 - random() * 9) }),
    tags: { team: 'forecast', 'mlflow.source.git.commit': hash(i % 5).slice(0, 40) }, outputs: [], inputs: [],
  };
});

export const jobs = runs.filter((run) => run.job).map((run, i) => ({
  name: run.id, type: 'command', display_name: run.name, experiment_name: run.experiment_name, compute: 'local',
  command: `python train.py --model \${{inputs.model}} --data \${{inputs.patients}} --out \${{outputs.model}}`,
  description: 'Predict disease progression one year after the baseline.',
  code: `azureml:${hash(1000 + (i % 3))}:1`, environment: 'azureml:sklearn@latest',
  inputs: { model: run.params.model ?? 'mlp', patients: { type: 'uri_file', path: `azureml://datastores/workspaceblobstore/paths/LocalUpload/${hash(3)}/patients.csv`, mode: 'ro_mount' } },
  outputs: { model: { type: 'uri_folder' } },
  properties: { 'mlflow.source.git.repoURL': 'https://git.example/lab/diabetes.git', 'mlflow.source.git.branch': 'main', 'mlflow.source.git.commit': hash(i % 5).slice(0, 40), 'azureml.git.dirty': i % 2 ? 'True' : 'False' },
  tags: { team: 'forecast' }, limits: { timeout: 3600 },
  status: { RUNNING: 'Running', FINISHED: 'Completed', FAILED: 'Failed', KILLED: 'Canceled' }[run.status],
  ...(run.status === 'FAILED' ? { error: { code: 'UserError', message: 'The command ended with exit code 1. The last line it printed: ValueError: could not convert string to float: \'n/a\'' } } : {}),
  created_by: run.user, created_at: run.started_at, started_at: run.started_at, ended_at: run.ended_at, exit_code: run.status === 'RUNNING' ? undefined : run.status === 'FAILED' ? 1 : 0,
  usage: { cpu_seconds: 38.4, cpu_percent: 96, memory_bytes: 310e6, memory_peak_bytes: 412e6 },
  environment_info: {
    name: 'sklearn', version: '1', hash: hash(77), python: '3.11.2',
    packages: [['alembic', '1.13.2'], ['cloudpickle', '3.1.1'], ['joblib', '1.4.2'], ['mlflow-skinny', '3.4.0'], ['numpy', '2.1.3'], ['pandas', '2.2.3'], ['pyarrow', '18.0.0'], ['scikit-learn', '1.5.2'], ['scipy', '1.14.1'], ['threadpoolctl', '3.5.0']].map(([name, version]) => ({ name, version })),
  },
  runner: { host: 'workbench', pid: 4242 },
}));

export const files = {
  'train.py': `"""Fit one model to the diabetes study and keep what it learnt."""
import argparse

import mlflow
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error

TEST_SIZE = 0.25


def main(path: str, alpha: float) -> None:
    patients = pd.read_csv(path)
    # The last column is the progression of the disease.
    features, target = patients.iloc[:, :-1], patients.iloc[:, -1]
    model = Ridge(alpha=alpha).fit(features, target)
    rmse = mean_squared_error(target, model.predict(features)) ** 0.5
    mlflow.log_metric("rmse", rmse)
    print(f"rmse {rmse:.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--alpha", type=float, default=1.0)
    options = parser.parse_args()
    main(options.data, options.alpha)
`,
  'job.yml': '$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json\ncommand: python train.py --data ${{inputs.patients}}\ncode: .\nenvironment: azureml:sklearn@latest\ninputs:\n  patients:\n    type: uri_file\n    path: patients.csv\n',
  'lib/features.py': 'def scale(column):\n    return (column - column.mean()) / column.std()\n',
};

export const tree = { id: hash(1000), files: Object.keys(files).map((path, i) => ({ path, sha256: hash(500 + i), size: files[path].length })) };
export const blobs = Object.fromEntries(tree.files.map((file) => [file.sha256, files[file.path]]));

export const artifacts = {
  'model/MLmodel': 'artifact_path: model\nflavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    python_version: 3.11.2\n  sklearn:\n    pickled_model: model.pkl\n    sklearn_version: 1.5.2\n',
  'model/model.pkl': 'x'.repeat(4000),
  'model/requirements.txt': 'mlflow==3.4.0\nscikit-learn==1.5.2\n',
  'outputs/predictions.csv': `patient,progression,predicted,error\n${Array.from({ length: 110 }, (_, i) => `P${String(i + 1).padStart(3, '0')},${(60 + (i * 37) % 240)},${(66 + (i * 31) % 220).toFixed(1)},${(((i * 13) % 40) - 20).toFixed(1)}`).join('\n')}\n`,
  'outputs/report.json': '{"model":"ridge","folds":[{"fold":1,"rmse":54.1},{"fold":2,"rmse":56.9}],"final":true}',
  'outputs/confusion.png': null,
};

const wave = (step, from, to, noise) => to + (from - to) * Math.exp(-step / 14) + (Math.sin(step * 12.9898) * noise);
export function series(run, key) {
  const many = key.includes('/');
  const i = runs.indexOf(run);
  const live = run.status === 'RUNNING';
  const count = many ? (live ? 20 + Math.floor((Date.now() - start) / 3000) % 40 : 60) : 1;
  const points = Array.from({ length: count }, (_, step) => ({
    step, timestamp: new Date(start - (60 - step) * 2000).toISOString(),
    value: !many ? run.metrics[key]?.value : key.includes('accuracy') ? wave(step, 0.2, run.metrics[key].value, 0.012) : wave(step, 2.1 + (i % 5) * 0.2, run.metrics[key].value, 0.03),
  }));
  return { key, points, count, sampled: false };
}

export const registered = [
  { name: 'diabetes-progression', description: 'Progression of diabetes one year after the baseline.', tags: { team: 'forecast' }, aliases: { champion: '3', candidate: '4' }, latest_version: '4', created_at: ago(9000), updated_at: ago(35) },
  { name: 'digits', description: '', tags: {}, aliases: {}, latest_version: '1', created_at: ago(400), updated_at: ago(400) },
];
export const versions = [4, 3, 2, 1].map((n) => ({
  name: 'diabetes-progression', version: String(n), type: n === 2 ? 'custom_model' : 'mlflow_model', path: `runs:/${runs[n * 4].id}/model`, tree: hash(1000), size: 48_200 + n * 1000, flavors: { sklearn: {}, python_function: {} },
  description: n === 3 ? 'Best on the held-out part.' : '', tags: {}, properties: {}, run_id: runs[n * 4].id, aliases: n === 3 ? ['champion'] : n === 4 ? ['candidate'] : [], created_by: 'mina', created_at: ago(40 * (6 - n)), updated_at: ago(35), status: 'READY',
}));

export const endpoints = [
  { name: 'diabetes', description: 'Scores a patient’s record.', auth_mode: 'key', traffic: { blue: 90, green: 10 }, scoring_uri: 'http://127.0.0.1:8700/workspaces/default/endpoints/diabetes/score', provisioning_state: 'Succeeded', created_by: 'mina', created_at: ago(3000), updated_at: ago(20) },
  { name: 'digits', description: '', auth_mode: 'key', traffic: {}, scoring_uri: 'http://127.0.0.1:8700/workspaces/default/endpoints/digits/score', provisioning_state: 'Updating', created_by: 'alex', created_at: ago(6), updated_at: ago(1) },
];
export const deployments = [
  { name: 'blue', endpoint_name: 'diabetes', model: 'azureml:diabetes-progression:3', instance_count: 2, provisioning_state: 'Succeeded', replicas: [{ id: 'a', state: 'Running' }, { id: 'b', state: 'Running' }], created_at: ago(3000), updated_at: ago(60) },
  { name: 'green', endpoint_name: 'diabetes', model: 'azureml:diabetes-progression:4', instance_count: 1, provisioning_state: 'Succeeded', replicas: [{ id: 'c', state: 'Running' }], created_at: ago(60), updated_at: ago(20) },
];

export const log = Array.from({ length: 1200 }, (_, i) => {
  if (i === 3) return '\u001b[33mWARNING\u001b[0m: 3 rows have missing values and were dropped';
  if (i % 97 === 41) return `\u001b[32m✓\u001b[0m checkpoint saved to outputs/checkpoint-${i}.pt`;
  return `epoch ${String(i + 1).padStart(4)}  loss ${wave(i / 10, 2.1, 0.04, 0.02).toFixed(5)}  accuracy ${(0.99 - Math.exp(-i / 200) * 0.7).toFixed(4)}`;
}).join('\n') + '\n';

export const me = {
  user: { id: 'u1', name: 'mina', server_role: 'Owner' },
  workspaces: [{ name: 'default', display_name: 'Forecast team', role: 'Owner', actions: ['*'], not_actions: [] }, { name: 'vision', role: 'Reader', actions: ['*/read'], not_actions: [] }],
};
export const tokens = [
  { id: 't1', description: 'laptop', created_at: ago(20000), expires_at: ago(-50000), used_at: ago(3) },
  { id: 't2', description: 'nightly retraining', created_at: ago(90000), expires_at: ago(-9000) },
];
export const environments = [
  { name: 'sklearn', version: '1', description: 'scikit-learn, pandas and MLflow for tabular work.', curated: true, python_version: '3.11', hash: hash(77) },
  { name: 'minimal', version: '1', description: 'Python and MLflow only.', curated: true, python_version: '3.11', hash: hash(78) },
  { name: '', version: '', curated: false, python_version: '3.10', hash: hash(79) },
];
export const experiments = [{ id: '1', name: 'diabetes' }, { id: '2', name: 'handwritten-digits' }].map((one) => ({ ...one, lifecycle_stage: 'active', created_at: ago(9000), updated_at: ago(5) }));
export const workspaces = me.workspaces.map((one) => ({ ...one, description: one.name === 'vision' ? 'Images and video.' : 'Tables and time.', created_at: ago(40000), updated_at: ago(1) }));
