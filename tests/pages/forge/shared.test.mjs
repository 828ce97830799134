// Shared memory, atomics and channels of the forge-runtime document, and the error where there is no isolation.
// modes: isolated bare
import { assertEqual, assertRejects, assertThrows, test } from '/tests/pages/lib/test.mjs';
import * as isolith from 'isolith';

const isolated = { shared: true, reason: 'shared memory needs an isolated page' };

test('shared memory and its views', () => {
  const memory = isolith.createSharedMemory(1024);
  const view = isolith.createInt32View(memory);
  view[0] = 123;
  assertEqual([view[0], view.length, memory.byteLength], [123, 256, 1024]);
  const names = ['Int8', 'Uint8', 'Int16', 'Uint16', 'Int32', 'Uint32', 'BigInt64', 'BigUint64'];
  const bytes = names.map((name) => isolith[`create${name}View`](memory).BYTES_PER_ELEMENT);
  assertEqual(bytes, [1, 1, 2, 2, 4, 4, 8, 8]);
}, isolated);

test('atomic operations answer as Atomics does', () => {
  const { load, store, add, sub, and, or, xor, exchange, compareExchange, notify } = isolith;
  const view = isolith.createInt32View(isolith.createSharedMemory(1024));
  store(view, 0, 10);
  add(view, 0, 5);
  assertEqual(load(view, 0), 15);
  assertEqual([sub(view, 0, 5), and(view, 0, 6), or(view, 0, 9), xor(view, 0, 1)], [15, 10, 2, 11]);
  assertEqual([exchange(view, 0, 1), compareExchange(view, 0, 1, 2), load(view, 0), notify(view, 0)], [10, 1, 2, 0]);
  const big = isolith.createBigInt64View(isolith.createSharedMemory(8));
  assertEqual([add(big, 0, 2n ** 40n), load(big, 0)], [0n, 2n ** 40n]);
}, isolated);

test('waitAsync is woken by notify', async () => {
  const view = isolith.createInt32View(isolith.createSharedMemory(4));
  const waiting = isolith.waitAsync(view, 0, 0, 5000);
  assertEqual(waiting.async, true);
  assertEqual(isolith.notify(view, 0, 1), 1);
  assertEqual(await waiting.value, 'ok');
}, isolated);

test('a queue gives back in order what was pushed', () => {
  const { createQueue, push, pop } = isolith;
  const queue = createQueue();
  push(queue, 10);
  push(queue, 20);
  assertEqual([pop(queue), pop(queue), pop(queue)], [10, 20, undefined]);
}, isolated);

test('a channel carries messages between its ports', async () => {
  const channel = isolith.createChannel();
  const arrived = new Promise((resolve) => {
    channel.port2.onmessage = (event) => resolve(event.data);
  });
  channel.port1.postMessage('hello');
  assertEqual(await arrived, 'hello');
  channel.port1.close();
});

test('without isolation shared features name both headers where they are used', async () => {
  const { memory } = isolith;
  const expected = { code: 'ERR_NOT_ISOLATED', message: /Cross-Origin-Opener-Policy[\s\S]*Cross-Origin-Embedder-Policy/ };
  assertThrows(() => isolith.createSharedMemory(8), expected);
  assertThrows(() => isolith.createQueue(), expected);
  await assertRejects(isolith.createPoolWasm(memory, 1), expected);
  await assertRejects(isolith.createHeap({ shared: true }), expected);
  const heap = await isolith.createHeap();
  const block = heap.fromString('still a heap');
  assertEqual(new TextDecoder().decode(block.memory), 'still a heap');
  heap.free(block);
  const pool = isolith.createPool(1);
  assertEqual(await pool.run((x) => x * 2, 10), 20);
  pool.destroy();
}, { shared: false, reason: 'this is about pages that are not isolated' });
