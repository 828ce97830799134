// Modules linked one after the other: they import what libraries export and what users write, and share one table, on the page and in workers.
// needs: tests/linker/build.mjs
import { assert, assertEqual, assertRejects, assertThrows, test } from '/tests/pages/lib/test.mjs';
import { createHeap, createPool } from 'isolith';

const isolated = { shared: true, reason: 'needs shared memory' };
const load = async (name) => new Uint8Array(await (await fetch(`/tests/linker/target/${name}.wasm`)).arrayBuffer());
const GIVEN = '/tests/pages/link/given.mjs';

/** What `user_twice(1)`, which `seed` calls, answers, and `told` of it and 4. */
const SEED = 3;
const TOLD = (SEED + 4) * 10 + 1;

/** A library and a kernel that calls it, with whatever else. */
async function both(heap, options = {}) {
  const library = await heap.link(await load('library-threads'), { oneTable: true });
  const user = await heap.link(await load('user-threads'), { oneTable: true, libraries: [library], imports: GIVEN, ...options });
  return { library, user };
}

test('functions, function pointers and traps cross from module to library and back', async () => {
  const heap = await createHeap();
  const { library, user } = await both(heap);
  assert(user.table === library.table, 'they have one table');
  const [mine, others] = [library, user].map(({ layout }) => layout.modules[0].slots);
  assert(mine.end <= others.start, 'slots of their own');
  assertEqual(user.exports.user_twice(20), 41);
  user.exports.user_keep();
  assertEqual(library.exports.lib_back(10), (2 * 10 + 7) >> 1);
  assertEqual(user.exports.user_half(90), 45);
  assertEqual(user.exports.user_seed(4), TOLD);
  const before = library.exports.lib_stack();
  // In the middle of a recursion through both: neither keeps the frames.
  assertThrows(() => user.exports.user_deep(9), { name: 'RuntimeError' });
  assertEqual(library.exports.lib_stack(), before);
  await library.unload();
  assertThrows(() => user.exports.user_twice(1), { code: 'ERR_USE_AFTER_FREE' });
});

test('a trap within a call from within a call takes off its own frames only', async () => {
  const heap = await createHeap();
  const library = await heap.link(await load('library-threads'), { oneTable: true });
  const seen = [];
  const imports = {
    env: { told: (x) => x },
    host: {
      seed: () => {
        seen.push(library.exports.lib_stack());
        assertThrows(() => library.exports.lib_deep(0, 0), { name: 'RuntimeError' });
        seen.push(library.exports.lib_stack());
        return 1;
      },
    },
  };
  const user = await heap.link(await load('user-threads'), { oneTable: true, libraries: [library], imports });
  assertEqual(user.exports.user_seed(4), 5);
  assertEqual(seen[0], seen[1]);
  assertEqual(library.exports.lib_stack(), seen[0]);
  await library.unload();
});

test('a side module finds data and functions of a library by address', async () => {
  const heap = await createHeap();
  const library = await heap.link(await load('library-threads'), { oneTable: true });
  const plugin = await heap.link(await load('plugin-side'), { oneTable: true, libraries: [library] });
  assertEqual(plugin.exports.plugin_sum(6), 100 + 12 + 101);
  assertEqual(library.exports.lib_count(), 102);
  plugin.exports.plugin_keep();
  assertEqual(library.exports.lib_back(60), 50);
  // What it exports has the address at which it is.
  assertEqual(new Uint32Array(heap.memory.buffer, plugin.exports.plugin_data.value, 1)[0], 40);
  const second = await heap.link(await load('plugin-side'), { oneTable: true, libraries: [plugin, library] });
  assertEqual(second.exports.plugin_sum(6), 102 + 12 + 103);
  await assertRejects(heap.link(await load('plugin-side')), { code: 'ERR_UNDEFINED_SYMBOL' });
  await library.unload();
  assert(plugin.unloaded && second.unloaded, 'who needs a library goes before it');
});

test('slots are used again, and no two modules ever have the same', async () => {
  const heap = await createHeap();
  const library = await heap.link(await load('library-threads'), { oneTable: true });
  const file = await load('user-threads');
  const one = () => heap.link(file, { oneTable: true, libraries: [library], imports: GIVEN });
  const all = await Promise.all([one(), one(), one()]);
  const slots = all.map(({ parts }) => parts.slots).sort((a, b) => a.start - b.start);
  for (const [at, { start }] of slots.entries()) assert(start >= (slots[at - 1] ?? library.parts.slots).end, 'slots are apart');
  const { length } = library.table;
  for (const linked of all) await linked.unload();
  for (let slot = library.parts.slots.end; slot < length; slot++) assertEqual(library.table.get(slot), null);
  for (let round = 0; round < 5; round++) await (await one()).unload();
  assertEqual(library.table.length, length);
  await library.unload();
});

test('what cannot be bound is refused by name, and nothing stays behind', async () => {
  const heap = await createHeap();
  const other = await createHeap({ shared: false });
  const library = await heap.link(await load('library-threads'));
  const lone = await heap.link(await load('workers-threads'));
  const file = await load('user-threads');
  const before = heap.stats().bytesInUse;
  await assertRejects(heap.link(file, { libraries: [library] }), { code: 'ERR_UNDEFINED_SYMBOL', message: /env\.told|host\.seed/ });
  await assertRejects(heap.link(file, { imports: GIVEN }), { code: 'ERR_UNDEFINED_SYMBOL', message: /function env\.lib_twice/ });
  await assertRejects(heap.link(file, { libraries: [library], imports: './no-such-file.mjs' }), { code: 'ERR_MODULE_NOT_FOUND', message: /no-such-file/ });
  await assertRejects(heap.link(file, { libraries: [library, lone], oneTable: true, imports: GIVEN }), { code: 'ERR_NOT_SUPPORTED', message: /oneTable/ });
  await assertRejects(other.link(file, { libraries: [library], imports: GIVEN }), { code: 'ERR_WILD_POINTER' });
  await lone.unload();
  await assertRejects(heap.link(file, { libraries: [lone], imports: GIVEN }), { code: 'ERR_USE_AFTER_FREE' });
  assert(heap.stats().bytesInUse <= before, 'no block is left');
  await library.unload();
}, { pageErrors: /no-such-file/ });

test('in workers too: imports made on each thread, libraries, one table', async () => {
  const heap = await createHeap();
  const pool = createPool(2);
  const library = await pool.kernel(await load('library-threads'), { oneTable: true });
  assertEqual(await pool.call(library, 'lib_twice', 4), 8);
  const user = await pool.kernel(await load('user-threads'), { oneTable: true, libraries: [library], imports: GIVEN });
  const many = (kernel, name, ...args) => Promise.all(Array.from({ length: 100 }, () => pool.call(kernel, name, ...args)));
  assertEqual([...new Set(await many(user, 'user_twice', 20))], [41]);
  assertEqual([...new Set(await many(user, 'user_half', 90))], [45]);
  assertEqual([...new Set(await many(user, 'user_seed', 4))], [TOLD]);
  // One thread gives the library a function, every thread calls it there.
  await pool.call(user, 'user_keep');
  assertEqual([...new Set(await many(library, 'lib_back', 10))], [13]);
  assertEqual(library.linked.exports.lib_back(10), 13);
  const plugin = await pool.kernel(await load('plugin-side'), { oneTable: true, libraries: [library] });
  await pool.call(plugin, 'plugin_keep');
  assertEqual([...new Set(await many(library, 'lib_back', 60))], [50]);
  assertEqual(await pool.call(plugin, 'plugin_same', library.linked.table.length + 5), 0);
  const places = new Set(await many(plugin, 'plugin_stack'));
  assert(!places.has(plugin.linked.exports.plugin_stack()), 'each thread has a stack of its own for a side module too');
  const counts = await many(library, 'lib_count');
  assertEqual(new Set(counts).size, 100);
  // Neither has the frames of a trap that went through both.
  const stacks = new Set(await many(library, 'lib_stack'));
  for (let round = 0; round < 4; round++) await assertRejects(pool.call(user, 'user_deep', 20), { name: 'RuntimeError' });
  for (const stack of await many(library, 'lib_stack')) assert(stacks.has(stack) || stacks.size < 2, `a stack at ${stack}`);
  await plugin.unload();
  await pool.call(user, 'user_keep');
  assertEqual([...new Set(await many(library, 'lib_back', 10))], [13]);
  const used = heap.stats().bytesInUse;
  await library.unload();
  assert(user.linked.unloaded, 'the kernel that called the library went before it');
  await assertRejects(pool.call(user, 'user_twice', 1), { code: 'ERR_USE_AFTER_FREE' });
  assert(heap.stats().bytesInUse < used, 'their memory is returned');
  await pool.destroy();
}, isolated);

test('workers import plain exports, and are given no functions of the page', async () => {
  const heap = await createHeap();
  const pool = createPool(1);
  const library = await heap.link(await load('library-threads'), { oneTable: true });
  const file = await load('user-threads');
  const address = new URL('./given-plain.mjs', import.meta.url);
  const kernel = await pool.kernel(file, { libraries: [library], imports: address });
  assertEqual(await pool.call(kernel, 'user_seed', 4), 9);
  const imports = { env: { told: (x) => x }, host: { seed: () => 1 } };
  await assertRejects(pool.kernel(file, { libraries: [library], imports }), { code: 'ERR_NOT_SUPPORTED', message: /address of a JavaScript module/ });
  const here = await heap.link(file, { libraries: [library], imports });
  await assertRejects(pool.kernel(here), { code: 'ERR_NOT_SUPPORTED' });
  await kernel.unload();
  assert(!library.unloaded, 'a library that was linked by hand stays');
  await library.unload();
  await pool.destroy();
}, isolated);

test('whoever begins to unload, library or kernel, all ends', async () => {
  const pool = createPool(1);
  const open = async () => {
    const library = await pool.kernel(await load('library-threads'), { oneTable: true });
    const user = await pool.kernel(await load('user-threads'), { oneTable: true, libraries: [library], imports: GIVEN });
    assertEqual(await pool.call(user, 'user_twice', 2), 5);
    return { library, user };
  };
  for (const end of [
    ({ library }) => library.linked.unload(),
    ({ library, user }) => Promise.all([library.unload(), user.unload()]),
    ({ library, user }) => Promise.all([user.linked.unload(), library.linked.unload()]),
  ]) {
    const { library, user } = await open();
    await end({ library, user });
    assert(library.linked.unloaded && user.linked.unloaded, 'both are gone');
  }
  await pool.destroy();
}, isolated);
