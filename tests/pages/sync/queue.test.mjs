// Queues between real workers: every item once and in order, waiting, closing, and killing participants.
// modes: isolated
import { assert, assertEqual, assertRejects, random, sleep, test } from '/tests/pages/lib/test.mjs';
import { createQueue, Queue, setThreadId } from 'isolith/sync';
import { thread } from './thread.mjs';

const shared = { shared: true, reason: 'queues need shared memory' };
setThreadId(1);

function produce({ handle, from, each, waiting }, sync) {
  const queue = sync.Queue.attach(handle);
  // Not before both consumers are there: one of them might be done with all before the other has started.
  for (let there; (there = Atomics.load(waiting, 0)) < 2; ) Atomics.wait(waiting, 0, there);
  for (let n = 0; n < each; n++) queue.pushWait(from * 2 ** 24 + n);
}

function consume({ handle, each, waiting }, sync) {
  const queue = sync.Queue.attach(handle);
  const last = [-1, -1];
  const seen = [new Uint8Array(each), new Uint8Array(each)];
  let count = 0;
  Atomics.add(waiting, 0, 1);
  Atomics.notify(waiting, 0);
  for (;;) {
    const item = queue.popWait();
    if (item === undefined) return { seen, count };
    const from = Math.floor(item / 2 ** 24);
    const n = item % 2 ** 24;
    if (n <= last[from]) throw new Error(`item ${n} of producer ${from} after ${last[from]}`);
    last[from] = n;
    seen[from][n]++;
    count++;
  }
}

async function linearizable(type, each) {
  const queue = createQueue({ capacity: 1024, type });
  const data = { handle: queue.handle, each, waiting: new Int32Array(new SharedArrayBuffer(4)) };
  const consumers = [thread(consume, data), thread(consume, data)];
  const producers = [0, 1].map((from) => thread(produce, { ...data, from }));
  for (const { result } of producers) await result;
  queue.close();
  const results = await Promise.all(consumers.map(({ result }) => result));
  for (const from of [0, 1]) {
    let wrong = 0;
    for (let n = 0; n < each; n++) if (results[0].seen[from][n] + results[1].seen[from][n] !== 1) wrong++;
    assertEqual(wrong, 0, `items of producer ${from} not seen exactly once`);
  }
  for (const { count } of results) assert(count > 0, 'a consumer starved');
  for (const it of [...producers, ...consumers]) it.end();
}

test('4 threads, 10⁷ operations: every value once, in its producer\'s order', () => linearizable('i32', 2_500_000), { timeout: 120_000, ...shared });
test('the same with values through the codec', () => linearizable('any', 100_000), { timeout: 60_000, ...shared });

test('the page pushes and pops with promises, workers block, and close ends all', async () => {
  const [there, back] = [createQueue({ capacity: 8 }), createQueue({ capacity: 8 })];
  const echo = ({ there, back }, sync) => {
    const [from, to] = [sync.Queue.attach(there), sync.Queue.attach(back)];
    for (let count = 0; ; count++) {
      const value = from.popWait();
      if (value === undefined) return count;
      to.pushWait({ echo: value });
    }
  };
  const workers = [1, 2].map(() => thread(echo, { there: there.handle, back: back.handle }));
  const sum = (async () => {
    let sum = 0;
    for (let i = 0; i < 500; i++) sum += (await back.popAsync()).echo.n;
    return sum;
  })();
  for (let n = 0; n < 500; n++) await there.pushAsync({ n, text: `number ${n}` });
  assertEqual(await sum, 499 * 250);
  there.close();
  const counts = await Promise.all(workers.map(({ result }) => result));
  assertEqual(counts[0] + counts[1], 500);
  await assertRejects(there.pushAsync(1), { code: 'EPIPE' });
  for (const it of workers) it.end();
}, shared);

test('workers wait with promises too', async () => {
  const queue = createQueue({ capacity: 2, type: 'i32' });
  const worker = thread(async (handle, sync) => {
    let sum = 0;
    for await (const item of sync.Queue.attach(handle)) sum += item;
    return sum;
  }, queue.handle);
  for (let n = 0; n < 100; n++) await queue.pushAsync(n);
  await sleep(30);
  await queue.pushAsync(1000);
  queue.close();
  assertEqual(await worker.result, 99 * 50 + 1000);
  worker.end();
}, shared);

test('the page may not block, and is told what to call', () => {
  const queue = createQueue({ capacity: 1 });
  let code;
  try {
    queue.popWait();
  } catch (error) {
    code = error.code;
  }
  assertEqual(code, 'ENOTSUP');
}, shared);

test('waits end with their timeout or signal', async () => {
  const queue = createQueue({ capacity: 1 });
  assertEqual(await queue.popAsync({ timeout: 5 }), undefined);
  await assertRejects(queue.popAsync({ signal: AbortSignal.timeout(5) }), { name: 'TimeoutError' });
  const worker = thread((handle, sync) => sync.Queue.attach(handle).popWait({ timeout: 5 }) ?? 'nothing', queue.handle);
  assertEqual(await worker.result, 'nothing');
  worker.end();
}, shared);

test('killing participants at random never wedges the others', async () => {
  const next = random(5);
  for (const type of ['i32', 'any']) {
    const queue = createQueue({ capacity: 64, type });
    const churn = (handle, sync, note) => {
      const queue = sync.Queue.attach(handle);
      note('runs');
      for (let n = 0; ; n++) {
        queue.pushWait(n);
        queue.popWait();
      }
    };
    const live = [];
    const start = async () => {
      const it = thread(churn, queue.handle);
      await it.noted;
      live.push(it);
    };
    await start();
    await start();
    for (let round = 0; round < 6; round++) {
      await sleep(next() * 10);
      const [victim] = live.splice(Math.floor(next() * 2), 1);
      await victim.kill();
      queue.poison(victim.id);
      await start();
    }
    // The survivors still move: positions change while we look.
    const words = new Int32Array(queue.handle.buffer, queue.handle.ptr, 48);
    const before = Atomics.load(words, 17);
    for (let looks = 0; Atomics.load(words, 17) === before; looks++) {
      assert(looks < 500, 'nothing moves any more');
      await sleep(10);
    }
    for (const it of live) {
      await it.kill();
      queue.poison(it.id);
    }
    queue.clear();
    for (let i = 0; i < 64; i++) assertEqual(Queue.attach(queue.handle).push(i), true);
    assertEqual(queue.push(64), false);
    for (let i = 0; i < 64; i++) assertEqual(queue.pop(), i);
  }
}, { timeout: 90_000, ...shared });
