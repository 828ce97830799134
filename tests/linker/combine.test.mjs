// Every fixture, linked in every way, gives the same answers first, second and third as alone under wasmtime.

import assert from 'node:assert/strict';
import test from 'node:test';
import { combine } from '../../pkg/dist/link.js';
import { build } from './build.mjs';
import { alone, answers, EXACT, fixture, instantiate, memoryFor, neighbours, sections, textOf } from './support.mjs';

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

test('debugging data stays where it is asked for, speaks of the new place, and changes nothing else', async () => {
  const file = fixture('pointers-debug');
  const plain = await combine([fixture('threads-plain'), file]);
  const whole = await combine([fixture('threads-plain'), file], { debugging: true });
  const debugging = (bytes) => sections(bytes).filter(({ name }) => name.startsWith('.debug_'));
  const names = (bytes) => debugging(bytes).map(({ name }) => name).sort();
  assert.deepEqual(names(plain.modules[1]), []);
  assert.ok(names(whole.modules[1]).includes('.debug_info'));
  assert.deepEqual(names(whole.modules[1]), names(file));
  // Addresses of statics in it have moved; what has no address is as it was.
  const text = (bytes, name) => {
    const { body, end } = debugging(bytes).find((section) => section.name === name);
    return Buffer.from(bytes.subarray(body, end));
  };
  assert.deepEqual(text(whole.modules[1], '.debug_str'), text(file, '.debug_str'));
  assert.notDeepEqual(text(whole.modules[1], '.debug_info'), text(file, '.debug_info'));
  assert.equal(text(whole.modules[1], '.debug_info').length, text(file, '.debug_info').length);
  const without = (bytes) => Buffer.concat(sections(bytes).filter(({ name }) => !name.startsWith('.debug_')).map(({ start, end }) => bytes.subarray(start, end)));
  assert.deepEqual(without(whole.modules[1]), without(plain.modules[1]));
  const memory = memoryFor(whole);
  const [, instance] = whole.modules.map((module) => instantiate(module, memory));
  assert.deepEqual(answers.seeds.map((seed) => textOf(instance, memory, seed)), answers['pointers-debug']);
});
