// The stories of endpoints: watching one, moving its traffic, trying it, rolling
// a deployment out, in a real browser with workers that really answer.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { looks, Studio } from './harness.mjs';

const studio = new Studio();
const { server } = studio;
const at = (path) => studio.at(path);

const script = `import json


def init():
    print("ready to score")


def run(text):
    request = json.loads(text)
    if request.get("say"):
        print("said", request["say"])
    if request.get("fail"):
        raise ValueError("asked to fail")
    return {"rows": len(request.get("data", [])), "method": request.get("method")}
`;
const description = {
  swagger: '2.0', info: { title: 'triage', version: '1' }, paths: {},
  definitions: {
    ServiceInput: {
      type: 'object',
      properties: {
        data: { type: 'array', items: { type: 'object', properties: { age: { type: 'integer' }, sex: { type: 'string' }, smokes: { type: 'boolean' } } } },
        method: { type: 'string', enum: ['predict', 'predict_proba'] },
      },
      example: { data: [{ age: 40, sex: 'f', smokes: false }], method: 'predict' },
    },
  },
};

before(async () => {
  await studio.start();
  server.write('code/score.py', script);
  server.write('code/swagger.json', JSON.stringify(description));
  await studio.call('POST', '/workspaces/default/online-endpoints', { name: 'triage', description: 'Who is seen first.' });
  for (const name of ['blue', 'green']) {
    server.write(`${name}.yml`, `name: ${name}\nendpoint_name: triage\ncode_configuration: {code: code, scoring_script: score.py}\nenvironment: azureml:minimal@latest\ninstance_count: 1\nrequest_settings: {max_concurrent_requests_per_instance: 2, request_timeout_ms: 20000, max_queue_wait_ms: 20000}\n`);
    await server.cli('online-deployment', 'create', '-f', join(server.folder, `${name}.yml`), ...(name === 'blue' ? ['--all-traffic'] : []));
  }
});

after(async () => {
  for (const name of ['triage', 'by-hand']) await studio.call('DELETE', `/workspaces/default/online-endpoints/${name}`); // its workers would outlive the server
  await studio.stop();
});

const endpoint = async () => (await studio.call('GET', '/workspaces/default/online-endpoints/triage')).json();

/** Sends a request as a program does. */
const score = (body = { data: [] }) => studio.call('POST', '/workspaces/default/online-endpoints/triage/invoke', body);

/** Sends requests for as long as something is waited for. */
async function underLoad(waiting, body) {
  let over = false;
  const sending = (async () => {
    while (!over) await (await score(body)).arrayBuffer();
  })();
  try {
    await waiting();
  } finally {
    over = true;
    await sending;
  }
}

describe('an endpoint', () => {
  it('shows what it answers while it answers', async () => {
    const { context, page, problems } = await studio.signedIn();
    await page.goto(at('/endpoints/triage'));
    const charts = page.getByRole('region', { name: 'The last 15 minutes' });
    await charts.getByRole('img', { name: /^Chart of Requests per second/ }).waitFor();
    await underLoad(async () => {
      await charts.getByRole('img', { name: /^Chart of Requests per second\. Last values: blue [1-9]/ }).waitFor();
      await charts.getByRole('img', { name: /^Chart of Latency, p95\. Last values: blue [\d.]+m?s/ }).waitFor();
    });
    const deployments = page.getByRole('region', { name: 'Deployments', exact: true });
    await deployments.getByRole('row', { name: /^blue Ready .* 100% [\d.,]+ [\d.]+m?s 0 % 1 \/ 1/ }).waitFor();
    await underLoad(async () => {
      await charts.getByRole('img', { name: /^Chart of Failed requests\. Last values: blue [1-9]\d* %/ }).waitFor();
    }, { fail: true });
    await charts.getByText('p99', { exact: true }).click();
    await page.waitForURL(/latency=p99/);
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('moves its traffic by the keyboard, and only when that is confirmed', async () => {
    const { context, page, problems } = await studio.signedIn();
    await page.goto(at('/endpoints/triage'));
    const traffic = page.getByRole('region', { name: 'Traffic' });
    await traffic.getByRole('slider', { name: 'Share of green' }).focus();
    for (let i = 0; i < 10; i++) await page.keyboard.press('ArrowRight');
    assert.equal(await traffic.getByRole('slider', { name: 'Share of blue' }).getAttribute('aria-valuenow'), '90');
    assert.equal(await traffic.getByRole('textbox', { name: 'Percent of green' }).inputValue(), '10%');
    await traffic.getByRole('button', { name: 'Apply…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Move the traffic?' });
    await dialog.getByRole('row', { name: /^blue 100% 90%/ }).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'hidden' });
    assert.deepEqual((await endpoint()).traffic, { blue: 100 });
    await traffic.getByRole('button', { name: 'Apply…' }).click();
    await dialog.getByRole('button', { name: 'Move the traffic' }).click();
    await traffic.getByRole('button', { name: 'Apply…' }).waitFor({ state: 'hidden' });
    assert.deepEqual((await endpoint()).traffic, { blue: 90, green: 10 });
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("copies requests, and shows the server's words where it refuses", async () => {
    const { context, page, problems } = await studio.signedIn();
    await server.cli('online-endpoint', 'update', '-n', 'triage', '--traffic', 'blue=100 green=0');
    await page.goto(at('/endpoints/triage'));
    const traffic = page.getByRole('region', { name: 'Traffic' });
    await traffic.getByRole('textbox', { name: 'Copies of requests' }).or(traffic.getByRole('combobox', { name: 'Copies of requests' })).first().click();
    await page.getByRole('option', { name: 'green' }).click();
    await traffic.getByRole('slider', { name: /copied to green/ }).focus();
    await page.keyboard.press('End');
    const apply = async () => {
      await traffic.getByRole('button', { name: 'Apply…' }).click();
      const dialog = page.getByRole('dialog', { name: 'Move the traffic?' });
      await dialog.getByRole('button', { name: 'Move the traffic' }).click();
      await dialog.waitFor({ state: 'hidden' });
    };
    await apply();
    await traffic.getByRole('button', { name: 'Apply…' }).waitFor({ state: 'hidden' });
    assert.deepEqual((await endpoint()).mirror_traffic.green, 50);
    await traffic.getByRole('slider', { name: 'Share of green' }).focus();
    await page.keyboard.press('ArrowRight');
    await apply();
    await traffic.getByRole('alert').getByText(/gets live traffic/).waitFor();
    assert.equal((await endpoint()).traffic.green ?? 0, 0);
    await traffic.getByRole('button', { name: 'Undo' }).click();
    await traffic.getByRole('alert').waitFor({ state: 'hidden' });
    await server.cli('online-endpoint', 'update', '-n', 'triage', '--mirror-traffic', 'green=0');
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('is tried with a form that its description makes', async () => {
    const { context, page, problems } = await studio.signedIn();
    await page.goto(at('/endpoints/triage?tab=test'));
    const request = page.getByRole('region', { name: 'Send a request' });
    await request.getByRole('textbox', { name: 'age, row 1' }).fill('63');
    await request.getByRole('button', { name: 'Add a row' }).click();
    await request.getByRole('textbox', { name: 'sex, row 2' }).fill('m');
    await request.getByText('JSON', { exact: true }).click();
    const body = JSON.parse(await request.getByRole('textbox', { name: 'Body' }).inputValue());
    assert.deepEqual(body, { data: [{ age: 63, sex: 'f', smokes: false }, { age: 63, sex: 'm', smokes: false }], method: 'predict' });
    await request.getByRole('button', { name: 'Send' }).click();
    const answer = page.getByRole('status', { name: 'Answer' });
    await answer.getByText('Status 200').waitFor();
    await answer.getByText('"rows": 2').waitFor();
    await answer.getByText('from blue').waitFor();
    assert.match(await answer.textContent() ?? '', /Request\s*[0-9a-z-]{8,}/);
    await request.getByRole('textbox', { name: 'Body' }).fill('{"fail": true}');
    await request.getByRole('button', { name: 'Send' }).click();
    await answer.getByText('Status 500').waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('keeps its key out of the snippets until somebody wants it there', async () => {
    const { context, page, problems } = await studio.signedIn();
    await page.goto(at('/endpoints/triage?tab=test'));
    const elsewhere = page.getByRole('region', { name: 'From elsewhere' });
    await elsewhere.getByText('Bearer $KEY').waitFor();
    await elsewhere.getByText('Python', { exact: true }).click();
    await elsewhere.getByText('os.environ["KEY"]').waitFor();
    assert.doesNotMatch(await page.content(), /atlk_/);
    await elsewhere.getByRole('switch', { name: 'With the key in it' }).click({ force: true });
    await elsewhere.getByText(/Bearer atlk_/).waitFor();
    await elsewhere.getByRole('switch', { name: 'With the key in it' }).click({ force: true });
    await elsewhere.getByText('os.environ["KEY"]').waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('follows what its deployments print', async () => {
    const { context, page, problems } = await studio.signedIn();
    await page.goto(at('/endpoints/triage?tab=logs&deployment=blue'));
    const log = page.getByRole('log', { name: 'Deployment logs' });
    await log.waitFor();
    await score({ say: 'good-morning' });
    await log.getByText('said good-morning').waitFor();
    await page.getByRole('region', { name: 'Deployment logs' }).getByText('green', { exact: true }).click();
    await page.waitForURL(/deployment=green/);
    await log.getByText('ready to score').waitFor();
    assert.equal(await log.getByText('said good-morning').count(), 0);
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('a rollout', () => {
  it('is started, watched step by step, and ends by itself', async () => {
    const { context, page, problems } = await studio.signedIn();
    await page.goto(at('/endpoints/triage'));
    await begin(page, { Steps: '50, 100', Seconds: '1', Requests: '3', Slower: '1000' });
    const rollout = page.getByRole('region', { name: 'Rollout to green' });
    await rollout.getByRole('row', { name: /^50% now/ }).waitFor();
    await underLoad(async () => {
      await rollout.getByRole('row', { name: /^100% now/ }).waitFor();
      await rollout.getByText('Completed').waitFor();
    });
    await rollout.getByRole('row', { name: /^50% [1-9]\d* ?others [1-9]/ }).waitFor();
    await rollout.getByText('"green" gets 100 percent of the traffic.').waitFor();
    assert.deepEqual((await endpoint()).traffic.green, 100);
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('is stopped, and the traffic goes back', async () => {
    const { context, page, problems } = await studio.signedIn();
    await server.cli('online-endpoint', 'update', '-n', 'triage', '--traffic', 'blue=100 green=0');
    await page.goto(at('/endpoints/triage'));
    await begin(page, { Steps: '20, 100', Seconds: '3600' });
    const rollout = page.getByRole('region', { name: 'Rollout to green' });
    await rollout.getByRole('row', { name: /^20% now/ }).waitFor();
    await rollout.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Stop' }).click();
    await rollout.getByText('Stopped', { exact: true }).waitFor();
    assert.deepEqual((await endpoint()).traffic.blue, 100);
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('says at once what cannot be', async () => {
    const { context, page } = await studio.signedIn();
    await page.goto(at('/endpoints/triage'));
    await begin(page, { Steps: '50, 20' });
    await page.getByRole('dialog').getByRole('alert').getByText(/do not lead upwards/).waitFor();
    await context.close();
  });
});

/** Opens the form for a rollout of green, fills it in and sends it. */
async function begin(page, values) {
  await page.getByRole('region', { name: 'Deployments', exact: true }).getByRole('button', { name: 'Actions for green' }).click();
  await page.getByRole('menuitem', { name: 'Roll out' }).click();
  const dialog = page.getByRole('dialog', { name: 'Roll out green' });
  for (const [label, value] of Object.entries(values)) await dialog.getByLabel(new RegExp(`^${label}`)).fill(value);
  await dialog.getByRole('button', { name: 'Roll out' }).click();
}

describe('a deployment', () => {
  it('gets more replicas, and is deleted when it has no traffic', async () => {
    const { context, page, problems } = await studio.signedIn();
    await page.goto(at('/endpoints/triage'));
    const deployments = page.getByRole('region', { name: 'Deployments', exact: true });
    const dialog = page.getByRole('dialog');
    const act = async (name, what) => {
      await deployments.getByRole('button', { name: `Actions for ${name}` }).click();
      await page.getByRole('menuitem', { name: what }).click();
    };
    await act('green', 'Edit');
    await dialog.getByRole('textbox', { name: 'Replicas' }).fill('2');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await deployments.getByRole('row', { name: /^green/ }).getByText('2 / 2').waitFor();
    await act('blue', 'Delete');
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await dialog.getByRole('alert').getByText(/gets 100 percent of the traffic/).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    assert.deepEqual(problems, []);
    await context.close();
  });

  it('is made in the browser from a folder, behind an endpoint that is made there too', async () => {
    const { context, page, problems } = await studio.signedIn();
    await page.goto(at('/endpoints'));
    await page.getByRole('button', { name: 'New endpoint' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('by-hand');
    await dialog.getByRole('button', { name: 'New endpoint' }).click();
    await page.waitForURL(/\/endpoints\/by-hand$/);
    await page.getByRole('button', { name: 'New deployment' }).click();
    await dialog.getByLabel('Name').fill('blue');
    await dialog.getByRole('button', { name: 'New deployment' }).click();
    await dialog.getByRole('alert').getByText(/neither a model nor a scoring script/).waitFor();
    await dialog.locator('input[type=file]').first().setInputFiles([{ name: 'score.py', mimeType: 'text/x-python', buffer: Buffer.from(script) }]);
    await dialog.getByRole('textbox', { name: 'Environment' }).or(dialog.getByRole('combobox', { name: 'Environment' })).first().click();
    await page.getByRole('option', { name: 'minimal', exact: true }).click();
    await dialog.getByRole('button', { name: 'New deployment' }).click();
    const row = page.getByRole('region', { name: 'Deployments', exact: true }).getByRole('row', { name: /^blue/ });
    await row.getByText('1 / 1').waitFor();
    await row.getByText('100%').waitFor();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.waitForURL(/\/endpoints$/);
    await page.getByRole('link', { name: 'by-hand' }).waitFor({ state: 'hidden' });
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('a reader', () => {
  it('sees what it answers and nothing that changes it', async () => {
    const { context, page, problems } = await studio.asReader();
    await page.goto(at('/endpoints/triage'));
    await page.getByRole('region', { name: 'The last 15 minutes' }).getByRole('img', { name: /^Chart of Requests/ }).waitFor();
    await page.getByRole('region', { name: 'Deployments', exact: true }).getByRole('row', { name: /^blue/ }).waitFor();
    assert.equal(await page.getByRole('slider').count(), 0);
    const buttons = await page.getByRole('main').getByRole('button').allTextContents();
    assert.deepEqual(buttons.filter((text) => /new|delete|apply|stop|keys|roll/i.test(text)), []);
    assert.deepEqual(problems, []);
    await context.close();
  });
});

describe('every page of endpoints', () => {
  before(async () => {
    await server.cli('online-endpoint', 'update', '-n', 'triage', '--traffic', 'blue=90 green=10');
    for (let i = 0; i < 60; i++) await (await score(i % 20 === 0 ? { fail: true } : undefined)).arrayBuffer();
  });
  for (const look of Object.keys(looks)) {
    it(`has no barriers and has its picture: ${look}`, async () => {
      assert.deepEqual(await studio.lookAt(look, { endpoints: at('/endpoints'), endpoint: at('/endpoints/triage'), 'endpoint-test': at('/endpoints/triage?tab=test'), 'endpoint-logs': at('/endpoints/triage?tab=logs') }), []);
    });
  }
});
