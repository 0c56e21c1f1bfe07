// The stories of Studio, in a real browser against the real server.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { findBarriers, logRun, looks, openPage, picture, Studio } from './harness.mjs';

const studio = new Studio();
const { server } = studio;
const at = (path) => studio.at(path);
const signedIn = (options) => studio.signedIn(options);
let finished;
const trained = [];
const hostile = '<img src=x onerror="document.title=1"> \u202egnp.exe';

before(async () => {
  await studio.start();
  const { experiment_id: digits } = await server.mlflow('experiments/create', { name: 'digits' });
  for (const [name, hidden, loss] of [['small', 16, 0.31], ['medium', 32, 0.22], ['large', 64, 0.27]]) {
    trained.push(await logRun(server, { experiment: digits, name, params: { hidden, optimizer: 'adam' }, epochs: 60, loss }));
  }
  const { experiment_id: other } = await server.mlflow('experiments/create', { name: 'names' });
  await logRun(server, { experiment: other, name: hostile, params: { note: hostile }, epochs: 2, loss: 0.5 });

  server.write('job/src/train.py', 'print("epoch 1")\n');
  server.write('job/job.yml', jobFile('first-job', 'printf "plain\\n\\033[32mgreen words\\033[0m\\n" && mkdir -p outputs && printf "x,y\\n1,2\\n3,4\\n" > outputs/table.csv'));
  finished = await submit('job/job.yml');
  server.write('model/weights.txt', '0.1 0.2 0.3\n');
  await server.cli('model', 'create', '-n', 'digits', '-p', join(server.folder, 'model'), '--type', 'custom_model', '--description', 'Reads handwritten digits.');
  await server.cli('online-endpoint', 'create', '-n', 'digits-live');
});

after(async () => {
  await studio.stop();
});

function jobFile(name, command) {
  return `display_name: ${name}\nexperiment_name: jobs\ncommand: >-\n  ${command}\ncode: src\nenvironment:\n  image: library/python:latest\n`;
}

async function submit(file) {
  return JSON.parse(await server.cli('job', 'create', '-f', join(server.folder, file), '-o', 'json')).name;
}

describe('signing in', () => {
  it('takes the link once and leads home', async () => {
    const { context, page, problems, asked } = await openPage(studio.browser);
    const link = await server.signInLink();
    await page.goto(link);
    await page.waitForURL(/\/w\/default$/);
    await page.getByRole('heading', { level: 1 }).waitFor();
    const weight = await page.evaluate(() => performance.getEntriesByType('resource').filter((entry) => entry.name.endsWith('.js')).reduce((sum, entry) => sum + entry.encodedBodySize, 0));
    assert.ok(weight > 10_000 && weight < 250_000, `the first pages took ${weight} bytes of JavaScript`);
    assert.deepEqual(asked.filter((url) => !url.startsWith(server.url)), [], 'nothing is asked from elsewhere');
    await context.clearCookies();
    await page.goto(link);
    await page.getByRole('alert').waitFor();
    await page.getByText('atelier sign-in-link', { exact: true }).waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('takes a token and returns to the page that was asked for', async () => {
    const { context, page, problems } = await openPage(studio.browser);
    await page.goto(at('/runs?experiment=digits'));
    await page.waitForURL(/\/sign-in/);
    await page.getByLabel('Or sign in with a token').fill('not-a-token');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Or sign in with a token').fill(await server.token());
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.waitForURL(/\/runs\?experiment=digits/);
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('runs', () => {
  it('filters, sorts and keeps both in the address', async () => {
    const { context, page, problems } = await signedIn();
    await page.goto(at('/runs?experiment=digits'));
    const names = page.getByRole('table').getByRole('link');
    await names.nth(2).waitFor();
    await page.getByRole('button', { name: 'val/loss' }).click();
    await page.waitForURL(/order=/);
    await page.waitForFunction(() => document.querySelector('[role=table] a')?.textContent?.startsWith('medium'));
    await page.getByRole('combobox', { name: 'Filter runs' }).or(page.getByRole('textbox', { name: 'Filter runs' })).first().fill('metrics.`val/loss` < 0.3');
    await page.keyboard.press('Enter');
    await page.waitForURL(/filter=/);
    await page.waitForFunction(() => document.querySelectorAll('[role=table] a').length === 2);
    await page.reload();
    await page.waitForFunction(() => document.querySelectorAll('[role=table] a').length === 2);
    assert.match(await names.first().textContent() ?? '', /^medium/);
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("shows the server's words for a filter that it does not understand", async () => {
    const { context, page } = await signedIn();
    await page.goto(at(`/runs?filter=${encodeURIComponent('metrics.loss <<< 3')}`));
    await page.getByRole('alert').waitFor();
    await context.close();
  });

  it('shows names as text, whatever is in them', async () => {
    const { context, page, problems } = await signedIn();
    await page.goto(at('/runs?experiment=names'));
    await page.getByRole('table').getByRole('link').first().click();
    await page.getByRole('heading', { level: 1, name: /onerror/ }).waitFor();
    assert.equal(await page.locator('main img').count(), 0);
    assert.match(await page.title(), /onerror/);
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('compares the selected ones and marks the best', async () => {
    const { context, page, problems } = await signedIn();
    await page.goto(at('/runs?experiment=digits'));
    for (const name of ['small', 'medium', 'large']) await page.getByRole('checkbox', { name: `Select ${name}` }).check();
    await page.getByRole('link', { name: 'Compare' }).click();
    await page.getByRole('heading', { name: 'Compare 3 runs' }).waitFor();
    const losses = page.getByRole('row', { name: /val\/loss/ });
    assert.match(await losses.getByRole('cell').nth(1).textContent() ?? '', /best/);
    assert.equal(await page.locator('tr[data-differs]').filter({ hasText: 'hidden' }).count(), 1);
    assert.equal(await page.locator('tr[data-differs]').filter({ hasText: 'optimizer' }).count(), 0);
    await page.locator('figure canvas').nth(1).waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('a job', () => {
  it('shows its lines while it runs, and its end, without a reload', async () => {
    const flag = join(server.folder, 'go-on');
    server.write('job/live.yml', jobFile('live-job', `echo waiting; until [ -e ${flag} ]; do sleep 0.1; done; echo released`));
    const name = await submit('job/live.yml');
    const { context, page, problems } = await signedIn();
    await page.goto(at(`/runs/${name}?tab=logs`));
    await page.getByRole('log').getByText('waiting', { exact: true }).waitFor();
    await page.getByRole('heading', { level: 1 }).getByText('Running').waitFor();
    writeFileSync(flag, '');
    await page.getByRole('log').getByText('released', { exact: true }).waitFor();
    await page.getByRole('heading', { level: 1 }).getByText('Completed').waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('can be canceled', async () => {
    server.write('job/long.yml', jobFile('long-job', 'echo started; sleep 600'));
    const name = await submit('job/long.yml');
    const { context, page, problems } = await signedIn();
    await page.goto(at(`/runs/${name}?tab=logs`));
    await page.getByRole('log').getByText('started', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Cancel job' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel job' }).click();
    await page.getByRole('heading', { level: 1 }).getByText('Canceled').waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('keeps its colours, outputs, code and environment', async () => {
    const { context, page, problems } = await signedIn();
    await page.goto(at(`/runs/${finished}`));
    await page.getByRole('heading', { level: 1 }).getByText('Completed').waitFor();
    await page.getByRole('tab', { name: 'Logs' }).click();
    assert.equal(await page.getByRole('log').getByText('green words').getAttribute('data-fg'), 'ansi-green');
    await page.getByRole('textbox', { name: 'Search' }).fill('GREEN');
    await page.getByText('1 of 1').waitFor();
    await page.getByRole('tab', { name: 'Outputs' }).click();
    await page.getByRole('button', { name: /table\.csv/ }).click();
    await page.getByRole('cell', { name: '4', exact: true }).waitFor();
    await page.getByRole('tab', { name: 'Code' }).click();
    await page.getByRole('button', { name: /train\.py/ }).click();
    await page.locator('.cm-content').getByText('epoch 1').waitFor();
    await page.getByRole('tab', { name: 'Environment' }).click();
    await page.getByRole('heading', { name: 'Environment build' }).waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('models and endpoints', () => {
  it('registers a version from a run', async () => {
    const { context, page, problems } = await signedIn();
    await page.goto(at(`/runs/${finished}`));
    await page.getByRole('button', { name: 'Register model' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('tables');
    await dialog.getByRole('button', { name: 'Register model' }).click();
    await page.waitForURL(/\/models\/tables/);
    await page.getByRole('link', { name: 'Version 1' }).waitFor();
    await page.getByRole('region', { name: 'Version 1' }).getByRole('link', { name: finished }).waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('shows the keys of an endpoint only when asked', async () => {
    const { context, page, problems } = await signedIn();
    await page.goto(at('/endpoints'));
    await page.getByRole('link', { name: 'digits-live' }).click();
    await page.getByRole('heading', { name: 'Keys' }).waitFor();
    assert.equal(await page.getByText('Primary', { exact: true }).count(), 0);
    await page.getByRole('button', { name: 'Show the keys' }).click();
    await page.getByText('Primary', { exact: true }).waitFor();
    await page.getByRole('tab', { name: 'Test' }).click();
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByRole('status', { name: 'Answer' }).getByText(/Status [45]/).waitFor(); // it has no deployment
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('everywhere', () => {
  it('speaks Korean and keeps it', async () => {
    const { context, page, problems } = await signedIn();
    await page.goto(`${server.url}/settings`);
    await page.getByText('한국어').click();
    await page.getByRole('heading', { level: 1, name: '설정' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { level: 1, name: '설정' }).waitFor();
    assert.equal(await page.locator('html').getAttribute('lang'), 'ko');
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('can be used with the keyboard', async () => {
    const { context, page } = await signedIn();
    await page.goto(at(''));
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to the content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'content');
    await context.close();
  });

  it('says so when a thing is not there', async () => {
    const { context, page } = await signedIn();
    await page.goto(at('/runs/no-such-run'));
    await page.getByRole('alert').getByText('no-such-run').waitFor();
    await context.close();
  });

  it('lives through a stop of the server', async () => {
    const { context, page } = await signedIn();
    await page.goto(at('/runs'));
    await page.getByRole('table').waitFor();
    await server.stop();
    await page.getByText('Trying again').waitFor();
    await page.getByRole('table').waitFor();
    await server.start();
    await page.getByText('Trying again').waitFor({ state: 'hidden' });
    await context.close();
  });
});

describe('every page', () => {
  const pages = () => ({
    home: '', runs: '/runs', 'runs-of-an-experiment': '/runs?experiment=digits&order=metrics.val%2Floss%20ASC', run: `/runs/${trained[1]}`, 'run-metrics': `/runs/${trained[1]}?tab=metrics&smooth=0.6`,
    job: `/runs/${finished}`, 'job-logs': `/runs/${finished}?tab=logs`, 'job-outputs': `/runs/${finished}?tab=outputs`, 'job-code': `/runs/${finished}?tab=code`, 'job-environment': `/runs/${finished}?tab=environment`,
    compare: `/compare?runs=${encodeURIComponent(JSON.stringify(trained))}`, models: '/models', model: '/models/digits', 'endpoint-new': '/endpoints/digits-live', environments: '/environments',
  });
  for (const look of Object.keys(looks)) {
    it(`has no barriers and has its picture: ${look}`, async () => {
      const all = { ...Object.fromEntries(Object.entries(pages()).map(([name, path]) => [name, at(path)])), settings: `${server.url}/settings`, workspaces: `${server.url}/settings/workspaces` };
      assert.deepEqual(await studio.lookAt(look, all), []);
    });
  }

  it('has no barriers and has its picture: signing in', async () => {
    for (const [look, options] of Object.entries(looks)) {
      const { context, page } = await openPage(studio.browser, options);
      await page.goto(`${server.url}/sign-in`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      assert.deepEqual(await findBarriers(page), []);
      await picture(page, look, 'sign-in');
      await context.close();
    }
  });
});
