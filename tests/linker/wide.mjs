// Modules with a 64-bit memory, moved by their relocation entries and run first, second and third: prints `wide modules answer` or throws.

import assert from 'node:assert/strict';
import { combine, inspect, instantiate, relocate } from 'isolith/link';
import { fixture } from './support.mjs';

const SEEDS = [0, 1, 12345];
const file = fixture('threads-direct');
const wide = (pages) => new WebAssembly.Memory({ address: 'i64', initial: BigInt(pages) });

/** The text that a fixture's `run` answers: a pointer to a pointer and a length. */
function answer({ exports }, memory, seed) {
  const at = exports.run(seed);
  const view = new DataView(memory.buffer);
  const from = Number(view.getBigUint64(Number(at), true));
  return new TextDecoder().decode(new Uint8Array(memory.buffer, from, view.getUint32(Number(at) + 8, true)));
}

const lone = wide((await inspect(file)).memories[0].initial);
const { instance: itself } = await WebAssembly.instantiate(file, { env: { memory: lone } });
const expected = SEEDS.map((seed) => answer(itself, lone, seed));
assert.ok(expected[0].length > 100 && expected[0] !== expected[1]);

const combined = await combine([file, file, file], { base: 2 ** 20 });
const memory = wide(combined.neededPages);
const { instances } = await instantiate(combined, { env: { memory } });
const seen = instances.map(() => []);
for (const seed of SEEDS) for (const [at, one] of instances.entries()) seen[at].push(answer(one, memory, seed));
assert.deepEqual(seen, [expected, expected, expected]);

const [offset, heapBase] = [0x500000, 0x700000];
const above = wide(heapBase / 65536);
const { instance } = await WebAssembly.instantiate(await relocate(file, offset, heapBase), { env: { memory: above } });
assert.deepEqual(SEEDS.map((seed) => answer(instance, above, seed)), expected);
assert.ok(instance.exports.run(0) > BigInt(offset));
assert.ok(new Uint8Array(above.buffer, 0, offset).every((byte) => byte === 0), 'nothing below the module');
console.log('wide modules answer');
