// What the first task of a fresh worker may do: a plain one runs before the worker has read most of its code.
import { assert, assertEqual, assertRejects, context, respond, test } from '/tests/pages/lib/test.mjs';
import { createPool } from 'isolith';

const timeout = 60_000;

/** What the task makes of its data as the first one of a worker whose scripts have started before. */
async function first(task, data, options) {
  const before = createPool(1);
  await before.run(() => 0);
  await before.destroy();
  const pool = createPool({ min: 1, max: 1, grace: 50 });
  try {
    return await pool.run(task, data, options);
  } finally {
    // The worker goes on as any other.
    assertEqual(await pool.run((x) => x + 1, 1), 2);
    assertEqual(await pool.run(({ list }) => list.map((x) => x * 2), { list: [1, 2] }), [2, 4]);
    assertEqual(pool.stats().running, 0);
    await pool.destroy();
  }
}

for (const [value, task] of [[3, (x) => x + 1], [undefined, () => {}], [null, () => null], [true, (x) => x === 2], [{ a: [1] }, () => ({ a: [1] })], ['text', () => 'text']]) {
  test(`it answers ${JSON.stringify(value) ?? 'undefined'}`, async () => assertEqual(await first(task, 2), value), { timeout });
}

test('it may be given an object', async () => assertEqual(await first(({ a }) => a, { a: 'in it' }), 'in it'), { timeout });

test('data that the worker cannot read is an error, or is read, but never waited for', async () => {
  // How deep a worker reads differs: somewhere here the page can send what it cannot read.
  for (const depth of [2000, 4000, 6000, 8000, 10_000, 20_000, 50_000]) {
    let nested = [];
    for (let at = 0; at < depth; at++) nested = at % 2 ? { nested } : [nested];
    const seen = await first(() => 'read', [nested, new Blob([])]).catch(({ code }) => code);
    assert(['read', 'ERR_NOT_SERIALIZABLE', 'ERR_WORKER_CRASHED'].includes(seen), `${depth}: ${seen}`);
  }
}, { timeout });

test('it may await', async () => {
  assertEqual(await first(async (x) => {
    await new Promise((done) => setTimeout(done, 5));
    return x * 2;
  }, 4), 8);
}, { timeout });

test('what it throws arrives, and what it rejects with', async () => {
  await assertRejects(first(() => { throw new RangeError('thrown'); }, 1), { name: 'RangeError', message: /thrown/ });
  await assertRejects(first(async () => { throw new RangeError('rejected'); }, 1), { name: 'RangeError', message: /rejected/ });
}, { timeout });

test('it has its context, the heap and files', async () => {
  const told = [];
  const value = await first((x, context) => {
    context.progress(x);
    const { heap, workerId, signal } = context;
    return [heap.alloc(8).ptr > 0, workerId > 0, signal.aborted, 'fs' in context, globalThis.heap === heap, typeof globalThis.fs.readFileSync];
  }, 7, { onProgress: (value) => told.push(value) });
  assertEqual(value, [true, true, false, true, true, 'function']);
  assertEqual(told, [7]);
}, { only: ['chromium', 'firefox', 'webkit'], reason: 'the heap is shared' , timeout });

test('one that never ends is ended at its timeout, asked first where it has its signal', async () => {
  await assertRejects(first(() => { for (;;); }, 1, { timeout: 50 }), { code: 'ETIMEDOUT' });
  await assertRejects(first((_, { signal }) => { while (!signal.aborted); return 1; }, 1, { timeout: 50 }), { code: 'ETIMEDOUT' });
}, { timeout });

test('a worker that it closes is replaced, and only that task rejects', async () => {
  await assertRejects(first(() => {
    close();
    return new Promise(() => {});
  }, 1), { code: 'ERR_WORKER_CRASHED' });
}, { timeout });

test('where the rest of the code is gone, tasks are answered or rejected, and none is left', async () => {
  if (!context.shared) return;
  const before = createPool(1);
  await before.run(() => 0);
  await respond('/pkg/dist/worker-ring.js', { status: 404, body: 'gone' });
  try {
    const pool = createPool(1);
    const plain = await pool.run((x) => x + 1, 1).catch(({ code }) => code);
    assert(plain === 2 || plain === 'ERR_WORKER_CRASHED', `the plain one: ${plain}`);
    await assertRejects(pool.run(({ a }) => a, { a: 1 }), { code: 'ERR_WORKER_CRASHED' });
    await pool.destroy();
  } finally {
    await respond('/pkg/dist/worker-ring.js', {});
  }
  assertEqual(await before.run((x) => x + 1, 1), 2);
  await before.destroy();
}, { timeout });
