// Stories about long lists of runs, in a real browser against the real server.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { findBarriers, openBrowser, openPage, picture, Server } from './harness.mjs';

const server = new Server();
const count = 450;
let browser;
let session;

before(async () => {
  await server.start();
  browser = await openBrowser();
  await server.token();
  const { experiment_id: experiment } = await server.mlflow('experiments/create', { name: 'many' });
  for (let i = 0; i < count; i++) {
    const { run } = await server.mlflow('runs/create', { experiment_id: experiment, run_name: `run-${String(i).padStart(3, '0')}`, start_time: 1_700_000_000_000 + i * 60_000 });
    await server.mlflow('runs/log-batch', { run_id: run.info.run_id, metrics: [{ key: 'loss', value: i, step: 0, timestamp: 1 }], params: [{ key: 'layers', value: String(i % 3) }] });
  }
});

after(async () => {
  await browser?.close();
  await server.remove();
});

async function signedIn(options) {
  if (!session) {
    const { context, page } = await openPage(browser);
    await page.goto(await server.signInLink());
    await page.waitForURL(/\/w\/default$/);
    session = await context.storageState();
    await context.close();
  }
  return openPage(browser, { storageState: session, ...options });
}

const at = (path) => `${server.url}/w/default${path}`;
const link = (page, name) => page.getByRole('table', { name: 'Runs' }).getByRole('link', { name: new RegExp(`^${name}`) });

/** Puts the scroll bar of the table at a share of its way. */
function scrollTo(page, share) {
  return page.getByRole('group', { name: 'Runs' }).evaluate((scroller, part) => {
    scroller.scrollTop = (scroller.scrollHeight - scroller.clientHeight) * part;
  }, share);
}

describe('a long list of runs', () => {
  it('is as long as it is, and reads only what is looked at', async () => {
    const { context, page, problems, asked } = await signedIn();
    await page.goto(at('/runs'));
    await link(page, 'run-449').waitFor();
    await page.getByText('450 runs').waitFor();
    await scrollTo(page, 1);
    await link(page, 'run-000').waitFor();
    assert.equal(await page.getByRole('table', { name: 'Runs' }).getAttribute('aria-rowcount'), '451');
    const blocks = new Set(asked.flatMap((url) => /skip=(\d+)/.exec(url)?.[1] ?? []));
    assert.ok(!blocks.has('100') && !blocks.has('200'), `what was jumped over was read: ${[...blocks].join(', ')}`);
    await scrollTo(page, 0.5);
    await link(page, 'run-225').waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('hears of a new run wherever the reader is', async () => {
    const { context, page } = await signedIn();
    await page.goto(at('/runs'));
    await page.getByText('450 runs').waitFor();
    await scrollTo(page, 1);
    await link(page, 'run-000').waitFor();
    const { experiment_id: experiment } = await server.mlflow('experiments/create', { name: 'one more' });
    const { run } = await server.mlflow('runs/create', { experiment_id: experiment, run_name: 'newest', start_time: Date.now() });
    await page.getByText('451 runs').waitFor();
    await server.mlflow('runs/delete', { run_id: run.info.run_id });
    await page.getByText('450 runs').waitFor();
    await context.close();
  });

  it('keeps in the address which columns are shown and which stay', async () => {
    const { context, page, problems } = await signedIn({ viewport: { width: 900, height: 800 } });
    await page.goto(at('/runs'));
    await link(page, 'run-449').waitFor();
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('checkbox', { name: 'User', exact: true }).uncheck();
    await page.getByRole('button', { name: 'Keep loss in sight' }).click();
    await page.waitForURL(/pinned=/);
    await page.keyboard.press('Escape');
    await page.reload();
    await link(page, 'run-449').waitFor();
    assert.equal(await page.getByRole('columnheader', { name: 'User' }).count(), 0);
    const head = page.getByRole('columnheader', { name: /loss/ });
    const before = await head.boundingBox();
    await page.getByRole('group', { name: 'Runs' }).evaluate((scroller) => { scroller.scrollLeft = 400; });
    const after = await head.boundingBox();
    assert.ok(Math.abs(before.x - after.x) <= 44, `the column went from ${before.x} to ${after.x}`);
    assert.deepEqual(await findBarriers(page), []);
    await picture(page, 'light', 'runs-pinned');
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('is deleted from and restored to, many at a time', async () => {
    const { context, page, problems } = await signedIn();
    await page.goto(at('/runs'));
    for (const name of ['run-449', 'run-448', 'run-447']) await page.getByRole('checkbox', { name: `Select ${name}` }).check();
    const bar = page.getByRole('status').filter({ hasText: '3 runs selected' });
    await bar.getByRole('button', { name: 'Delete' }).click();
    const question = page.getByRole('dialog', { name: 'Delete 3 runs?' });
    await question.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('447 runs').waitFor();
    await link(page, 'run-448').waitFor({ state: 'detached' });
    await page.goto(at('/runs?status=DELETED&experiment=many'));
    await page.getByText('3 runs', { exact: true }).waitFor();
    await page.getByRole('checkbox', { name: 'Select the runs that are loaded' }).check();
    await picture(page, 'light', 'runs-deleted');
    await page.getByRole('button', { name: 'Restore' }).click();
    await page.getByRole('dialog', { name: 'Restore 3 runs?' }).getByRole('button', { name: 'Restore' }).click();
    await page.getByText('No run matches').waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('says so when a part of it cannot be read', async () => {
    const { context, page } = await signedIn();
    await page.goto(at('/runs'));
    await link(page, 'run-449').waitFor();
    await page.getByText('450 runs').waitFor();
    await page.route(/runs\?.*skip=400/, (route) => route.fulfill({ status: 400, contentType: 'application/json', body: JSON.stringify({ error: { code: 'invalid', message: 'The list has changed.' } }) }));
    await scrollTo(page, 1);
    await page.getByRole('alert').getByText('The list has changed.').waitFor();
    await link(page, 'run-100').waitFor({ state: 'detached' });
    await context.close();
  });
});
