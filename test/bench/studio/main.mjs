// Measures the Studio in a real browser against a real server with 100,000 runs
// and a run of ten million points, and prints each figure beside what is asked.
//
//   node test/bench/studio/main.mjs [--runs 100000] [--points 10000000] [--only rows,sort]
import { parseArgs } from 'node:util';
import { Server, openBrowser, openPage } from '../../../web/e2e/harness.mjs';

const { values: asked } = parseArgs({ options: { runs: { type: 'string', default: '100000' }, points: { type: 'string', default: '10000000' }, only: { type: 'string', default: '' } } });
const runs = Number(asked.runs);
const points = Number(asked.points);
const only = asked.only === '' ? [] : asked.only.split(',');
const repeats = 7;

const server = new Server();
await server.start();
const browser = await openBrowser();
try {
  await fillRuns();
  const { page } = await openPage(browser, { reducedMotion: 'no-preference' });
  await page.goto(await server.signInLink());
  await page.waitForURL(/\/w\/default$/);
  for (const [name, limit, measure] of [
    ['paint', 300, firstPaint], ['rows', 200, firstRows], ['sort', 200, sort], ['jump', 200, jump], ['scroll', 1000 / 60, scroll], ['chart', 300, chart], ['live', 10, live],
  ]) {
    if (only.length === 0 || only.includes(name)) await measure(page, (what, unit, figures) => report(what, unit, figures, limit));
  }
} finally {
  await browser.close();
  await server.remove();
}

function report(what, unit, figures, limit) {
  const sorted = figures.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  const worst = sorted.at(-1);
  console.log(`${what.padEnd(58)} median ${median.toFixed(1)} ${unit}, worst ${worst.toFixed(1)} ${unit} (asked: below ${limit.toFixed(1)} ${unit}, ${(limit / median).toFixed(1)}x)`);
}

async function post(path, body) {
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST', body: JSON.stringify(body), headers: { Authorization: `Bearer ${await server.token()}`, 'Content-Type': 'application/json' },
  });
  if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
  return response.json();
}

async function together(count, width, make) {
  let next = 0;
  await Promise.all(Array.from({ length: width }, async () => {
    while (next < count) await make(next++);
  }));
}

async function fillRuns() {
  await server.token();
  const { experiment_id: experiment } = await server.mlflow('experiments/create', { name: 'many' });
  const start = Date.now() - runs * 1000;
  const before = Date.now();
  await together(runs, 32, async (i) => {
    const { run } = await server.mlflow('runs/create', { experiment_id: experiment, run_name: `run-${i}`, start_time: start + i * 1000 });
    await server.mlflow('runs/log-batch', {
      run_id: run.info.run_id, metrics: ['loss', 'accuracy'].map((key, k) => ({ key, value: Math.abs(Math.sin(i * 7.13 + k)), step: 1, timestamp: start })),
      params: [{ key: 'lr', value: String((i % 97) / 100) }, { key: 'layers', value: String(i % 5) }],
    });
  });
  console.error(`${runs} runs in ${((Date.now() - before) / 1000).toFixed(0)} s`);
}

/** The milliseconds in the page from an act to the first frame after which a condition holds. */
async function timed(page, act, holds, argument) {
  await page.evaluate(([source, given]) => {
    const condition = new Function('given', `return (${source})(given)`);
    window.measured = new Promise((resolve) => {
      const look = () => (condition(given) ? resolve(performance.now()) : requestAnimationFrame(look));
      window.beginMeasuring = () => requestAnimationFrame(look);
    });
  }, [String(holds), argument]);
  const began = await page.evaluate((source) => {
    window.beginMeasuring();
    const now = performance.now();
    new Function(`(${source})()`)();
    return now;
  }, String(act));
  return (await page.evaluate(() => window.measured)) - began;
}

async function firstPaint(page, tell) {
  const figures = [];
  for (let i = 0; i < repeats; i++) {
    await page.goto(`${server.url}/w/default/runs`);
    await page.getByRole('table').getByRole('link').first().waitFor();
    figures.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime));
  }
  tell('first paint of the page of runs, loaded anew', 'ms', figures);
}

async function firstRows(page, tell) {
  const figures = [];
  for (let i = 0; i < repeats; i++) {
    await page.goto(`${server.url}/w/default`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Runs' }).waitFor();
    figures.push(await timed(page,
      () => [...document.querySelectorAll('nav a')].find((link) => link.textContent === 'Runs').click(),
      () => document.querySelectorAll('[role=table] a').length > 5));
  }
  tell(`first rows of ${runs} runs`, 'ms', figures);
}

async function sort(page, tell) {
  const figures = [];
  await page.goto(`${server.url}/w/default/runs?experiment=many`);
  await page.getByRole('table').getByRole('link').first().waitFor();
  for (const column of ['loss', 'accuracy', 'loss', 'accuracy', 'Started', 'loss', 'accuracy']) {
    const first = await page.evaluate(() => document.querySelector('[role=table] a').textContent);
    await page.evaluate((title) => {
      window.column = [...document.querySelectorAll('[role=columnheader] button')].find((button) => button.textContent === title);
    }, column);
    figures.push(await timed(page, () => window.column.click(), (before) => {
      const link = document.querySelector('[role=table] a');
      return link && link.textContent !== before && !document.querySelector('[data-stale]');
    }, first));
  }
  tell('sort by a column', 'ms', figures);
}

async function jump(page, tell) {
  const figures = [];
  await page.goto(`${server.url}/w/default/runs?experiment=many`);
  await page.getByRole('table').getByRole('link').first().waitFor();
  await page.waitForFunction((all) => document.querySelector('[role=table]').getAttribute('aria-rowcount') === String(all + 1), runs);
  for (let i = 1; i <= repeats; i++) {
    await page.evaluate((share) => (window.share = share), i % 2 ? 1 - i / 100 : i / 20);
    figures.push(await timed(page, () => {
      const scroller = document.querySelector('[role=table]').parentElement;
      scroller.scrollTop = scroller.scrollHeight * window.share;
      scroller.dispatchEvent(new Event('scroll'));
    }, () => {
      const rows = [...document.querySelectorAll('[role=row][aria-rowindex]')];
      const there = Math.floor(document.querySelector('[role=table]').parentElement.scrollTop / 41);
      return rows.length > 5 && rows.some((row) => Math.abs(row.ariaRowIndex - there) < 20) && rows.every((row) => row.querySelector('a'));
    }));
  }
  tell('rows after a jump of the scroll bar (80 ms of it are its rest)', 'ms', figures);
}

async function scroll(page, tell) {
  await page.goto(`${server.url}/w/default/runs?experiment=many`);
  await page.getByRole('table').getByRole('link').first().waitFor();
  const frames = await page.evaluate(() => new Promise((resolve) => {
    const scroller = document.querySelector('[role=table]').parentElement;
    const times = [];
    const step = (now) => {
      times.push(now);
      scroller.scrollTop += 23;
      if (times.length < 300) requestAnimationFrame(step);
      else resolve(times.slice(1).map((time, i) => time - times[i]));
    };
    requestAnimationFrame(step);
  }));
  const late = frames.filter((frame) => frame > 1000 / 60 + 4).length;
  tell(`frames while scrolling (${late} of ${frames.length} came late)`, 'ms', frames);
}

async function chart(page, tell) {
  const { experiment_id: experiment } = await server.mlflow('experiments/create', { name: 'long' });
  const { run } = await server.mlflow('runs/create', { experiment_id: experiment, run_name: 'long', start_time: Date.now() - points });
  const start = Date.now() - points;
  await together(points / 1000, 8, (block) => server.mlflow('runs/log-batch', {
    run_id: run.info.run_id,
    metrics: Array.from({ length: 1000 }, (_, i) => ({ key: 'loss', value: Math.sin((block * 1000 + i) / 5e5) + Math.random() / 9, step: block * 1000 + i, timestamp: start + block * 1000 + i })),
  }));
  const figures = [];
  for (let i = 0; i < repeats; i++) {
    await page.goto(`${server.url}/w/default/runs/${run.info.run_id}`);
    await page.getByRole('tab', { name: 'Metrics' }).waitFor();
    figures.push(await timed(page,
      () => [...document.querySelectorAll('[role=tab]')].find((tab) => tab.textContent === 'Metrics').click(),
      () => [...document.querySelectorAll('[role=tabpanel]')].some((panel) => panel.checkVisibility() && panel.querySelector('figure canvas'))));
  }
  tell(`chart of ${points} points`, 'ms', figures);
}

/** How much of a core the page takes while a hundred runs log. */
async function live(page, tell) {
  const { experiment_id: experiment } = await server.mlflow('experiments/create', { name: 'live' });
  const ids = [];
  for (let i = 0; i < 100; i++) {
    const { run } = await server.mlflow('runs/create', { experiment_id: experiment, run_name: `live-${i}`, start_time: Date.now() });
    ids.push(run.info.run_id);
  }
  const streams = [];
  page.on('request', (request) => request.url().includes('/events') && streams.push(request.url()));
  await page.goto(`${server.url}/w/default/runs?experiment=live`);
  await page.getByRole('table').getByRole('link').first().waitFor();
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const busy = async () => (await session.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'ThreadTime').value;
  const figures = [];
  let step = 0;
  for (let second = 0; second < 10; second++) {
    const [from, began] = [await busy(), Date.now()];
    while (Date.now() - began < 1000) {
      const round = Date.now();
      await together(100, 8, (i) => server.mlflow('runs/log-metric', { run_id: ids[i], key: 'loss', value: 1 / (1 + step), step, timestamp: Date.now() }));
      step++;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, 1000 - (Date.now() - round))));
    }
    figures.push(((await busy() - from) / ((Date.now() - began) / 1000)) * 100);
  }
  tell(`main thread of the page while 100 runs log each second (${streams.length} stream)`, '% of a core', figures);
}
