// Heaps of their own: independent memories, joined from other threads, shared and not, with debug mode.
// modes: isolated bare
import { assert, assertEqual, assertThrows, context, test } from '/tests/pages/lib/test.mjs';
import { attachHeap, createHeap, createPoolWasm } from 'isolith';

const isolated = { shared: true, reason: 'shared memory needs an isolated page' };

test('an independent heap has its own memory and its own blocks', async () => {
  // The kernel's own data takes the first pages, seven of them as it is now.
  const heap = await createHeap({ initial: 10, maximum: 42, shared: false });
  const main = await createHeap();
  assert(heap.memory !== main.memory);
  const before = main.stats().blocks;
  const block = heap.fromString('over there');
  assertEqual(heap.toString(block), 'over there');
  assertEqual(main.stats().blocks, before);
  assertEqual(new TextDecoder().decode(block.memory), 'over there', 'Web APIs take unshared views as they are');
  heap.free(block);
  heap.check();
});

test('a heap grows to its maximum and then says no', async () => {
  // The kernel's own data takes the first pages, seven of them as it is now.
  const heap = await createHeap({ initial: 10, maximum: 42, shared: false });
  const blocks = [];
  assertThrows(() => { for (;;) blocks.push(heap.alloc(100_000)); }, { code: 'ENOMEM', message: /100000 bytes/ });
  assertEqual(heap.stats().pages, 42);
  assert(blocks.length >= 20, `only ${blocks.length} blocks fitted`);
  for (const block of blocks) heap.free(block);
  assertEqual(heap.stats().bytesInUse, 0);
  heap.check();
});

test('a shared heap is joined by workers without disturbing it', async () => {
  const heap = await createHeap({ initial: 16, maximum: 256 });
  const kept = heap.fromString('kept');
  const pool = await createPoolWasm(heap.memory, 2);
  const addresses = await Promise.all([1, 2, 3, 4].map((n) => pool.run((n, { heap }) => heap.fromString(`block ${n}`).ptr, n)));
  assertEqual(addresses.map((ptr) => new TextDecoder().decode(heap.HEAP.slice(ptr, ptr + 7))), ['block 1', 'block 2', 'block 3', 'block 4']);
  assertEqual(heap.toString(kept), 'kept');
  assertEqual(heap.allocs().length, 5);
  for (const ptr of addresses) heap.free(ptr);
  heap.free(kept);
  pool.destroy();
  heap.check();
}, isolated);

test('attachHeap of the runtime memory is the runtime heap', async () => {
  const heap = await createHeap();
  assertEqual((await attachHeap(heap.memory)) === heap, true);
});

test('allocs lists live blocks with the sizes asked for', async () => {
  const heap = await createHeap({ shared: false });
  const sizes = [1, 100, 5000, 200_000];
  const blocks = sizes.map((size) => heap.alloc(size));
  assertEqual(heap.allocs().map(({ size }) => size).sort((a, b) => a - b), sizes);
  assertEqual(new Set(heap.allocs().map(({ ptr }) => ptr)), new Set(blocks.map(({ ptr }) => ptr)));
  for (const block of blocks) heap.free(block);
  assertEqual(heap.allocs(), []);
});

test('realloc keeps bytes, in place or not, and calloc clears', async () => {
  const heap = await createHeap({ shared: false });
  const block = heap.fromString('isolith');
  for (const size of [7, 8, 100, 70_000, 300_000, 20, 7]) {
    heap.realloc(block, size);
    assertEqual([block.size, heap.sizeof(block.ptr)], [size, size]);
    assertEqual(new TextDecoder().decode(block.memory.subarray(0, 7)), 'isolith');
  }
  const dirty = heap.alloc(1000);
  dirty.memory.fill(255);
  heap.free(dirty);
  const clean = heap.calloc(1000);
  assertEqual(clean.memory.every((byte) => byte === 0), true);
});

test('alignedAlloc takes the alignment first, and out of memory is told before it is thrown', async () => {
  const heap = await createHeap({ initial: 10, maximum: 20, shared: false });
  assertEqual(heap.alignedAlloc(4096, 10).ptr % 4096, 0);
  const asked = [];
  heap.onOutOfMemory((bytes) => asked.push(bytes));
  assertThrows(() => heap.alloc(100_000_000), { code: 'ENOMEM' });
  assertEqual(asked, [100_000_000]);
});

test('typed arrays on the heap follow growth', async () => {
  const heap = await createHeap({ initial: 10, maximum: 100, shared: false });
  const floats = heap.allocArray(Float64Array, 100);
  floats.array[99] = Math.PI;
  heap.memory.grow(5);
  assertEqual([floats.array[99], floats.array.length, floats.length], [Math.PI, 100, 100]);
  heap.free(floats);
  assertEqual(floats.array, null);
});

test('debug mode tells writes behind a block and who leaked what', async () => {
  const heap = await createHeap({ shared: false, debug: true });
  const block = heap.alloc(10);
  heap.HEAP[block.ptr + 10] = 1;
  assertThrows(() => heap.check(), { code: 'ERR_HEAP_CORRUPT', message: new RegExp(String(block.ptr)) });
  assertThrows(() => heap.free(block), { code: 'ERR_HEAP_CORRUPT' });
  assertEqual(heap.leaks().map(({ size }) => size), [10]);
  assert(/heaps\.test\.mjs/.test(heap.leaks()[0].stack) || context.browser === 'webkit', heap.leaks()[0].stack);
});

test('many shared heaps can exist at once', async () => {
  const heaps = await Promise.all(Array.from({ length: 12 }, () => createHeap({ initial: 8, maximum: 64 })));
  assertEqual(heaps.map((heap, at) => heap.sizeof(heap.alloc(at + 1).ptr)), heaps.map((_, at) => at + 1));
}, isolated);
