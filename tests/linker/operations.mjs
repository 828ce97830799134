// Every operation of isolith/link once, for runtimes to run as a script: prints `operations hold` or throws.

import assert from 'node:assert/strict';
import { combine, getHeapBase, inspect, instantiate, meter, relocate, relocateShareable } from 'isolith/link';
import { answers, fixture, textOf } from './support.mjs';

const names = ['threads-first', 'pointers-imported', 'kernel-imported'];
const combined = await combine(names.map(fixture), { oneTable: true, guard: 4096 });
const linked = await instantiate(combined);
for (const [at, name] of names.entries()) {
  const seen = answers[name].map((_, seed) => textOf(linked.instances[at], linked.memory, answers.seeds[seed]));
  assert.deepEqual(seen, answers[name], name);
}
const file = fixture('kernel-imported');
const base = await getHeapBase(file);
assert.equal(await getHeapBase(await relocate(file, 0x10000, 0x800000)), 0x800000);
assert.ok(base > 2 ** 20);
const info = await inspect(file);
assert.equal(info.relocation.route, 'exact');
const { placement } = await relocateShareable(file, 0x10000, 0x800000);
assert.equal(placement.offset, 0x10000);
const paid = await meter(file);
assert.ok(WebAssembly.Module.exports(new WebAssembly.Module(paid.module)).some(({ name }) => name === paid.fuel));
await assert.rejects(relocate(file.subarray(0, 99), 0, 0), { name: 'LinkError', code: 'ERR_MALFORMED_MODULE' });
console.log('operations hold');
