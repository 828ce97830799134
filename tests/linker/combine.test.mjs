// Every fixture, linked in every way, gives the same answers first, second and third as it does alone.

import assert from 'node:assert/strict';
import test from 'node:test';
import { combine } from '../../pkg/dist/link.js';
import { build } from './build.mjs';
import { alone, answer, fixture, instantiate, memoryFor } from './support.mjs';

build();

const SEEDS = [0, 1, 12345, 0xffff];

/** Fixtures with a `run`, that the exact route takes. */
const EXACT = [
  'pointers-stock', 'pointers-imported', 'pointers-pic', 'pointers-debug',
  'kernel-stock', 'kernel-imported', 'kernel-pic', 'kernel-debug', 'kernel-threads',
  'threads-plain', 'threads-first', 'threads-threads', 'threads-pic',
];

for (const [index, name] of EXACT.entries()) {
  const others = [1, 2, 3].map((step) => EXACT[(index + step * 4) % EXACT.length]);
  for (const place of [0, 1, 2]) {
    const names = others.slice(0, 2);
    names.splice(place, 0, name);
    test(`${name} at place ${place} of ${names.join(', ')} answers as it does alone`, async () => {
      const files = names.map(fixture);
      const combined = await combine(files, { shared: false });
      assert.deepEqual(combined.warnings, []);
      const memory = memoryFor(combined);
      const instances = combined.modules.map((module) => instantiate(module, memory));
      // Interleaved, so that one module's writes would show in another's answers.
      const seen = files.map(() => []);
      for (const seed of SEEDS) {
        for (const [at, instance] of instances.entries()) seen[at].push(answer(instance, memory, seed));
      }
      for (const [at, file] of files.entries()) assert.deepEqual(seen[at], alone(file, SEEDS), names[at]);
    });
  }
}
