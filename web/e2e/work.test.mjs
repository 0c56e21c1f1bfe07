// The stories of secrets, environments that are really built, jobs of several
// processes, and repetitions with metrics, in a real browser.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { looks, Studio } from './harness.mjs';

const studio = new Studio();
const { server } = studio;
const at = (path) => studio.at(path);
let several;

before(async () => {
  await studio.start();
  several = await submit('several', 'echo process $RANK of $WORLD_SIZE', 'environment: {image: "library/python:latest"}\ndistribution: {type: pytorch, process_count_per_instance: 2}\n');
  await server.cli('job', 'stream', several);
});

after(() => studio.stop());

/** Submits a job and returns its name. */
async function submit(name, command, rest) {
  const file = server.write(`${name}.yml`, `display_name: ${name}\nexperiment_name: work\ncommand: >-\n  ${command}\n${rest}`);
  return JSON.parse(await server.cli('job', 'create', '-f', file, '-o', 'json')).name;
}

describe('secrets', () => {
  it('are set and forgotten, and never shown', async () => {
    const { context, page, problems } = await studio.signedIn();
    await page.goto(at('/secrets'));
    await page.getByText('No secrets yet').waitFor();
    await page.getByRole('button', { name: 'New secret' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('no good name!');
    await dialog.getByLabel(/^Value/).fill('never-to-be-seen');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.getByLabel('Name').fill('hf-token');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'hidden' });
    const row = page.getByRole('group', { name: 'Secrets' }).getByRole('row', { name: /^hf-token/ });
    await row.getByText('${{secrets.hf-token}}').waitFor();
    await row.getByText('Never').waitFor();
    await row.getByRole('button', { name: 'New value' }).click();
    assert.equal(await dialog.getByLabel(/^Value/).inputValue(), '');
    await dialog.getByLabel(/^Value/).fill('nor-this-one');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'hidden' });
    assert.doesNotMatch(await page.content(), /never-to-be-seen|nor-this-one/);
    await row.getByRole('button', { name: 'Delete' }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('No secrets yet').waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('an environment', () => {
  it('is written in the browser and really built', async () => {
    const { context, page, problems } = await studio.signedIn();
    await page.goto(at('/environments'));
    await page.getByRole('button', { name: 'New environment' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('small');
    await dialog.getByRole('textbox', { name: 'Conda file' }).fill('dependencies: [');
    await dialog.getByRole('button', { name: 'Register' }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.getByText('Pip requirements').first().click();
    await dialog.getByRole('textbox', { name: 'Pip requirements' }).fill('six==1.17.0\n');
    await dialog.getByRole('button', { name: 'Register' }).click();
    await page.waitForURL(/\/environments\/small\?.*tab=build/);
    const build = page.getByRole('region', { name: 'Environment build' });
    await build.getByText('Ready', { exact: true }).waitFor({ timeout: 120_000 });
    await page.getByRole('tab', { name: 'Packages' }).click();
    await page.getByRole('row', { name: /^six/ }).getByText('1.17.0').waitFor();
    await page.getByRole('button', { name: 'New version' }).click();
    assert.equal(await dialog.getByRole('textbox', { name: 'Pip requirements' }).inputValue(), 'six==1.17.0');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('a job of several processes', () => {
  it('shows how each ended and what it printed', async () => {
    const { context, page, problems } = await studio.signedIn();
    await page.goto(at(`/runs/${several}`));
    const processes = page.getByRole('region', { name: 'Processes' });
    await processes.getByRole('row', { name: /^0 0 Completed/ }).waitFor();
    await processes.getByRole('row', { name: /^1 0 Completed/ }).getByRole('link', { name: 'Its log' }).click();
    await page.getByRole('log', { name: 'Process 1' }).getByText('process 1 of 2').waitFor();
    await page.getByRole('textbox', { name: 'Which process' }).or(page.getByRole('combobox', { name: 'Which process' })).first().click();
    await page.getByRole('option', { name: 'Process 0' }).click();
    await page.getByRole('log', { name: 'Output' }).getByText('process 0 of 2').waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('a running job', () => {
  it('names its services and how to open them', async () => {
    const flag = join(server.folder, 'services-end');
    const job = await submit('served', `until [ -e ${flag} ]; do sleep 0.1; done`, 'environment: {image: "library/python:latest"}\nservices:\n  board: {type: tensor_board}\n');
    const { context, page, problems } = await studio.signedIn();
    await page.goto(at(`/runs/${job}`));
    const services = page.getByRole('region', { name: 'Services' });
    await services.getByText('board', { exact: true }).waitFor();
    await services.getByText('tensor_board').waitFor();
    writeFileSync(flag, '');
    await page.getByRole('heading', { level: 1 }).getByText('Completed').waitFor();
    await services.waitFor({ state: 'hidden' });
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('a repetition', () => {
  it('is compared with its original, metric by metric', async () => {
    const job = await submit('measured', 'python -c "import mlflow; mlflow.log_metric(\'rmse\', 0.25)"', 'environment: azureml:minimal@latest\n');
    await server.cli('job', 'stream', job);
    const { context, page, problems } = await studio.signedIn();
    await page.goto(at(`/runs/${job}`));
    await page.getByRole('button', { name: 'Run again' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Run again' }).click();
    await page.waitForURL((url) => !url.pathname.endsWith(job));
    await page.getByRole('heading', { level: 1 }).getByText('Completed').waitFor({ timeout: 120_000 });
    const verdict = page.getByRole('region', { name: 'Compared with the first time' });
    await verdict.getByText('All metrics agree.').waitFor();
    await verdict.getByRole('row', { name: /^rmse .*0\.25.*Same/ }).waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('every page', () => {
  before(() => studio.call('PUT', '/workspaces/default/secrets/hf-token', { value: 'never-to-be-seen' }));
  for (const look of Object.keys(looks)) {
    it(`has no barriers and has its picture: ${look}`, async () => {
      assert.deepEqual(await studio.lookAt(look, {
        secrets: at('/secrets'), 'job-processes': at(`/runs/${several}`), 'job-process-log': at(`/runs/${several}?tab=logs&log=user_logs/std_log_process_01.txt`), 'environment-built': at('/environments/small?tab=build'),
      }), []);
    });
  }
});
