// Checks the size budget of the built package: gzipped bytes of the kernel, of the JavaScript a page loads, of the worker.
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from './lib/run.mjs';

const DIST = join(ROOT, 'pkg/dist');
const KB = 1024;

/** Each row: what it is, its bytes, and the most that they may be when gzipped. */
const budget = [
  // The heap and the pool take 26 KB, guests' shapes 7 KB, WASI with its processes and pipes 22 KB, the filesystem's core the
  // rest: owners and extended attributes 5 KB of it.
  ['kernel (isolith.wasm)', () => readFile(join(DIST, 'isolith.wasm')), 150 * KB],
  // Heap, blocks and atomics take 8 KB; the rest is the pool with its ring and codec, queues, and files.
  ['page (index.js and what it imports)', page, 48 * KB],
  ['linker (linker.wasm)', () => readFile(join(DIST, 'linker.wasm')), 90 * KB],
  // What a worker reads before its first task: each KB of it, not gzipped, makes a cold start 1 % longer.
  ['first script of a worker (worker-first.js)', () => readFile(join(DIST, 'worker-first.js')), 3 * KB],
  ['ring of a worker (worker-ring.js)', () => readFile(join(DIST, 'worker-ring.js')), 7 * KB],
  ['values of a worker (worker-values.js)', () => readFile(join(DIST, 'worker-values.js')), 7 * KB],
  // All parts in one file, where several are not found, and for the store thread: all of node's file API for tasks, and every lock, queue, channel and pipe that may arrive in their
  // data (14 KB), linked modules with their libraries, tables and imports, the store thread with all its stores, and the packed
  // form (1.5 KB).
  ['worker (worker.js)', () => readFile(join(DIST, 'worker.js')), 55 * KB],
  // What guests' workers have in common with the pools' takes most of it: ring, codec, the way to the store thread.
  ['guest (guest.js)', () => readFile(join(DIST, 'guest.js')), 24 * KB],
];

/** The entry as an application's bundler would ship it; what is loaded on demand does not count. */
async function page() {
  const entryPoint = relative(process.cwd(), join(DIST, 'index.js'));
  const { outputFiles, metafile } = await build({
    entryPoints: [entryPoint],
    bundle: true,
    minify: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    external: ['./*-inline.js'],
    outdir: 'page',
    metafile: true,
    write: false,
    logLevel: 'error',
  });
  const { outputs } = metafile;
  const wanted = new Set(Object.keys(outputs).filter((name) => outputs[name].entryPoint === entryPoint));
  for (const name of wanted) {
    for (const { path, kind } of outputs[name].imports) if (kind === 'import-statement' && path in outputs) wanted.add(path);
  }
  return Buffer.concat(outputFiles.filter(({ path }) => wanted.has(relative(process.cwd(), path))).map(({ contents }) => contents));
}

let over = 0;
for (const [name, bytes, most] of budget) {
  const size = gzipSync(await bytes(), { level: 9 }).length;
  const fits = size <= most;
  if (!fits) over++;
  console.log(`${fits ? 'ok  ' : 'OVER'} ${name}: ${(size / KB).toFixed(1)} KB of ${most / KB} KB gzip`);
}
if (over) {
  console.error(`${over} of ${budget.length} are over budget`);
  process.exit(1);
}
