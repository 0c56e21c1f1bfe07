// A stand-in for the server while pages are being designed: the same answers
// every time, from memory, for the built pages in dist/app. Nothing tests
// against it; the tests in e2e/ drive the real binary.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answer } from './answers.mjs';

const app = fileURLToPath(new URL('../dist/app', import.meta.url));
const kinds = { '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.html': 'text/html; charset=utf-8' };
const empty = process.argv.includes('--empty');

async function page(path) {
  const file = normalize(join(app, path));
  if (file.startsWith(app) && extname(file) in kinds) return [await readFile(file), kinds[extname(file)]];
  const index = await readFile(join(app, 'index.html'), 'utf8');
  return [index.replaceAll('%CSP_NONCE%', 'fixture'), kinds['.html']];
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (url.pathname.startsWith('/api/')) return answer(request, response, url, empty);
  try {
    const [body, kind] = await page(url.pathname);
    response.writeHead(200, {
      'Content-Type': kind,
      'Content-Security-Policy': "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-fixture'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'",
    });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
});

server.listen(Number(process.env.PORT ?? 8701), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
