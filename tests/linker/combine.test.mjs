// Every fixture, linked in every way, gives the same answers first, second and third as alone under wasmtime.

import assert from 'node:assert/strict';
import test from 'node:test';
import { combine } from '../../pkg/dist/link.js';
import { build } from './build.mjs';
import { alone, answers, EXACT, fixture, instantiate, memoryFor, neighbours, textOf } from './support.mjs';

build();

for (const name of EXACT) {
  test(`${name} alone answers here as under wasmtime`, () => {
    assert.deepEqual(alone(fixture(name), answers.seeds), answers[name]);
  });
  for (const place of [0, 1, 2]) {
    const names = neighbours(name, place);
    test(`${name} at place ${place} of ${names.join(', ')} answers as alone under wasmtime`, async () => {
      const combined = await combine(names.map(fixture), { shared: false });
      assert.deepEqual(combined.warnings, []);
      const memory = memoryFor(combined);
      const instances = combined.modules.map((module) => instantiate(module, memory));
      // Interleaved, so that one module's writes would show in another's answers.
      const seen = names.map(() => []);
      for (const seed of answers.seeds) {
        for (const [at, instance] of instances.entries()) seen[at].push(textOf(instance, memory, seed));
      }
      for (const [at, name] of names.entries()) assert.deepEqual(seen[at], answers[name], name);
    });
  }
}
