// heap.link: foreign modules in blocks of a heap's memory, on its allocator, until they are unloaded.
// needs: tests/linker/build.mjs
import { assert, assertEqual, assertRejects, assertThrows, context, test } from '/tests/pages/lib/test.mjs';
import { createHeap, memory } from 'isolith';

const load = async (name) => new Uint8Array(await (await fetch(`/tests/linker/target/${name}.wasm`)).arrayBuffer());
const ANSWERS = ['pointers-imported', 'kernel-imported', 'kernel-threads', 'threads-first', 'threads-threads'];
const SEEDS = [0, 1, 12345];

/** The text that a fixture's `run` answers: a pointer to a pointer and a length. */
function answer({ exports }, memory, seed) {
  const at = exports.run(seed);
  const { buffer } = memory;
  const [ptr, length] = new Uint32Array(buffer, at, 2);
  return new TextDecoder().decode(new Uint8Array(buffer, ptr, length).slice());
}

/** The same of the module by itself: on a memory that nobody else uses. */
async function alone(file, seeds) {
  const heap = await createHeap({ shared: false });
  const linked = await heap.link(file);
  return seeds.map((seed) => answer(linked, heap.memory, seed));
}

test('modules on the runtime heap answer as on a memory of their own, side by side', async () => {
  const heap = await createHeap();
  const files = await Promise.all(ANSWERS.map(load));
  const expected = [];
  for (const file of files) expected.push(await alone(file, SEEDS));
  const before = heap.stats().bytesInUse;
  const linked = [];
  for (const file of files) linked.push(await heap.link(file));
  const seen = files.map(() => []);
  // Interleaved, so that one module's writes would show in another's answers.
  for (const seed of SEEDS) for (const [at, one] of linked.entries()) seen[at].push(answer(one, memory, seed));
  assertEqual(seen, expected);
  assert(new Set(expected.map(([first]) => first)).size >= 2, 'different modules answer differently');
  for (const { block, layout } of linked) {
    const { area } = layout.modules[0];
    assert(area.start >= block.ptr && area.end <= block.ptr + block.size, 'a module lies in its block');
  }
  for (const one of linked) await one.unload();
  assertEqual(heap.stats().bytesInUse - before < 100_000, true, 'only what the modules allocated is left');
});

test('what a module allocates is a block of the heap', async () => {
  const heap = await createHeap();
  const rust = await heap.link(await load('common-imported'));
  const object = rust.exports.create_object(1337n);
  assertEqual(heap.sizeof(object), 8);
  assertEqual(new BigInt64Array(memory.buffer, object, 1)[0], 1337n);
  heap.free(object);
  const c = await heap.link(await load('workers-threads'));
  const at = c.exports.block(1000, 5);
  assertEqual(heap.sizeof(at), 1000);
  assertEqual([...heap.HEAP.slice(at, at + 1000)].every((byte) => byte === 5), true);
  c.exports.unblock(at);
  assertThrows(() => heap.sizeof(at), { code: 'ERR_DOUBLE_FREE' });
  await rust.unload();
  await c.unload();
});

test('modules linked together share functions, data and one table', async () => {
  const heap = await createHeap();
  const files = await Promise.all(['side-one-side', 'main-plain', 'side-two-side'].map(load));
  const linked = await heap.link(files);
  const again = await heap.link(files);
  const first = linked.exports.main_run(4);
  assertEqual(again.exports.main_run(4), first);
  assert(linked.exports.main_run(4) !== first, 'their state goes on');
  assert(linked.table instanceof WebAssembly.Table, 'they have a table');
  await linked.unload();
  await again.unload();
});

test('after unload calls fail by name, and the block is the heap\'s again', async () => {
  const heap = await createHeap();
  const linked = await heap.link(await load('kernel-imported'));
  const { ptr, size } = linked.block;
  assert(size > 2 ** 20, 'a megabyte of zeroed data');
  const { run } = linked.exports;
  const before = heap.stats().bytesInUse;
  await linked.unload();
  assertThrows(() => run(1), { code: 'ERR_USE_AFTER_FREE' });
  assertThrows(() => linked.exports.run(1), { code: 'ERR_USE_AFTER_FREE' });
  assert(before - heap.stats().bytesInUse >= size, 'its bytes are free');
  assertThrows(() => heap.sizeof(ptr), { code: 'ERR_DOUBLE_FREE' });
  await linked.unload();
});

test('what cannot be linked is refused, and nothing stays behind', async () => {
  const heap = await createHeap();
  const stats = () => heap.stats().bytesInUse;
  const before = stats();
  const bytes = await load('kernel-imported');
  await assertRejects(heap.link(bytes.subarray(0, 1000)), { name: 'LinkError', code: 'ERR_MALFORMED_MODULE' });
  await assertRejects(heap.link([bytes, await load('kernel-absolute')]), { code: 'ERR_NOT_RELOCATABLE', module: 1 });
  await assertRejects(heap.link(await load('threads-wide')), { code: 'ERR_UNSUPPORTED_MODULE' });
  await assertRejects(heap.link(await load('side-two-side')), { code: 'ERR_UNDEFINED_SYMBOL' });
  await assertRejects(heap.link(await load('main-plain')));
  assertEqual(stats(), before);
});

test('a heap of its own, shared or not, takes modules too', async () => {
  const file = await load('pointers-imported');
  const expected = await alone(file, SEEDS);
  for (const shared of context.shared ? [true, false] : [false]) {
    const heap = await createHeap({ shared });
    const linked = await heap.link([await load('threads-first'), file]);
    assertEqual(SEEDS.map((seed) => linked.exports.run(seed)).length, 3);
    const second = await heap.link(file);
    assertEqual(SEEDS.map((seed) => answer(second, heap.memory, seed)), expected);
    assertEqual(heap.check?.() ?? true, true);
  }
});

test('the stack of a call that trapped is taken off again', async () => {
  const heap = await createHeap();
  const linked = await heap.link(await load('workers-threads'));
  const before = linked.exports.stack();
  assertThrows(() => linked.exports.deep(50), { name: 'RuntimeError' });
  assertEqual(linked.exports.stack(), before);
  await linked.unload();
});
