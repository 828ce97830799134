// One memory for all: many instances of a module, one function table, stacks, guard gaps, limits.

import assert from 'node:assert/strict';
import test from 'node:test';
import { combine, getHeapBase, inspect, instantiate as link, relocateShareable } from '../../pkg/dist/link.js';
import { build } from './build.mjs';
import { alone, fixture, instantiate, memoryFor, PAGE, textOf } from './support.mjs';

build();

const seeds = [0, 5, 9];

for (const name of ['kernel-stock', 'kernel-threads', 'threads-plain', 'threads-first', 'kernel-pic', 'threads-side']) {
  test(`instances of ${name} that come later leave the data as it is`, async () => {
    const bytes = fixture(name);
    const offset = 0x30000;
    const { relocation } = await inspect(bytes);
    const heapBase = (offset + relocation.end + PAGE) & ~(PAGE - 1);
    const { module, image, placement } = await relocateShareable(bytes, offset, heapBase, { shared: true, maximum: 200 });
    const memory = new WebAssembly.Memory({ initial: heapBase / PAGE + 2, maximum: 200, shared: true });
    for (const { address, bytes: data } of image) new Uint8Array(memory.buffer).set(data, address);
    const table = new WebAssembly.Table({ initial: placement.slots.end, element: 'anyfunc' });
    const instances = [0, 1].map((index) => {
      const instance = instantiate(module, memory, { __indirect_function_table: table, absent_function: () => 0 });
      const { __isolith_stack_pointer: stack } = instance.exports;
      if (stack) stack.value = heapBase + (index + 1) * PAGE;
      return instance;
    });
    const [first, second] = instances;
    first.exports.__isolith_start?.();
    first.exports.__wasm_apply_data_relocs?.();
    second.exports.__wasm_init_tls?.(first.exports.__tls_base?.value ?? 0);
    const model = name === 'threads-side' ? fixture('threads-pic') : bytes;
    const [one, two, three] = alone(model, seeds);
    // State is in the memory, not in the instance: each goes on where the other was.
    assert.deepEqual([textOf(first, memory, seeds[0]), textOf(second, memory, seeds[1]), textOf(first, memory, seeds[2])], [one, two, three]);
  });
}

test('with one table, function pointers of each module stay their own and can be called by others', async () => {
  const files = ['pointers-stock', 'threads-plain', 'kernel-imported'].map(fixture);
  const combined = await combine(files, { oneTable: true });
  const { instances, table, memory } = await link(combined);
  for (const [at, file] of files.entries()) {
    assert.deepEqual(seeds.map((seed) => textOf(instances[at], memory, seed)), alone(file, seeds));
    const { start, end } = combined.layout.modules[at].slots;
    for (let slot = start + 1; slot < end; slot++) assert.equal(typeof table.get(slot), 'function', `slot ${slot}`);
  }
  assert.equal(table.length, combined.layout.tableSlots);
});

test('areas never meet, gaps are as wide as asked for, and nobody writes into them', async () => {
  const files = ['threads-first', 'kernel-pic', 'threads-plain', 'pointers-imported'].map(fixture);
  for (const guard of [0, 1024, 70000]) {
    const combined = await combine(files, { guard, base: 4096, additionalStack: 5000 });
    const { modules, heapBase } = combined.layout;
    const memory = memoryFor(combined);
    const bytes = new Uint8Array(memory.buffer);
    const gaps = modules.slice(1).map(({ area }, at) => [modules[at].area.end, area.start]);
    for (const [from, to] of gaps) {
      assert.ok(to - from >= guard);
      bytes.fill(0xa5, from, to);
    }
    for (const { area, stack, data } of modules) {
      assert.ok(area.start >= 4096 && area.end <= heapBase);
      assert.ok(stack.start >= area.start && stack.end <= area.end && data.start >= area.start && data.end <= area.end);
      assert.ok(stack.end <= data.start || stack.start >= data.end, 'stack and data are apart');
    }
    const instances = combined.modules.map((module) => instantiate(module, memory));
    for (const instance of instances) for (const seed of seeds) textOf(instance, memory, seed);
    const now = new Uint8Array(memory.buffer);
    for (const [from, to] of gaps) assert.ok(now.subarray(from, to).every((byte) => byte === 0xa5));
  }
});

test('more stack is what additionalStack gives, wherever the linker put the stack', async () => {
  for (const name of ['threads-first', 'threads-plain', 'kernel-pic']) {
    const sizes = [];
    for (const stack of [0, 4096, 100000]) {
      const { layout } = await combine([fixture(name)], stack);
      sizes.push(layout.modules[0].stack.end - layout.modules[0].stack.start);
    }
    assert.equal(sizes[1] - sizes[0], 4096, name);
    assert.equal(sizes[2] - sizes[0], 100000, name);
  }
});

test('the heap begins behind all modules, for all of them', async () => {
  const files = ['common-imported', 'kernel-imported'].map(fixture);
  const combined = await combine(files);
  for (const [at, module] of combined.modules.entries()) {
    assert.equal(await getHeapBase(module), combined.layout.heapBase);
    assert.ok(combined.layout.heapBase >= await getHeapBase(files[at]));
  }
  assert.equal(combined.neededPages, Math.ceil(combined.layout.heapBase / PAGE));
});

test('the memory that is imported is shared or not, with the limits that were asked for', async () => {
  for (const name of ['kernel-stock', 'kernel-threads']) {
    for (const shared of [true, false]) {
      const { modules, neededPages, layout } = await combine([fixture(name)], { shared, maximum: 500 });
      const { memories } = await inspect(modules[0]);
      assert.deepEqual(memories, [{ initial: neededPages, maximum: 500, shared, memory64: false, imported: true }]);
      assert.equal(layout.shared, shared);
      assert.ok(WebAssembly.validate(modules[0]));
    }
  }
  const { layout } = await combine([fixture('kernel-threads'), fixture('kernel-stock')]);
  assert.deepEqual([layout.shared, layout.maximumPages], [true, 65536]);
});

test('with one allocator all answer as before, from one heap', async () => {
  const names = ['common-stock', 'pointers-stock', 'pointers-debug', 'kernel-stock'];
  const files = names.map(fixture);
  const grown = [];
  for (const oneAllocator of [false, true]) {
    const combined = await combine(files, { oneAllocator });
    assert.deepEqual(combined.warnings, []);
    const { instances, memory } = await link(combined);
    instances[0].exports.create_object(1n);
    for (const at of [1, 2, 3]) {
      assert.deepEqual(seeds.map((seed) => textOf(instances[at], memory, seed)), alone(files[at], seeds), names[at]);
    }
    grown.push(memory.buffer.byteLength / PAGE - combined.neededPages);
  }
  // Three heaps take pages of their own each, one heap takes them once.
  assert.ok(grown[1] < grown[0], `${grown[1]} pages, ${grown[0]} with three heaps`);
});
