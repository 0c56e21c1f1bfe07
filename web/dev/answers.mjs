// The routes of the stand-in server over data.mjs.
import { deflateSync } from 'node:zlib';
import * as data from './data.mjs';

const list = (items, empty) => ({ items: empty ? [] : items });

function findRuns(query, empty) {
  if (empty) return { items: [] };
  let found = data.runs.filter((run) => !query.has('experiment') || query.getAll('experiment').includes(run.experiment_name));
  const filter = query.get('filter') ?? '';
  for (const [, key, text] of filter.matchAll(/attributes\.(\w+) (?:ILIKE|=) '%?([^'%]*)%?'/g)) {
    found = found.filter((run) => (key === 'status' ? run.status === text : run.name.includes(text)));
  }
  for (const [, key, sign, limit] of filter.matchAll(/metrics\.(\w+) ([<>]) ([\d.]+)/g)) {
    found = found.filter((run) => (sign === '<' ? run.metrics[key]?.value < Number(limit) : run.metrics[key]?.value > Number(limit)));
  }
  const [, group, key, direction] = /^(\w+)\.`?(.+?)`? (ASC|DESC)$/.exec(query.get('order_by') ?? '') ?? [];
  if (group === 'metrics' || group === 'params') {
    const value = (run) => (group === 'metrics' ? run.metrics[key]?.value : run.params[key]);
    const sign = direction === 'ASC' ? 1 : -1;
    found = found.toSorted((a, b) => (value(a) === undefined) - (value(b) === undefined) || (value(a) < value(b) ? -sign : sign));
  }
  const from = Number(query.get('page_token') ?? 0);
  const size = Number(query.get('max_results') ?? 100);
  return { items: found.slice(from, from + size), ...(from + size < found.length ? { next_page_token: String(from + size) } : {}) };
}

function folder(path) {
  const prefix = path ? `${path}/` : '';
  const seen = new Map();
  for (const [name, text] of Object.entries(data.artifacts)) {
    if (!name.startsWith(prefix)) continue;
    const [head, ...rest] = name.slice(prefix.length).split('/');
    seen.set(head, rest.length > 0 ? { path: prefix + head, is_dir: true } : { path: name, is_dir: false, size: text?.length ?? 18_300 });
  }
  return { items: [...seen.values()] };
}

/** A picture of ten by ten squares, dark along the diagonal. */
function picture() {
  const side = 400;
  const rows = Array.from({ length: side }, (_, y) => {
    const row = Buffer.alloc(1 + side * 3);
    for (let x = 0; x < side; x++) {
      const same = Math.floor(x / 40) === Math.floor(y / 40);
      const shade = same ? 60 : 235 - ((Math.floor(x / 40) * 7 + Math.floor(y / 40) * 13) % 40);
      row.set([shade, same ? 95 : shade, same ? 150 : shade + 5], 1 + x * 3);
    }
    return row;
  });
  const table = Array.from({ length: 256 }, (_, n) => Array.from({ length: 8 }).reduce((c) => (c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1), n) >>> 0);
  const crc = (bytes) => (bytes.reduce((c, b) => table[(c ^ b) & 255] ^ (c >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;
  const chunk = (kind, body) => {
    const named = Buffer.concat([Buffer.from(kind), body]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc(named));
    return Buffer.concat([length, named, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk('IHDR', head), chunk('IDAT', deflateSync(Buffer.concat(rows))), chunk('IEND', Buffer.alloc(0))]);
}

function events(response) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  const timer = setInterval(() => {
    const run = data.runs[0];
    for (const topic of ['metrics', 'logs']) response.write(`event: ${topic}\ndata: ${JSON.stringify({ topic, id: run.id })}\n\n`);
  }, 3000);
  response.on('close', () => clearInterval(timer));
}

function missing(what) {
  return { status: 404, body: { error: { code: 'not_found', message: `There is no ${what}.`, hint: 'List what there is with the command line.', request_id: 'f1x7' } } };
}

function one(items, key, value, what) {
  return items.find((item) => item[key] === value) ?? missing(`${what} "${value}"`);
}

function route(parts, query, empty) {
  const [noun, name, part, extra, leaf] = parts;
  switch (noun) {
    case 'experiments': return list(data.experiments, empty);
    case 'runs':
      if (!name) return findRuns(query, empty);
      if (part === 'metrics') return data.series(one(data.runs, 'id', name, 'run'), query.get('key'));
      if (part === 'artifacts' && extra === 'content') return { raw: data.artifacts[query.get('path')] ?? picture(), kind: data.artifacts[query.get('path')] ? 'text/plain' : 'image/png' };
      if (part === 'artifacts') return folder(query.get('path'));
      return one(data.runs, 'id', name, 'run');
    case 'jobs':
      if (part === 'logs') return { raw: data.log.slice(Number(query.get('offset') ?? 0)).slice(0, Number(query.get('limit') ?? 1e9)), size: Buffer.byteLength(data.log) };
      return name ? one(data.jobs, 'name', name, 'job') : list(data.jobs, empty);
    case 'trees': return data.tree;
    case 'blobs': return { raw: data.blobs[name] ?? '' };
    case 'models':
      if (part === 'versions' && extra) return one(data.versions, 'version', extra, 'version');
      if (part === 'versions') return list(data.versions.filter((version) => version.name === name));
      return name ? one(data.registered, 'name', name, 'model') : list(data.registered, empty);
    case 'online-endpoints':
      if (part === 'credentials') return { primary_key: 'k-1f0c9a7e5b3d', secondary_key: 'k-88aa1b2c3d4e' };
      if (part === 'invoke') return { predictions: [152.3187] }; // whatever was asked
      if (part === 'deployments' && leaf === 'logs') return { content: `2026-11-23 12:00:01 model loaded in 0.41 s\n2026-11-23 12:00:01 \u001b[32mready\u001b[0m: ${extra}\n` };
      if (part === 'deployments') return list(data.deployments.filter((deployment) => deployment.endpoint_name === name));
      return name ? one(data.endpoints, 'name', name, 'endpoint') : list(data.endpoints, empty);
    case 'environments': return list(data.environments, empty);
    default: return missing(noun);
  }
}

export function answer(request, response, url, empty) {
  const parts = url.pathname.split('/').slice(3).map(decodeURIComponent);
  let body;
  if (parts[0] === 'workspaces' && parts[2] === 'events') return events(response);
  if (parts[0] === 'workspaces' && parts.length > 2) body = route(parts.slice(2), url.searchParams, empty);
  else if (parts[0] === 'workspaces') body = list(data.workspaces);
  else if (parts[0] === 'me' && parts[1] === 'tokens') body = list(data.tokens, empty);
  else if (parts[0] === 'me') body = data.me;
  else if (parts[0] === 'sign-in') body = { status: 401, body: { error: { code: 'unauthenticated', message: 'This sign-in link was used before or is too old.' } } };
  else body = missing(url.pathname);
  if ('raw' in body) {
    response.writeHead(200, { 'Content-Type': body.kind ?? 'text/plain', 'X-Log-Size': String(body.size ?? 0) });
    return response.end(body.raw);
  }
  response.writeHead(body.status && body.body ? body.status : 200, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body.body ?? body));
}
