// Times the linker in Node, beside itself only; the peer is measured beside it in tests/bench/rows/link.mjs.

import { performance } from 'node:perf_hooks';
import { combine, getHeapBase, meter, relocate } from '../../pkg/dist/link.js';
import { build } from './build.mjs';
import { fixture } from './support.mjs';

build();

const ROUNDS = 30;

async function time(what, bytes, run) {
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  process.stdout.write(`${what} (${(bytes / 1024).toFixed(0)} KB): ${times[ROUNDS >> 1].toFixed(2)} ms\n`);
}

const size = (files) => files.reduce((sum, file) => sum + file.length, 0);
const example = ['common', 'a', 'b'].map((name) => fixture(`${name}-recipe`));
const exact = ['common', 'a', 'b'].map((name) => fixture(`${name}-imported`));
await time('combine, the three of the document by the recipe', size(example), () => combine(example));
await time('combine, the same by --emit-relocs', size(exact), () => combine(exact));
for (const name of ['pointers-recipe', 'pointers-imported', 'kernel-stock', 'pointers-stock']) {
  const file = fixture(name);
  await time(`heap base of ${name}`, file.length, () => getHeapBase(file));
  await time(`relocate ${name}`, file.length, () => relocate(file, 0x100000, 0x1000000));
}
for (const mode of ['coarse', 'exact']) {
  const file = fixture('pointers-imported');
  await time(`meter pointers-imported, ${mode}`, file.length, () => meter(file, { mode }));
}
