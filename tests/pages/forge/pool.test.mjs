// The pool part of the forge-runtime document, snippet by snippet, and how tasks fail.
// modes: isolated bare
import { assert, assertEqual, assertRejects, assertThrows, test } from '/tests/pages/lib/test.mjs';
import { createHeap, createPool, createPoolWasm, memory, spawn } from 'isolith';

const isolated = { shared: true, reason: 'workers share the heap only on isolated pages' };

test('one task, several tasks, async tasks and arrays', async () => {
  const pool = createPool(4);
  assertEqual(await pool.run((n) => n * 2, 10), 20);
  const p1 = pool.run((n) => n * 2, 10);
  const p2 = pool.run((n) => n * 3, 20);
  const p3 = pool.run((n) => n * 4, 30);
  assertEqual(await Promise.all([p1, p2, p3]), [20, 60, 120]);
  const later = await pool.run(
    async (n) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return n * 2;
    },
    10,
  );
  assertEqual(later, 20);
  assertEqual(await pool.run((arr) => arr.reduce((a, b) => a + b, 0), [1, 2, 3, 4, 5]), 15);
  assertEqual(pool.size, 4);
  assertEqual(pool.pendingTasks, 0);
  pool.destroy();
});

test('spawn runs a function in a worker', async () => {
  assertEqual(await spawn((x) => x * 2, 10), 20);
});

test('errors keep their class, message, stack, fields and cause', async () => {
  const pool = createPool(1);
  await assertRejects(pool.run(() => { throw new Error('Boom'); }), { name: 'Error', message: 'Boom' });
  const error = await pool.run(() => {
    const inner = new TypeError('inside');
    throw Object.assign(new RangeError('outside', { cause: inner }), { detail: 7 });
  }).catch((caught) => caught);
  assert(error instanceof RangeError && error.cause instanceof TypeError, 'classes');
  assertEqual([error.message, error.cause.message, error.detail], ['outside', 'inside', 7]);
  assert(String(error.stack).length > 0, 'a stack');
  const thrown = await pool.run(() => { throw 42; }).catch((caught) => caught);
  assertEqual(thrown, 42);
  await assertRejects(pool.run(() => { throw new DOMException('gone', 'AbortError'); }), { name: 'AbortError', message: 'gone' });
  pool.destroy();
});

test('functions that capture outer variables fail, and say so', async () => {
  const pool = createPool(1);
  const multiplier = 5;
  await assertRejects(pool.run((n) => n * multiplier, 10), { name: 'ReferenceError', message: /multiplier/ });
  pool.destroy();
});

test('arguments and results that cannot be sent reject, and the worker goes on', async () => {
  const pool = createPool(1);
  await assertRejects(pool.run((x) => x, () => 1), { message: /cannot be sent|could not be cloned/ });
  await assertRejects(pool.run(() => () => 1), { message: /clone|sent/ });
  await assertRejects(pool.run(Math.max, 1), { code: 'ERR_NOT_SERIALIZABLE' });
  assertEqual(await pool.run((x) => x + 1, 1), 2);
  pool.destroy();
});

test('destroy rejects what is pending, and what comes after', async () => {
  const pool = createPool(1);
  const running = pool.run(() => new Promise(() => {}));
  const waiting = pool.run((x) => x, 1);
  const both = Promise.allSettled([running, waiting]);
  pool.destroy();
  assertEqual((await both).map((it) => it.reason?.code), ['ERR_POOL_DESTROYED', 'ERR_POOL_DESTROYED']);
  await assertRejects(pool.run((x) => x, 1), { code: 'ERR_POOL_DESTROYED' });
});

test('a worker script that is not there is an error, not a hang', async () => {
  const pool = createPool({ size: 1, worker: '/no/such/worker.js' });
  await assertRejects(pool.run((x) => x, 1), { code: 'ERR_WORKER_START' });
  pool.destroy();
});

test('sizes that cannot be are refused', () => {
  for (const size of [0, -1, 1.5, NaN]) assertThrows(() => createPool(size), { name: 'RangeError' });
});

test('workers see the heap: no bytes are copied', async () => {
  const heap = await createHeap();
  const pool = await createPoolWasm(memory, 4);
  assertEqual(await pool.run((x) => x * 2, 5), 10);
  const block = heap.alloc(1);
  block.memory[0] = 77;
  assertEqual(await pool.runHeap(({ ptr, HEAP }) => HEAP[ptr], block), 77);
  heap.free(block);
  pool.destroy();
}, isolated);

test('a large region is updated in parallel', async () => {
  const heap = await createHeap();
  const pool = await createPoolWasm(memory, 4);
  const size = 100_000_000;
  const block = heap.alloc(size);
  block.memory.fill(1);
  await Promise.all([
    pool.runHeap(
      ({ ptr, size, HEAP }) => {
        const end = ptr + size / 4;
        for (let i = ptr; i < end; i++) {
          HEAP[i] *= 2;
        }
      },
      block,
    ),
  ]);
  assertEqual([block.memory[0], block.memory[size / 4 - 1], block.memory[size / 4]], [2, 2, 1]);
  heap.free(block);
  pool.destroy();
}, { ...isolated, timeout: 60_000 });

test('a task allocates on the shared heap and the page frees it', async () => {
  const heap = await createHeap();
  const before = heap.stats().blocks;
  const pool = createPool(1);
  const ptr = await pool.run((text, { heap }) => heap.fromString(text).ptr, 'from a worker');
  const size = heap.sizeof(ptr);
  assertEqual(new TextDecoder().decode(heap.HEAP.slice(ptr, ptr + size)), 'from a worker');
  heap.free(ptr);
  assertEqual(heap.stats().blocks, before);
  pool.destroy();
}, isolated);

test('a task tells its progress', async () => {
  const pool = createPool(1);
  const seen = [];
  await pool.run((n, { progress }) => { for (let at = 0; at < n; at++) progress(at); }, 3, { onProgress: (value) => seen.push(value) });
  assertEqual(seen, [0, 1, 2]);
  pool.destroy();
});
