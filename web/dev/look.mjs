// Takes pictures of pages of the stand-in server, to look at while designing.
//   node dev/look.mjs OUT_FOLDER [name ...]
import { chromium } from 'playwright-core';
import { mkdirSync } from 'node:fs';

const [out = 'dev/look', ...names] = process.argv.slice(2);
const base = process.env.BASE ?? 'http://127.0.0.1:8701';
const live = 'amber_crane_100';
const pages = {
  'sign-in': '/sign-in', home: '/w/default', runs: '/w/default/runs', 'runs-digits': '/w/default/runs?experiment=handwritten-digits&order=metrics.val/loss ASC',
  run: `/w/default/runs/${live}`, 'run-failed': '/w/default/runs/amber_heron_110'.replace('amber_heron_110', 'amber_lynx_120'), metrics: `/w/default/runs/${live}?tab=metrics`, logs: `/w/default/runs/${live}?tab=logs`,
  outputs: `/w/default/runs/${live}?tab=outputs&path=outputs/predictions.csv`, image: `/w/default/runs/${live}?tab=outputs&path=outputs/confusion.png`, code: `/w/default/runs/${live}?tab=code`,
  environment: `/w/default/runs/${live}?tab=environment`, compare: '', models: '/w/default/models', model: '/w/default/models/diabetes-progression',
  endpoints: '/w/default/endpoints', endpoint: '/w/default/endpoints/diabetes', environments: '/w/default/environments', settings: '/settings', workspaces: '/settings/workspaces',
};

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless', '--no-sandbox', '--disable-gpu'] });
mkdirSync(out, { recursive: true });
const runs = (await (await fetch(`${base}/api/v1/workspaces/default/runs?experiment=handwritten-digits&max_results=4`)).json()).items.map((run) => run.id);
pages.compare = `/w/default/compare?runs=${encodeURIComponent(JSON.stringify(runs))}`;
const looks = (process.env.LOOKS ?? 'light').split(',');
for (const look of looks) {
  const context = await browser.newContext({ viewport: { width: Number(process.env.WIDTH ?? 1440), height: 900 }, colorScheme: look === 'dark' ? 'dark' : 'light', locale: look === 'ko' ? 'ko-KR' : 'en-GB' });
  const page = await context.newPage();
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && console.log(look, message.text().slice(0, 300)));
  page.on('pageerror', (error) => console.log(look, String(error).slice(0, 400)));
  for (const name of names.length > 0 ? names : Object.keys(pages)) {
    await page.goto(base + (pages[name] ?? name));
    await page.waitForTimeout(900);
    await page.screenshot({ path: `${out}/${name}-${look}.png`, fullPage: process.env.FULL === '1' });
  }
  await context.close();
}
await browser.close();
