// Queues in threads: capacity, types, waiting, close, kill, and every item once in its producer's order.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createQueue, pop, push, Queue, setThreadId } from '../../../pkg/dist/sync.js';
import { thread } from './threads.mjs';

setThreadId(1);
const SAMPLES = {
  i32: [0, -1, 2 ** 31 - 1], u32: [0, 2 ** 32 - 1, 7], f64: [0.5, -Infinity, 1e300],
  bytes: [new Uint8Array([1, 2, 3]), new Uint8Array(0), new Uint8Array(100).fill(9)],
  any: [{ a: [1, 'x'] }, 'a text longer than thirty-two bytes, so not copied word by word', 5],
};

for (const [type, samples] of Object.entries(SAMPLES)) {
  test(`${type}: exactly capacity, in order, over many laps`, () => {
    for (const capacity of [1, 2, 3, 7]) {
      const queue = createQueue({ capacity, type, bytes: 1024 });
      for (let lap = 0; lap < 60; lap++) {
        const items = Array.from({ length: capacity }, (_, i) => samples[(lap + i) % samples.length]);
        for (const item of items) assert.equal(queue.push(item), true);
        assert.equal(queue.push(samples[0]), false);
        assert.equal(queue.length, capacity);
        for (const item of items) assert.deepEqual(queue.pop(), item);
        assert.equal(queue.pop(), undefined);
        assert.equal(queue.length, 0);
      }
    }
  });

  test(`${type}: clear drops what is queued and leaves room for capacity`, () => {
    const queue = createQueue({ capacity: 5, type, bytes: 1024 });
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i <= round % 5; i++) queue.push(samples[i % samples.length]);
      queue.clear();
      assert.equal(queue.length, 0);
      assert.equal(queue.pop(), undefined);
    }
    for (let i = 0; i < 5; i++) assert.equal(queue.push(samples[1]), true);
    assert.equal(queue.push(samples[1]), false);
  });
}

test('byte items of every size wrap at every offset', () => {
  const queue = createQueue({ capacity: 100, type: 'bytes', bytes: 128 });
  for (let round = 0; round < 2000; round++) {
    const item = Uint8Array.from({ length: round % 121 }, (_, i) => round + i);
    assert.equal(queue.push(item), true);
    assert.deepEqual(queue.pop(), item);
  }
  assert.throws(() => queue.push(new Uint8Array(125)), { code: 'EMSGSIZE' });
});

test('a small value of every length wraps at every offset', () => {
  const queue = createQueue({ capacity: 100, bytes: 128 });
  for (let round = 0; round < 2000; round++) {
    const item = 'x'.repeat(round % 90);
    assert.equal(queue.push(item), true);
    assert.equal(queue.pop(), item);
  }
});

test('the functions of the document, and refused options', () => {
  const queue = createQueue();
  assert.equal(push(queue, 10), true);
  push(queue, 20);
  assert.deepEqual([pop(queue), pop(queue), pop(queue)], [10, 20, undefined]);
  for (const options of [{ capacity: 0 }, { capacity: 1.5 }, { type: 'x' }, { bytes: 1 }]) {
    assert.throws(() => createQueue(options), RangeError);
  }
  assert.throws(() => queue.push(new SharedArrayBuffer(1)), { name: 'DataCloneError' });
  assert.throws(() => Queue.attach({ isolith: 'ring', buffer: new SharedArrayBuffer(8), ptr: 0 }), { code: 'EINVAL' });
});

test('a queue lives in memory it is given', () => {
  const buffer = new SharedArrayBuffer(4096);
  const queue = createQueue({ capacity: 4, type: 'i32', storage: { buffer, byteOffset: 512 } });
  queue.push(3);
  assert.equal(queue.handle.ptr, 512);
  assert.equal(Queue.attach(queue.handle).pop(), 3);
  assert.throws(() => createQueue({ capacity: 4096, type: 'i32', storage: { buffer, byteOffset: 512 } }), RangeError);
});

test('attach does not touch what is queued, and arrives by structured clone', async () => {
  const queue = createQueue({ capacity: 4 });
  queue.push({ hello: 'thread' });
  const got = await thread((handle, sync) => sync.Queue.attach(handle).popWait(), queue.handle, 2).result;
  assert.deepEqual(got, { hello: 'thread' });
});

test('after close: pushes throw EPIPE, the rest comes out, waiters at both ends wake', async () => {
  const full = createQueue({ capacity: 1, type: 'i32' });
  const empty = createQueue({ capacity: 1, type: 'i32' });
  full.push(1);
  const pusher = thread((handle, sync) => sync.Queue.attach(handle).pushWait(2), full.handle, 2);
  const popper = thread((handle, sync) => sync.Queue.attach(handle).popWait() ?? 'closed', empty.handle, 3);
  const asyncPop = empty.popAsync();
  const asyncPush = full.pushAsync(3);
  asyncPush.catch(() => {});
  const iterated = (async () => { for await (const _ of empty); return 'ended'; })();
  await new Promise((resolve) => setTimeout(resolve, 60));
  full.close();
  empty.close();
  await assert.rejects(pusher.result, { code: 'EPIPE' });
  assert.equal(await popper.result, 'closed');
  assert.equal(await asyncPop, undefined);
  await assert.rejects(asyncPush, { code: 'EPIPE' });
  assert.equal(await iterated, 'ended');
  assert.throws(() => full.push(1), { code: 'EPIPE' });
  assert.equal(full.pop(), 1);
  assert.equal(full.pop(), undefined);
});

test('waits end with their timeout or signal', async () => {
  const queue = createQueue({ capacity: 1, type: 'i32' });
  assert.equal(await queue.popAsync({ timeout: 5 }), undefined);
  queue.push(1);
  assert.equal(await queue.pushAsync(2, { timeout: 5 }), false);
  const abort = new AbortController();
  const waits = [queue.pushAsync(2, { signal: abort.signal }), queue.pushAsync(3, { signal: abort.signal }), queue.pushAsync(4, { timeout: 5 })];
  setTimeout(() => abort.abort(new Error('enough')), 20);
  await assert.rejects(waits[0], /enough/);
  await assert.rejects(waits[1], /enough/);
  assert.equal(await waits[2], false);
  assert.equal(await thread((handle, sync) => sync.Queue.attach(handle).pushWait(5, { timeout: 5 }), queue.handle, 2).result, false);
  assert.equal(queue.pop(), 1);
  assert.equal(queue.length, 0);
  assert.throws(() => queue.popWait({ timeout: -1 }), RangeError);
});

test('an undefined item is an item to for await', async () => {
  const queue = createQueue({ capacity: 4 });
  for (const item of [undefined, 1, undefined]) queue.push(item);
  queue.close();
  const got = [];
  for await (const item of queue) got.push(item);
  assert.deepEqual(got, [undefined, 1, undefined]);
});

test('asynchronous pushes of one thread keep their order, and the values of their moment', async () => {
  const queue = createQueue({ capacity: 2 });
  const value = { n: 0 };
  const pushes = [];
  for (let n = 0; n < 20; n++) {
    value.n = n;
    pushes.push(queue.pushAsync(value));
  }
  const got = [];
  while (got.length < 20) got.push((await queue.popAsync()).n);
  await Promise.all(pushes);
  assert.deepEqual(got, Array.from({ length: 20 }, (_, i) => i));
});

/** Two producers, two consumers: every item once, and each consumer sees each producer's items in order. */
async function linearizable(type, each, wait) {
  const queue = createQueue({ capacity: 64, type });
  const produce = async ({ handle, from, each, wait }, sync) => {
    const queue = sync.Queue.attach(handle);
    for (let n = 0; n < each; n++) {
      if (wait === 'async') await queue.pushAsync(from * 2 ** 24 + n);
      else queue.pushWait(from * 2 ** 24 + n);
    }
  };
  const consume = async ({ handle, each, wait }, sync) => {
    const queue = sync.Queue.attach(handle);
    const last = [-1, -1];
    const seen = [new Uint8Array(each), new Uint8Array(each)];
    let count = 0;
    for (;;) {
      const item = wait === 'async' ? await queue.popAsync() : queue.popWait();
      if (item === undefined) return { seen, count };
      const from = Math.floor(item / 2 ** 24);
      const n = item % 2 ** 24;
      if (n <= last[from]) throw new Error(`item ${n} of producer ${from} after ${last[from]}`);
      last[from] = n;
      seen[from][n]++;
      count++;
    }
  };
  const data = { handle: queue.handle, each, wait };
  const consumers = [11, 12].map((id) => thread(consume, data, id));
  const producers = [0, 1].map((from) => thread(produce, { ...data, from }, 21 + from));
  for (const producer of producers) await producer.result;
  queue.close();
  const results = await Promise.all(consumers.map((it) => it.result));
  for (const from of [0, 1]) {
    for (let n = 0; n < each; n++) {
      assert.equal(results[0].seen[from][n] + results[1].seen[from][n], 1, `item ${n} of producer ${from}`);
    }
  }
  // Fair: neither consumer starves while both run.
  for (const { count } of results) assert.ok(count > 0);
}

test('4 threads, 10⁷ operations: every value once, in its producer\'s order', () => linearizable('i32', 2_500_000, 'sync'));
test('the same with values through the codec', () => linearizable('any', 100_000, 'sync'));
test('the same with promises', () => linearizable('f64', 20_000, 'async'));

test('killing participants at random never wedges the others, and loses at most the item in hand', async () => {
  for (const type of ['i32', 'any']) {
    // A victim may leave one item behind: room for all of them.
    const queue = createQueue({ capacity: 64, type });
    const churn = ({ handle, seed }, sync, note) => {
      const queue = sync.Queue.attach(handle);
      note('runs');
      for (let n = 0; ; n++) {
        queue.pushWait(seed + n);
        queue.popWait();
      }
    };
    let next = 100;
    const live = [];
    const start = async () => {
      const id = next++;
      const it = { id, ...thread(churn, { handle: queue.handle, seed: id }, id) };
      await it.noted;
      live.push(it);
    };
    await start();
    await start();
    let seed = 11;
    for (let round = 0; round < 25; round++) {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      await new Promise((resolve) => setTimeout(resolve, (seed >>> 16) % 5));
      const [victim] = live.splice((seed >>> 8) % 2, 1);
      await victim.terminate();
      queue.poison(victim.id);
      await start();
    }
    for (const it of live) {
      await it.terminate();
      queue.poison(it.id);
    }
    queue.clear();
    for (let i = 0; i < 64; i++) assert.equal(queue.push(i), true);
    assert.equal(queue.push(64), false);
    for (let i = 0; i < 64; i++) assert.equal(queue.pop(), i);
  }
});

test('a turnstile that a dead thread holds opens by poison, and only for that id', () => {
  const queue = createQueue({ capacity: 2, type: 'i32' });
  queue.push(5);
  const words = new Int32Array(queue.handle.buffer, queue.handle.ptr);
  for (const end of [0, 16]) {
    words[end + 1] = words[end];
    words[end] = (66 << 2) | 1;
  }
  assert.equal(queue.poison(65), false);
  assert.equal(queue.poison(66), true);
  assert.equal(queue.push(6), true);
  assert.deepEqual([queue.pop(), queue.pop()], [5, 6]);
});

for (const [type, samples] of Object.entries(SAMPLES)) {
  test(`${type}: positions begin again at 2³⁰ without a seam`, () => {
    const queue = createQueue({ capacity: 3, type, bytes: 1024 });
    const words = new Int32Array(queue.handle.buffer, queue.handle.ptr, 48);
    // Both ends as if so much had gone through already: turnstile, position, and the other end as last seen.
    const cells = type === 'bytes' || type === 'any' ? 256 : 4;
    for (const end of [0, 16]) words.fill(2 ** 30 - 8 * cells, end, end + 3);
    for (let lap = 0; lap < 300; lap++) {
      const items = Array.from({ length: 3 }, (_, i) => samples[(lap + i) % samples.length]);
      for (const item of items) assert.equal(queue.push(item), true);
      assert.equal(queue.push(samples[0]), false);
      assert.equal(queue.length, 3);
      for (const item of items) assert.deepEqual(queue.pop(), item);
      assert.equal(queue.pop(), undefined);
    }
    assert.ok(words[0] >= 0 && words[0] < 2 ** 29, `the position is ${words[0]}`);
  });
}
