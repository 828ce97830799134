// Side modules with dylink.0: symbols, addresses and function pointers across modules, in any order.

import assert from 'node:assert/strict';
import test from 'node:test';
import { combine, inspect, instantiate } from '../../pkg/dist/link.js';
import { build } from './build.mjs';
import { alone, fixture, textOf } from './support.mjs';

build();

const NAMES = ['main-plain', 'side-one-side', 'side-two-side'];

/** What the three do, computed by hand from their sources. */
function expected(x) {
  const [counter, data] = [101, 7];
  let sum = counter + 3 + data + 1 + ((x + 3) << 24 >> 24);
  sum += 2 * x + (x + data) + ('rgb'.charCodeAt(x % 3) + (x - 1) + 50) + (x - 1) + 1000 + 2000;
  return sum + 3 * x + counter;
}

for (const order of [[0, 1, 2], [1, 2, 0], [2, 0, 1]]) {
  test(`three modules that need each other, as ${order.map((at) => NAMES[at]).join(', ')}`, async () => {
    const combined = await combine(order.map((at) => fixture(NAMES[at])), { additionalStack: 4096 });
    const { instances } = await instantiate(combined);
    const main = instances[order.indexOf(0)].exports;
    const one = instances[order.indexOf(1)].exports;
    assert.equal(main.main_run(5), expected(5));
    // The second call sees what the first has changed: one counter, one datum.
    assert.equal(one.side_one(5) - (expected(5) - 15 - 101), 1 + 1 + 1);
  });
}

test('a side module beside others answers as the same code linked as a program', async () => {
  const combined = await combine([fixture('kernel-imported'), fixture('threads-side')]);
  const { instances, memory } = await instantiate(combined);
  const seeds = [0, 3, 99];
  const seen = seeds.map((seed) => textOf(instances[1], memory, seed));
  assert.deepEqual(seen, alone(fixture('threads-pic'), seeds));
  assert.equal(combined.layout.modules[1].route, 'dynamic');
});

test('a symbol that nobody defines, and one that two define', async () => {
  const two = ['side-one-side', 'side-two-side'].map(fixture);
  await assert.rejects(combine(two), { code: 'ERR_UNDEFINED_SYMBOL', module: 0, message: /counter|twice|numbers/ });
  const twice = [...NAMES, 'main-plain'].map(fixture);
  await assert.rejects(combine(twice), { code: 'ERR_DUPLICATE_SYMBOL', message: /module 0 and module 3/ });
});

test('inspect tells a side module', async () => {
  const info = await inspect(fixture('side-one-side'));
  assert.equal(info.relocation.route, 'dynamic');
  assert.ok(info.imports.some(({ module, name }) => module === 'GOT.mem' && name === 'counter'));
});
