// A real server on a free port with a data folder of its own, a real browser,
// and what the stories need in them.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const binary = process.env.ATELIER_BIN ?? fileURLToPath(new URL('../../bin/atelier', import.meta.url));
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const screenshots = fileURLToPath(new URL('screenshots', import.meta.url));
const run = promisify(execFile);

export class Server {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'atelier-studio-'));
    this.data = join(this.folder, 'data');
    this.environment = { ...process.env, HOME: this.folder, XDG_CONFIG_HOME: join(this.folder, 'config'), ATELIER_SERVER: '', ATELIER_TOKEN: '' };
    this.port = '0';
  }

  /** Starts the server and waits for the line that says where it is. */
  async start() {
    this.process = spawn(binary, ['up', '--data-dir', this.data, '--port', this.port], { env: this.environment, cwd: this.folder });
    let printed = '';
    this.url = await new Promise((resolve, reject) => {
      const read = (chunk) => {
        printed += chunk;
        const address = /ready at (http:\/\/[\d.:]+)/.exec(printed)?.[1];
        if (address) resolve(address);
      };
      this.process.stdout.on('data', read);
      this.process.stderr.on('data', read);
      this.process.on('exit', () => reject(new Error(`the server ended:\n${printed}`)));
    });
    this.port = new URL(this.url).port;
  }

  async stop() {
    const ended = new Promise((resolve) => this.process.on('exit', resolve));
    this.process.kill('SIGTERM');
    await ended;
  }

  async remove() {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 }); // a runner may still be writing
  }

  /** Runs the command line against this server. */
  async cli(...words) {
    const { stdout } = await run(binary, ['--server', this.url, ...words], { env: this.environment, cwd: this.folder });
    return stdout;
  }

  async signInLink() {
    return JSON.parse(await this.cli('sign-in-link', '-o', 'json')).url;
  }

  async token() {
    this.secret ??= JSON.parse(await this.cli('token', 'create', '--description', 'stories', '-o', 'json')).secret;
    return this.secret;
  }

  async mlflow(path, body) {
    const response = await fetch(`${this.url}/api/2.0/mlflow/${path}`, {
      method: 'POST', body: JSON.stringify(body),
      headers: { Authorization: `Bearer ${await this.token()}`, 'Content-Type': 'application/json' },
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${path}: ${JSON.stringify(answer)}`);
    return answer;
  }

  write(name, text) {
    const path = join(this.folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, text);
    return path;
  }
}

/** Logs a run as a training script would: params, a history of each metric, an end. */
export async function logRun(server, { experiment, name, params, epochs, loss }) {
  const { run: created } = await server.mlflow('runs/create', { experiment_id: experiment, run_name: name, start_time: Date.now() - 60_000 });
  const id = created.info.run_id;
  const start = Date.now() - 60_000;
  const metrics = Array.from({ length: epochs }, (_, step) => [
    { key: 'val/loss', value: loss + 1.6 * Math.exp(-step / (epochs / 5)) + 0.015 * Math.sin(step * 12.9), step, timestamp: start + step * 900 },
    { key: 'val/accuracy', value: 0.985 - loss - 0.7 * Math.exp(-step / (epochs / 6)), step, timestamp: start + step * 900 },
  ]).flat();
  await server.mlflow('runs/log-batch', { run_id: id, metrics, params: Object.entries(params).map(([key, value]) => ({ key, value: String(value) })), tags: [{ key: 'team', value: 'vision' }] });
  await server.mlflow('runs/update', { run_id: id, status: 'FINISHED', end_time: Date.now() });
  return id;
}

export async function openBrowser() {
  return chromium.launch({
    executablePath: process.env.ATELIER_TEST_BROWSER || '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

/** A page that remembers everything that went wrong on it and every place it asked. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-GB', timezoneId: 'Europe/London', reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const problems = [];
  const asked = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    // What the browser itself says about answers like 401 is part of some stories.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) problems.push(message.text());
  });
  page.on('request', (request) => asked.push(request.url()));
  return { context, page, problems, asked };
}

/** What the stories of one file share: a server, a browser, and who is signed in. */
export class Studio {
  constructor() {
    this.server = new Server();
  }

  async start() {
    await this.server.start();
    this.browser = await openBrowser();
  }

  async stop() {
    await this.browser?.close();
    await this.server.remove();
  }

  at(path) {
    return `${this.server.url}/w/default${path}`;
  }

  /** Calls the API as the owner. */
  async call(method, path, body) {
    return fetch(`${this.server.url}/api/v1${path}`, {
      method, body: JSON.stringify(body), headers: { Authorization: `Bearer ${await this.server.token()}`, 'Content-Type': 'application/json' },
    });
  }

  /** A page of the owner, who signs in once for all stories that do not care how. */
  async signedIn(options) {
    if (!this.session) {
      const { context, page } = await openPage(this.browser);
      await page.goto(await this.server.signInLink());
      await page.waitForURL(/\/w\/default$/);
      this.session = await context.storageState();
      await context.close();
    }
    return openPage(this.browser, { storageState: this.session, ...options });
  }

  /** A page of a user who may only read. */
  async asReader() {
    await this.call('POST', '/users', { name: 'reader' });
    await this.call('PUT', '/workspaces/default/members/reader', { role: 'Reader' });
    const link = await (await this.call('POST', '/sign-in-links', { user: 'reader' })).json();
    const opened = await openPage(this.browser);
    await opened.page.goto(`${this.server.url}/sign-in?code=${link.code}`);
    await opened.page.waitForURL(/\/w\/default$/);
    return opened;
  }

  /**
   * Looks at every page in light, dark and Korean, and as broad as a phone: takes
   * its picture, and returns what keeps somebody from reading it.
   */
  async lookAt(look, pages) {
    const { context, page, problems } = await this.signedIn(looks[look]);
    const barriers = [];
    for (const [name, address] of Object.entries(pages)) {
      await page.goto(address);
      await settled(page);
      if (look === 'phone') {
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        if (width > looks.phone.viewport.width) barriers.push(`${name}: ${width} pixels broad`);
      } else {
        barriers.push(...(await findBarriers(page)).map((found) => `${name}: ${found}`));
      }
      await picture(page, look, name);
    }
    await context.close();
    return [...barriers, ...problems];
  }
}

export const looks = { light: {}, dark: { colorScheme: 'dark' }, korean: { locale: 'ko-KR' }, phone: { viewport: { width: 390, height: 844 } } };

/** Waits until the page shows what it loads. */
export async function settled(page) {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.waitForLoadState('load');
  await page.waitForFunction(() => document.querySelector('[role=status][aria-label="Loading"], [role=status][aria-label="불러오는 중"]') === null);
}

/** The serious and critical findings of axe on the page as it is. */
export async function findBarriers(page) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target.join(' ')} (${node.any[0]?.message ?? ''})`).join('; ')}`);
}

export async function picture(page, look, name) {
  mkdirSync(join(screenshots, look), { recursive: true });
  await page.screenshot({ path: join(screenshots, look, `${name}.png`), animations: 'disabled' });
}
