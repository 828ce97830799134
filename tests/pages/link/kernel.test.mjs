// pool.kernel: linked modules whose exports run in workers, each with a stack and thread-local data of its own.
// needs: tests/linker/build.mjs
import { assert, assertEqual, assertRejects, test, until, within } from '/tests/pages/lib/test.mjs';
import { createHeap, createPool, createPoolWasm } from 'isolith';

const isolated = { shared: true, reason: 'needs shared memory' };
const stoppable = {
  ...isolated, only: ['chromium', 'firefox'], timeout: 40_000,
  reason: 'needs shared memory; WebKit never ends a thread in a WebAssembly loop without calls',
};
const load = async (name) => new Uint8Array(await (await fetch(`/tests/linker/target/${name}.wasm`)).arrayBuffer());

test('exports run in workers with numbers and bigints, on the module\'s data', async () => {
  const pool = createPool(2);
  const kernel = await pool.kernel(await load('workers-threads'));
  assert(kernel.exports.includes('fill') && !kernel.exports.includes('memory'), 'its functions are told');
  assertEqual(await pool.call(kernel, 'step', 14), 42);
  assertEqual(await pool.call(kernel, 'letter', 1, 2), 's'.charCodeAt(0));
  assertEqual(await pool.call(kernel, 'wide', 2n ** 40n), 3n * 2n ** 40n);
  assertEqual(await pool.call(kernel, 'nothing'), undefined);
  assertEqual(await pool.call(kernel, 'zero'), 0);
  await assertRejects(pool.call(kernel, 'no_such'), { code: 'ERR_NO_SUCH_TASK', message: /bump_all/ });
  await kernel.unload();
  await pool.destroy();
}, isolated);

test('one module, one memory: data is shared, stacks and thread-local data are not', async () => {
  const pool = createPool(2);
  const kernel = await pool.kernel(await load('workers-threads'));
  const calls = (name, ...args) => Promise.all(Array.from({ length: 400 }, () => pool.call(kernel, name, ...args)));
  const all = await calls('bump_all', 1);
  assertEqual(Math.max(...all), 400);
  assertEqual(new Set(all).size, 400);
  // Each worker counts from 7 on for itself; together they make 400 steps.
  const mine = await calls('bump_mine', 1);
  assertEqual(new Set(mine).size < 400 || !mine.includes(408), true);
  const workers = mine.filter((value) => value === 8).length;
  assert(workers >= 1 && workers <= 2, `${workers} workers began at 7`);
  const ends = Math.max(...mine) - 7;
  assert(workers === 1 ? ends === 400 : ends < 400, 'thread-local data is each worker\'s own');
  assertEqual(kernel.linked.exports.bump_mine(1), 8);
  const stacks = new Set([...(await calls('stack')), kernel.linked.exports.stack()]);
  assert(stacks.size <= 3 && stacks.size >= workers + 1, `${stacks.size} stacks`);
  await kernel.unload();
  await pool.destroy();
}, isolated);

test('parallelFor calls an export for every row once', async () => {
  const pool = createPool(2);
  const heap = await createHeap();
  const kernel = await pool.kernel(await load('workers-threads'));
  const [width, height] = [321, 1000];
  const image = heap.calloc(width * height);
  await pool.parallelFor(kernel, 'fill', height, [image.ptr, width, 3]);
  await pool.parallelFor(kernel, 'fill', height, [image.ptr, width, 4], { grain: 1 });
  assert(image.memory.every((byte) => byte === 7), 'each row was filled once a call');
  await pool.parallelFor(kernel, 'fill', 0, [image.ptr, width, 1]);
  await assertRejects(pool.parallelFor(kernel, 'fill', -1), { name: 'RangeError' });
  await assertRejects(pool.parallelFor(kernel, 'deep', 10, [5]), { name: 'RuntimeError' });
  heap.free(image);
  await kernel.unload();
  await pool.destroy();
}, isolated);

test('workers allocate and free for each other on the heap', async () => {
  const pool = createPool(2);
  const heap = await createHeap();
  const kernel = await pool.kernel(await load('workers-threads'));
  const rust = await pool.kernel(await load('common-imported'));
  const blocks = await Promise.all(Array.from({ length: 200 }, (_, at) => pool.call(kernel, 'block', 100 + at, at & 255)));
  assertEqual(new Set(blocks).size, 200);
  for (const [at, ptr] of blocks.entries()) {
    assertEqual(heap.sizeof(ptr), 100 + at);
    assert(heap.HEAP.slice(ptr, ptr + 100).every((byte) => byte === (at & 255)), `block ${at}`);
  }
  await Promise.all(blocks.map((ptr) => pool.call(kernel, 'unblock', ptr)));
  const objects = await Promise.all(Array.from({ length: 200 }, (_, at) => pool.call(rust, 'create_object', BigInt(at))));
  assertEqual(objects.map((ptr) => Number(new BigInt64Array(heap.memory.buffer, ptr, 1)[0])), objects.map((_, at) => at));
  for (const ptr of objects) heap.free(ptr);
  await rust.unload();
  await kernel.unload();
  await pool.destroy();
}, isolated);

test('a trap rejects, and the worker goes on with a whole stack', async () => {
  const pool = createPool(1);
  const kernel = await pool.kernel(await load('workers-threads'), { stack: 65536 });
  const before = await pool.call(kernel, 'stack');
  // Each takes half a stack: a third would run over its end if they were left there.
  for (let round = 0; round < 5; round++) await assertRejects(pool.call(kernel, 'deep', 60), { name: 'RuntimeError' });
  assertEqual(await pool.call(kernel, 'stack'), before);
  await kernel.unload();
  await pool.destroy();
}, isolated);

test('a call without end is stopped at its timeout; its stack is returned, and others go on', async () => {
  const pool = createPool(2);
  const heap = await createHeap();
  const kernel = await pool.kernel(await load('workers-threads'));
  await Promise.all(Array.from({ length: 50 }, () => pool.call(kernel, 'stack')));
  const settled = heap.stats().bytesInUse;
  for (let round = 0; round < 3; round++) {
    await assertRejects(kernel.call(pool, 'spin', [], { timeout: 50 }), { code: 'ETIMEDOUT' });
    assertEqual(await pool.call(kernel, 'step', 5), 15);
  }
  await until(() => pool.stats().ending === 0, { timeout: 15_000 });
  await Promise.all(Array.from({ length: 50 }, () => pool.call(kernel, 'stack')));
  const grown = heap.stats().bytesInUse - settled;
  assert(grown < 3 * 65536, `${grown} bytes more than before three workers were killed`);
  await kernel.unload();
  await pool.destroy();
}, stoppable);

test('unload waits for calls on their way, then frees everything, also beside a killed worker', async () => {
  const heap = await createHeap();
  const pool = createPool(2);
  await pool.run(() => 1);
  const before = heap.stats().bytesInUse;
  const kernel = await pool.kernel(await load('workers-threads'));
  await Promise.all(Array.from({ length: 50 }, () => pool.call(kernel, 'step', 1)));
  const late = kernel.call(pool, 'spin', [], { timeout: 100 });
  const unloaded = kernel.unload();
  await assertRejects(pool.call(kernel, 'step', 1), { code: 'ERR_USE_AFTER_FREE' });
  await assertRejects(late, { code: 'ETIMEDOUT' });
  await within(15_000, unloaded);
  await until(() => pool.stats().ending === 0, { timeout: 15_000 });
  await until(() => heap.stats().bytesInUse - before < 65536, { what: 'less than a page of memory to be left', timeout: 15_000 });
  await pool.destroy();
}, stoppable);

test('a module linked by hand serves several pools, and takes its kernels with it', async () => {
  const heap = await createHeap();
  const linked = await heap.link(await load('workers-threads'));
  const [one, two] = [createPool(1), createPool(1)];
  const kernel = await one.kernel(linked);
  assertEqual([await one.call(kernel, 'bump_all', 1), await two.call(kernel, 'bump_all', 1), linked.exports.bump_all(1)], [1, 2, 3]);
  await linked.unload();
  await assertRejects(two.call(kernel, 'bump_all', 1), { code: 'ERR_USE_AFTER_FREE' });
  await one.destroy();
  await two.destroy();
}, isolated);

test('a pool on a heap of its own runs kernels there, and only those of that heap', async () => {
  const heap = await createHeap({ shared: true });
  const pool = await createPoolWasm(heap.memory, 1);
  const other = createPool(1);
  const kernel = await pool.kernel(await load('workers-threads'));
  const ptr = await pool.call(kernel, 'block', 64, 9);
  assertEqual(heap.sizeof(ptr), 64);
  assertEqual([...heap.HEAP.slice(ptr, ptr + 4)], [9, 9, 9, 9]);
  await assertRejects(other.call(kernel, 'step', 1), { code: 'ERR_WILD_POINTER' });
  await kernel.unload();
  await pool.destroy();
  await other.destroy();
}, isolated);

test('modules that no two threads may run are refused, and workers link nothing', async () => {
  const pool = createPool(1);
  await assertRejects(pool.kernel(await load('common-recipe')), { code: 'ERR_NOT_SUPPORTED', message: /--emit-relocs/ });
  await assertRejects(pool.run((_, { heap }) => heap.link(new Uint8Array(8))), { code: 'ERR_NOT_SUPPORTED' });
  await pool.destroy();
}, isolated);

test('where a thread cannot be ended, its memory is kept and unload says so', async () => {
  const heap = await createHeap();
  const pool = createPool(1);
  const kernel = await pool.kernel(await load('workers-threads'));
  await assertRejects(kernel.call(pool, 'spin', [], { timeout: 200 }), { code: 'ETIMEDOUT' });
  const { ptr, size } = kernel.linked.block;
  await assertRejects(within(15_000, kernel.unload()), { code: 'EBUSY' });
  assertEqual(heap.sizeof(ptr), size);
  await pool.destroy();
}, { ...isolated, only: ['webkit'], reason: 'other browsers end such a thread', timeout: 40_000 });
