// The stories of data, datastores, environments, compute and lineage, in a real
// browser against the real server.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { looks, picture, Studio } from './harness.mjs';

const studio = new Studio();
const { server } = studio;
const at = (path) => studio.at(path);
const call = (...request) => studio.call(...request);
const signedIn = (options) => studio.signedIn(options);
const hostile = '<img src=x onerror="document.title=1"><svg onload="document.title=1"> \u202egnp.exe';
let cleaned;
let trained;

before(async () => {
  await studio.start();
  server.write('patients.csv', table(400, 0));
  await server.cli('data', 'create', '-n', 'patients', '-p', join(server.folder, 'patients.csv'), '-d', 'Patients of the diabetes study, one in a row.', '--tag', 'team=forecast');
  server.write('hostile/<b>name.csv', `column,${hostile.replaceAll('"', '""').replace(/^/, '"').replace(/$/, '"')}\n1,"=cmd()<script>document.title=1</script>"\n`);
  server.write('hostile/page.html', '<script>parent.document.title = 1; document.title = 1</script><h1>a page</h1>');
  server.write('hostile/picture.svg', '<svg xmlns="http://www.w3.org/2000/svg" onload="document.title=1"><text>drawn</text></svg>');
  await server.cli('data', 'create', '-n', 'hostile', '-p', join(server.folder, 'hostile'), '-d', hostile, '--tag', `k=${hostile}`);

  cleaned = await run('clean', 'mkdir -p ${{outputs.table}} && cp ${{inputs.raw}} ${{outputs.table}}/patients.csv', {
    inputs: { raw: '{type: uri_file, path: "azureml:patients:1"}' }, outputs: { table: '{type: uri_folder, name: cleaned}' },
  });
  trained = await run('train', 'mkdir -p ${{outputs.model}} && cat ${{inputs.table}}/patients.csv | wc -l > ${{outputs.model}}/weights.txt', {
    inputs: { table: '{type: uri_folder, path: "azureml:cleaned@latest"}', alpha: '0.5' }, outputs: { model: '{type: uri_folder}' },
  });
  await server.cli('model', 'create', '-n', 'progression', '-p', `azureml://jobs/${trained}/outputs/model`, '--type', 'custom_model');
  server.write('deployment/score.py', 'def init(): pass\n\ndef run(data): return data\n');
  server.write('deployment/blue.yml', 'name: blue\nendpoint_name: triage\nmodel: azureml:progression:1\ncode_configuration: {code: ., scoring_script: score.py}\nenvironment: azureml:minimal@latest\ninstance_count: 1\n');
  await server.cli('online-endpoint', 'create', '-n', 'triage');
  await server.cli('online-deployment', 'create', '-f', join(server.folder, 'deployment/blue.yml'), '--no-wait');
  server.write('environment/conda.yml', 'name: vision\ndependencies:\n  - python=3.11\n  - pip:\n      - numpy==2.1.3\n      - pillow==11.0.0\n');
  server.write('environment/environment.yml', 'name: vision\ndescription: Pictures, with Pillow.\nimage: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04\nconda_file: conda.yml\n');
  await server.cli('environment', 'create', '-f', join(server.folder, 'environment/environment.yml'));
  server.write('night.yml', 'name: night\ntype: local\nslots: 1\ndescription: For what may wait until the evening.\n');
  await server.cli('compute', 'create', '-f', join(server.folder, 'night.yml'));
});

after(async () => {
  await server.cli('online-endpoint', 'delete', '-n', 'triage', '--yes'); // its worker would outlive the server
  await studio.stop();
});

/** A table of people who do not exist; shift moves what it says of them. */
function table(rows, shift) {
  const lines = ['patient,age,bmi,sex,progression,note'];
  for (let i = 0; i < rows; i++) {
    const wave = Math.sin(i * 12.9898) * 43758.5453;
    const noise = wave - Math.floor(wave);
    lines.push(`P${String(i + 1).padStart(4, '0')},${Math.round(28 + 45 * noise)},${(19 + 14 * ((noise * 7.3) % 1) + shift).toFixed(1)},${i % 3 === 0 ? 'f' : 'm'},${Math.round(60 + 210 * ((noise * 3.7) % 1) + shift * 12)},${i % 5 === 0 ? '' : 'seen'}`);
  }
  return `${lines.join('\n')}\n`;
}

function block(name, entries) {
  const lines = Object.entries(entries ?? {}).map(([key, value]) => `  ${key}: ${value}`);
  return lines.length > 0 ? `${name}:\n${lines.join('\n')}\n` : '';
}

async function submit(name, command, { inputs, outputs, rest = '' } = {}) {
  const file = server.write(`${name}.yml`, `display_name: ${name}\nexperiment_name: diabetes\ncommand: >-\n  ${command}\nenvironment:\n  image: library/python:latest\n${block('inputs', inputs)}${block('outputs', outputs)}${rest}`);
  return JSON.parse(await server.cli('job', 'create', '-f', file, '-o', 'json')).name;
}

/** Submits a job and waits for its good end. */
async function run(name, command, more) {
  const job = await submit(name, command, more);
  await server.cli('job', 'stream', job);
  return job;
}

describe('data', () => {
  it('is uploaded from the browser, looked into and compared', async () => {
    const { context, page, problems } = await signedIn();
    await page.goto(at('/data'));
    await page.getByRole('link', { name: 'patients', exact: true }).click();
    await page.getByRole('region', { name: 'First rows' }).getByRole('cell', { name: 'P0001' }).waitFor();
    await page.getByRole('button', { name: 'New version' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.locator('input[type=file]').first().setInputFiles({ name: 'patients.csv', mimeType: 'text/csv', buffer: Buffer.from(table(500, 4)) });
    await dialog.getByText('1 file').waitFor();
    await dialog.getByLabel('Description').fill('With the visits of autumn.');
    await dialog.getByRole('button', { name: 'Register' }).click();
    await page.waitForURL(/version=/);
    await page.getByRole('link', { name: 'Version 2' }).waitFor();
    await page.getByRole('tab', { name: 'Profile' }).click();
    await page.getByText('500 rows').waitFor();
    const bmi = page.getByRole('row', { name: /bmi/ });
    await bmi.getByRole('img', { name: 'Histogram of bmi' }).waitFor();
    assert.match(await page.getByRole('row', { name: /note/ }).textContent() ?? '', /20%/);
    await page.getByRole('tab', { name: 'Difference' }).click();
    await page.getByText('400 → 500').waitFor();
    await page.getByRole('row', { name: /bmi/ }).getByText('Other values').waitFor();
    await page.getByRole('cell', { name: 'patients.csv' }).waitFor();
    await page.reload();
    await page.getByText('400 → 500').waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('is downloaded as it was, and many files as one', async () => {
    const { context, page } = await signedIn();
    await page.goto(at('/data/patients?version=1'));
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('header').getByRole('link', { name: 'Download' }).first().click()]);
    assert.equal(download.suggestedFilename(), 'patients.csv');
    await page.goto(at('/data/hostile'));
    const [zip] = await Promise.all([page.waitForEvent('download'), page.locator('header').getByRole('link', { name: 'Download' }).first().click()]);
    assert.equal(zip.suggestedFilename(), 'hostile-1.zip');
    await context.close();
  });

  it('stays text and runs nothing, whatever is in its names and files', async () => {
    const { context, page, problems, asked } = await signedIn();
    await page.goto(at('/data'));
    await page.getByText(/onerror/).first().waitFor();
    for (const path of ['', '?path=page.html', '?path=picture.svg', `?path=${encodeURIComponent('<b>name.csv')}`, '?tab=profile', '?tab=lineage']) {
      await page.goto(at(`/data/hostile${path}`));
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByRole('tab', { name: 'Overview' }).waitFor();
      await page.waitForFunction(() => document.querySelector('[role=status][aria-label]') === null);
      assert.match(await page.title(), /^hostile · Atelier$/);
      assert.equal(await page.locator('main iframe, main object, main embed, main script, main [onload], main [onerror]').count(), 0, path);
    }
    // What a browser asks for itself, without our page around it, is a download and no page.
    const source = asked.find((url) => /\/blobs\/[0-9a-f]{64}$/.test(url));
    const headers = (await page.request.get(source)).headers();
    assert.match(headers['content-disposition'], /attachment/);
    assert.match(headers['content-type'], /octet-stream/);
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('is a list that stays quick with a thousand names', async () => {
    const path = (await (await call('GET', '/workspaces/default/data/patients/versions/1')).json()).path;
    for (let i = 0; i < 1000; i += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, k) => call('POST', '/workspaces/default/data', { name: `many-${String(i + k).padStart(4, '0')}`, type: 'uri_file', path })));
    }
    const { context, page, problems } = await signedIn();
    await page.goto(at('/data'));
    await page.getByRole('link', { name: 'many-0000' }).waitFor();
    assert.ok(await page.getByRole('row').count() < 120, 'only the rows on the screen are drawn');
    assert.equal(await page.getByRole('table').getAttribute('aria-rowcount'), String(1000 + 3 + 1));
    await picture(page, 'light', 'data-many');
    await page.getByRole('group', { name: 'Data' }).evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await page.getByRole('link', { name: 'patients', exact: true }).waitFor();
    await page.getByRole('textbox', { name: 'Find data' }).fill('many-0999');
    await page.getByRole('link', { name: 'many-0999' }).waitFor();
    await page.waitForURL(/find=many-0999/);
    assert.equal(await page.getByRole('row').count(), 2);
    await Promise.all(Array.from({ length: 1000 }, (_, i) => `many-${String(i).padStart(4, '0')}`).map((name) => call('PATCH', `/workspaces/default/data/${name}`, { archived: true })));
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('is archived and taken back', async () => {
    const { context, page, problems } = await signedIn();
    await page.goto(at('/data/hostile'));
    await page.getByRole('button', { name: 'Archive', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Archive', exact: true }).click();
    await page.getByRole('button', { name: 'Restore', exact: true }).waitFor();
    await page.goto(at('/data'));
    await page.getByRole('link', { name: 'patients', exact: true }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'hostile' }).count(), 0);
    await page.getByRole('switch', { name: 'Archived ones too' }).click({ force: true });
    await page.getByRole('link', { name: 'hostile' }).click();
    await page.getByRole('button', { name: 'Restore', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Restore', exact: true }).click();
    await page.getByRole('button', { name: 'Archive', exact: true }).waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('lineage', () => {
  it('leads from the deployed model down to the bytes', async () => {
    const { context, page, problems } = await signedIn();
    await page.goto(at('/models/progression'));
    const graph = page.getByRole('group', { name: 'Lineage' });
    for (const name of ['triage / blue', 'train', 'cleaned:1', 'clean', 'patients:1']) await graph.getByText(name, { exact: true }).waitFor();
    await page.getByText('List', { exact: true }).click();
    await page.getByRole('row', { name: /patients:1.*clean/ }).waitFor();
    await page.getByText('Graph', { exact: true }).click();
    await graph.getByRole('link', { name: /patients:1/ }).click();
    await page.waitForURL(/\/data\/patients\?version=/);
    await page.getByRole('tab', { name: 'Lineage' }).click();
    await page.getByRole('group', { name: 'Used by' }).getByRole('link', { name: cleaned }).waitFor();
    await page.getByRole('group', { name: 'Lineage' }).getByText('progression:1').waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('is on the page of a run, whose inputs lead to their data', async () => {
    const { context, page, problems } = await signedIn();
    await page.goto(at(`/runs/${trained}`));
    await page.getByRole('link', { name: 'cleaned:1' }).click();
    await page.waitForURL(/\/data\/cleaned\?version=/);
    await page.goto(at(`/runs/${trained}?tab=lineage`));
    await page.getByRole('group', { name: 'Lineage' }).getByText('progression:1').waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('datastores', () => {
  it('are created with credentials that are never shown again, changed and deleted', async () => {
    const { context, page, problems } = await signedIn();
    await page.goto(at('/datastores'));
    await page.getByRole('button', { name: 'New datastore' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('lake');
    await dialog.getByRole('textbox', { name: /^Bucket/ }).fill('patients');
    await dialog.getByLabel('Service address').fill('http://127.0.0.1:9');
    await dialog.getByLabel('Access key ID').fill('AKIDEXAMPLE');
    await dialog.getByLabel('Secret access key').fill('never-to-be-seen');
    await dialog.getByRole('button', { name: 'New datastore' }).click();
    await dialog.getByRole('alert').waitFor(); // nothing answers there
    await dialog.getByRole('switch', { name: /Do not check/ }).click({ force: true });
    await dialog.getByRole('button', { name: 'New datastore' }).click();
    await page.waitForURL(/\/datastores\/lake/);
    await page.getByText('s3://patients').waitFor();
    await page.getByText('Access key', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Edit' }).click();
    assert.equal(await dialog.getByLabel('Secret access key').inputValue(), '');
    await dialog.getByLabel('Description').fill(hostile);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText(/onerror/).first().waitFor();
    assert.doesNotMatch(await page.content(), /never-to-be-seen|AKIDEXAMPLE/);
    await page.getByRole('button', { name: 'Delete' }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.waitForURL(/\/datastores$/);
    await page.getByRole('link', { name: 'workspaceblobstore' }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'lake' }).count(), 0);
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('compute', () => {
  it('shows why a job waits, and starts it when its compute starts', async () => {
    const { context, page, problems } = await signedIn();
    await page.goto(at('/compute'));
    const computes = page.getByRole('group', { name: 'Computes' });
    await computes.getByRole('row', { name: /night/ }).getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Stop' }).click();
    await computes.getByText('Stopped').waitFor();
    const job = await submit('waits', 'echo done', { rest: 'compute: azureml:night\n' });
    await page.getByRole('group', { name: 'Queue' }).getByRole('row', { name: /waits/ }).getByText('Its compute is stopped.').waitFor();
    await page.goto(at(`/runs/${job}`));
    await page.getByText('Its compute is stopped.').waitFor();
    await page.getByRole('link', { name: 'Show the queue' }).click();
    await computes.getByRole('row', { name: /night/ }).getByRole('button', { name: 'Start' }).click();
    await page.getByText('Nothing waits.').waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('is limited, and cancels from the queue', async () => {
    const { context, page, problems } = await signedIn();
    await page.goto(at('/compute'));
    await page.getByRole('region', { name: 'Limits' }).getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('dialog').getByLabel('Jobs per experiment').fill('1');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    const flag = join(server.folder, 'go-on');
    await submit('first', `until [ -e ${flag} ]; do sleep 0.1; done`);
    await submit('second', 'echo never');
    const waiting = page.getByRole('group', { name: 'Queue' }).getByRole('row', { name: /second/ });
    await waiting.getByText(/The limit .* is reached/).waitFor();
    await waiting.getByRole('button', { name: 'Cancel job' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel job' }).click();
    await page.getByText('Nothing waits.').waitFor();
    await page.getByRole('group', { name: 'Running', exact: true }).getByRole('link', { name: 'first' }).waitFor();
    writeFileSync(flag, '');
    await page.getByText('Nothing is running.').waitFor();
    await server.cli('compute', 'limits', '--jobs-per-experiment', '0');
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('a job', () => {
  it('is run again and says whether the metrics agree', async () => {
    const { context, page, problems } = await signedIn();
    await page.goto(at(`/runs/${trained}`));
    await page.getByRole('button', { name: 'Run again' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Run again' }).click();
    await page.waitForURL((url) => !url.pathname.endsWith(trained));
    await page.getByRole('heading', { level: 1 }).getByText('Completed').waitFor();
    const verdict = page.getByRole('region', { name: 'Compared with the first time' });
    await verdict.getByRole('link', { name: trained }).waitFor();
    await verdict.getByText('There are no metrics to compare').waitFor(); // it logs none
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('an environment', () => {
  it('shows what it is made of and who uses it', async () => {
    const { context, page, problems } = await signedIn();
    await page.goto(at('/environments'));
    await page.getByRole('link', { name: 'vision' }).click();
    await page.locator('.cm-content').getByText('numpy==2.1.3').waitFor();
    await page.getByText('Not built').waitFor();
    await page.getByRole('tab', { name: 'Build' }).click();
    await page.getByText('It was never built here').waitFor();
    await page.goto(at('/environments/minimal?tab=lineage'));
    await page.getByRole('group', { name: 'Lineage' }).getByText('triage / blue').waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('a reader', () => {
  it('sees everything and no button that changes it', async () => {
    const { context, page, problems } = await studio.asReader();
    for (const path of ['/data', '/data/patients', '/datastores', '/compute', '/environments/vision', `/runs/${trained}`]) {
      await page.goto(at(path));
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.waitForFunction(() => document.querySelector('[role=status][aria-label]') === null);
      const buttons = await page.getByRole('main').getByRole('button').allTextContents();
      assert.deepEqual(buttons.filter((text) => /new|archive|edit|delete|stop|start|cancel|run again|register|build now/i.test(text)), [], path);
    }
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('every page', () => {
  const pages = () => ({
    data: '/data', asset: '/data/patients', 'asset-profile': '/data/patients?tab=profile', 'asset-difference': '/data/patients?tab=difference', 'asset-lineage': '/data/patients?version=1&tab=lineage',
    datastores: '/datastores', datastore: '/datastores/workspaceblobstore', environment: '/environments/vision', compute: '/compute',
    'model-lineage': '/models/progression', 'job-lineage': `/runs/${trained}?tab=lineage`,
  });
  for (const look of Object.keys(looks)) {
    it(`has no barriers and has its picture: ${look}`, async () => {
      const flag = join(server.folder, `stop-${look}`);
      await submit('holds-the-machine', `until [ -e ${flag} ]; do sleep 0.2; done`, { rest: 'compute: azureml:night\n' });
      const waits = await submit('waits-for-it', 'echo done', { rest: 'compute: azureml:night\nqueue_settings: {priority: high}\n' });
      const found = await studio.lookAt(look, Object.fromEntries(Object.entries({ ...pages(), 'job-waits': `/runs/${waits}` }).map(([name, path]) => [name, at(path)])));
      writeFileSync(flag, '');
      await server.cli('job', 'stream', waits);
      assert.deepEqual(found, []);
    });
  }
});
