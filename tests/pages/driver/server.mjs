// Serves the repository's pages in several header modes, each on a port (so: an origin) of its own, and takes the pages' reports.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../../../scripts/lib/run.mjs';

const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
const OPEN = { 'cross-origin-resource-policy': 'cross-origin', 'access-control-allow-origin': '*' };

/** Headers of each mode. `{hash}` stands for the hash of the page's import map. */
export const MODES = {
  /** Cross-origin isolated, as users are told to set up. */
  isolated: ISOLATED,
  /** No headers: shared memory cannot be shared. */
  bare: {},
  /** Isolated by the header value that needs no help from other sites. */
  credentialless: { ...ISOLATED, 'cross-origin-embedder-policy': 'credentialless' },
  /** Isolated, under a strict Content-Security-Policy: no blob workers, no `new Function`. */
  csp: { ...ISOLATED, 'content-security-policy': "script-src 'self' 'wasm-unsafe-eval' '{hash}'; worker-src 'self'" },
  /** The second origin, as a CDN that allows everything. */
  cross: { ...ISOLATED, ...OPEN },
  /** A second origin that never heard of isolation. */
  'cross-plain': { 'access-control-allow-origin': '*' },
};

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.svg': 'image/svg+xml',
};

/** Folders of the repository that pages may read. */
const FOLDERS = ['pkg', 'tests', 'examples', 'node_modules', 'js'];

/** Import map of the package as an installed one would resolve, from `exports` in pkg/package.json. */
export function importMap(manifest) {
  const imports = {};
  for (const [entry, target] of Object.entries(manifest?.exports ?? {})) {
    const file = resolveTarget(target);
    if (file?.endsWith('.js')) imports[entry.replace(/^\./, 'isolith')] = join('/pkg', file);
  }
  return { imports };
}

/** The file that a browser gets: the first of the conditions it knows. */
function resolveTarget(target) {
  if (typeof target !== 'object' || target === null) return target ?? undefined;
  for (const [condition, inner] of Object.entries(target)) {
    if (['browser', 'import', 'module', 'default'].includes(condition)) return resolveTarget(inner);
  }
  return undefined;
}

/** The page that every test runs in. Only the import map is inline: its hash stands in the policy. */
function pageHtml(script) {
  const manifest = join(ROOT, 'pkg/package.json');
  const map = JSON.stringify(importMap(existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')) : undefined));
  const hash = `sha256-${createHash('sha256').update(map).digest('base64')}`;
  const html = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>isolith page test</title><link rel="icon" href="data:,">
<script type="importmap">${map}</script>
<script src="/tests/pages/lib/errors.js"></script>
<body><script type="module" src="/tests/pages/lib/${script}"></script></body></html>
`;
  return { html, hash };
}

/**
 * Listens on one port per mode. `onMessage(name, body, mode)` answers what pages POST to `/control/<name>`.
 * Resolves to `{ origins, rules, close() }`.
 */
export async function startServer({ onMessage = async () => ({}), modes = Object.keys(MODES), root = ROOT, folders = root === ROOT ? FOLDERS : undefined } = {}) {
  /** What pages asked to be answered otherwise: `{ status?, headers?, body?, delay? }` by mode and path. */
  const rules = new Map();
  const servers = [];
  const origins = {};
  for (const mode of modes) {
    const server = createServer((request, response) => {
      answer({ request, response, mode, rules, onMessage, root, folders, origins }).catch((error) => {
        if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
        response.end(String(error?.stack ?? error));
      });
    });
    await new Promise((done, failed) => server.on('error', failed).listen(0, '127.0.0.1', done));
    servers.push(server);
    // WebKit and Firefox count `localhost` as secure like 127.0.0.1; the name makes the origins look alike everywhere.
    origins[mode] = `http://localhost:${server.address().port}`;
  }
  const close = () =>
    Promise.all(
      servers.map((server) => {
        server.closeAllConnections();
        return new Promise((done) => server.close(done));
      }),
    );
  return { origins, rules, close };
}

async function answer({ request, response, mode, rules, onMessage, root, folders, origins }) {
  const url = new URL(request.url, 'http://localhost');
  const path = decodeURIComponent(url.pathname);
  const headers = { 'cache-control': 'no-store', ...MODES[mode] };
  if (headers['content-security-policy']) headers['content-security-policy'] = headers['content-security-policy'].replace(" '{hash}'", '');
  if (request.method === 'POST' && path.startsWith('/control/')) {
    const reply = await onMessage(path.slice('/control/'.length), JSON.parse(await bodyOf(request)), mode);
    return send(response, 200, { ...headers, 'content-type': 'application/json' }, JSON.stringify(reply ?? null));
  }
  if (request.method === 'POST' && path === '/echo') {
    return send(response, 200, { ...headers, 'content-type': request.headers['content-type'] ?? 'text/plain' }, await bodyOf(request));
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, headers, 'method not allowed');

  const rule = rules.get(`${mode} ${path}`);
  if (rule?.delay) await sleep(rule.delay);
  if (rule?.headers) Object.assign(headers, rule.headers);
  if (rule?.status || rule?.body !== undefined) {
    return send(response, rule.status ?? 200, { 'content-type': 'text/plain', ...headers }, rule.body ?? 'as the test asked');
  }
  const script = { '/page': 'page.mjs', '/tab': 'tab.mjs' }[path];
  if (script) {
    const { html, hash } = pageHtml(script);
    const csp = MODES[mode]['content-security-policy']?.replace('{hash}', hash);
    return send(response, 200, { ...headers, ...(csp ? { 'content-security-policy': csp } : {}), 'content-type': TYPES['.html'] }, html);
  }
  if (path === '/origins') return send(response, 200, { ...headers, 'content-type': TYPES['.json'] }, JSON.stringify(origins));
  if (path.startsWith('/made/') && root === ROOT) return made(response, normalize(path.slice('/made'.length)), url.searchParams, headers);
  if (path === '/stream') return stream(response, url.searchParams, headers);
  return file({ response, path, headers, root, folders });
}

async function file({ response, path, headers, root, folders }) {
  const clean = normalize(path);
  const top = clean.split('/')[1];
  if (clean.includes('\0') || (folders && !folders.includes(top))) return send(response, 404, headers, `no ${path}`);
  let name = join(root, clean);
  let info = await stat(name).catch(() => undefined);
  if (info?.isDirectory()) {
    name = join(name, 'index.html');
    info = await stat(name).catch(() => undefined);
  }
  if (!info?.isFile()) return send(response, 404, headers, `no ${path}`);
  response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream', 'content-length': info.size, ...headers });
  createReadStream(name).on('error', () => response.destroy()).pipe(response);
}

/**
 * What `<path>.make.mjs` of the tests makes in Node.js when it is asked for: its default export is
 * given the query as an object and answers `{ type, body }`, once per query.
 */
async function made(response, path, query, headers) {
  const name = join(ROOT, `${path}.make.mjs`);
  if (!path.startsWith('/tests/pages/') || !existsSync(name)) return send(response, 404, headers, `no ${path}.make.mjs`);
  const key = `${path}?${query}`;
  if (!makings.has(key)) {
    makings.set(key, import(pathToFileURL(name)).then((module) => module.default(Object.fromEntries(query))));
  }
  const { type, body } = await makings.get(key);
  send(response, 200, { ...headers, 'content-type': TYPES[type] }, body);
}

const makings = new Map();

/**
 * Bytes in pieces: `chunks` of `size`, `delay` ms apart; byte i of the whole is i % 251.
 * `length=0` leaves content-length out, `break=n` cuts the connection after n chunks.
 */
async function stream(response, query, headers) {
  const number = (name, otherwise) => Number(query.get(name) ?? otherwise);
  const [chunks, size, delay, cut] = [number('chunks', 4), number('size', 65536), number('delay', 1), number('break', Infinity)];
  const length = query.get('length') === '0' ? {} : { 'content-length': chunks * size };
  response.writeHead(200, { 'content-type': 'application/octet-stream', ...length, ...headers });
  for (let chunk = 0; chunk < chunks && !response.destroyed; chunk += 1) {
    if (chunk >= cut) return response.destroy();
    response.write(Uint8Array.from({ length: size }, (_, i) => (chunk * size + i) % 251));
    await sleep(delay);
  }
  response.end();
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

function send(response, status, headers, body) {
  response.writeHead(status, headers);
  response.end(body);
}
