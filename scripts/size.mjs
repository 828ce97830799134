// Checks the size budget of the built package: gzipped bytes of the kernel, of the JavaScript a page loads, of the worker.
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from './lib/run.mjs';

const DIST = join(ROOT, 'pkg/dist');
const KB = 1024;

/** Each row: what it is, its bytes, and the most that they may be when gzipped. */
const budget = [
  // The heap and the pool take 26 KB, guests' shapes 7 KB, WASI with its processes and pipes 22 KB, the filesystem's core the
  // rest: owners and extended attributes 5 KB of it.
  ['kernel (isolith.wasm)', () => readFile(join(DIST, 'isolith.wasm')), 150 * KB],
  // All of node's file API is in it, for tasks that run on the caller's thread: callbacks, watching and attributes take 5 KB.
  // Heap, blocks and atomics take 8 KB; the rest is the pool with its ring and codec, queues, and files.
  ['page (index.js and what it imports)', page, 60 * KB],
  ['linker (linker.wasm)', () => readFile(join(DIST, 'linker.wasm')), 90 * KB],
  // A pool's runner and the store thread with all its stores, which nothing in a single file can load on demand.
  ['worker (worker.js)', () => readFile(join(DIST, 'worker.js')), 50 * KB],
  // What guests' workers have in common with the pools' takes most of it: ring, codec, files.
  ['guest (guest.js)', () => readFile(join(DIST, 'guest.js')), 40 * KB],
];

/** The entry as an application's bundler would ship it; what is loaded on demand does not count. */
async function page() {
  const result = await build({
    entryPoints: [join(DIST, 'index.js')],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    external: ['./*-inline.js', './linked.js', './pool/kernel.js', './engine.js'],
    write: false,
    logLevel: 'error',
  });
  return result.outputFiles[0].contents;
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
