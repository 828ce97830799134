// How tasks are let in and how pools end: full queues, deadlines, signals, drain, destroy, resize, sharing, counts.
// modes: isolated bare
import { assert, assertEqual, assertRejects, assertThrows, context, sleep, test, until, within } from '/tests/pages/lib/test.mjs';
import { createHeap, createPool, createPoolWasm, createQueue, IsolithError } from 'isolith';

/** What never takes so long, however busy the machine, unless it hangs; in milliseconds. */
const SOON = 15_000;

const never = () => new Promise(() => {});

/** A task that holds a worker until `open()` is called. */
function gate(pool) {
  const control = new AbortController();
  let task;
  const begun = new Promise((resolve) => {
    task = pool.run((_, { signal, progress }) => {
      // Its signal first: who is not seen to listen is killed.
      const ended = new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
      progress('begun');
      return ended;
    }, undefined, { signal: control.signal, onProgress: resolve });
  });
  task.catch(() => {});
  return { begun, task, open: () => control.abort() };
}

test('what waits for room is let in by priority and keeps data, deadline and signal of its call', async () => {
  const pool = createPool({ size: 1, queueLimit: 0, onQueueFull: 'wait' });
  const held = gate(pool);
  await held.begun;
  const order = [];
  const data = { list: [1] };
  const buffer = new ArrayBuffer(8);
  const all = [
    pool.run((x) => x, data).then((it) => order.push(['normal', it])),
    pool.run((x) => x.byteLength, buffer, { transfer: [buffer] }).then((it) => order.push(['moved', it])),
    pool.run((x) => x, 'low', { priority: 'low' }).then((it) => order.push(it)),
    pool.run((x) => x, 'high', { priority: 'high' }).then((it) => order.push(it)),
    pool.run((x) => x, 'high too', { priority: 'high' }).then((it) => order.push(it)),
  ];
  data.list.push(2);
  assertEqual(buffer.byteLength, 0, 'it moves at once');
  await assertRejects(pool.run((x) => x, { f() {} }), { code: 'ERR_NOT_SERIALIZABLE' });
  await assertRejects(pool.run((x) => x, 1, { timeout: 5 }), { code: 'ETIMEDOUT', name: 'TimeoutError' });
  const control = new AbortController();
  const aborted = pool.run((x) => x, 1, { signal: control.signal });
  control.abort('my reason');
  assertEqual(await aborted.catch((reason) => reason), 'my reason');
  assertEqual([pool.pendingTasks, pool.stats().queued, pool.stats().running], [6, 5, 1]);
  held.open();
  await within(SOON, Promise.all(all), 'what waited');
  assertEqual(order, ['high', 'high too', ['normal', { list: [1] }], ['moved', 8], 'low']);
  await pool.destroy();
});

test('a deadline counts from the call, also for what waited for room', async () => {
  const pool = createPool({ size: 1, queueLimit: 0, onQueueFull: 'wait' });
  const held = gate(pool);
  await held.begun;
  const before = performance.now();
  let ended = Infinity;
  const waits = pool.run(never, undefined, { timeout: 3000 }).catch((error) => { ended = performance.now() - before; return error.code; });
  await sleep(2000);
  held.open();
  assertEqual(await within(SOON, waits, 'the deadline'), 'ETIMEDOUT');
  // Anew from its admission it would end no sooner than after 5,000.
  if (ended >= 5000) assert(ended - 3000 < 2000, `the deadline of 3,000 ms came after ${ended}`);
  await pool.destroy();
}, { timeout: 40_000, modes: ['isolated'], reason: 'it takes three seconds, and what waits for room is in no worker yet' });

test('live objects in the data of what waits arrive live', async () => {
  const pool = createPool({ size: 1, queueLimit: 0, onQueueFull: 'wait' });
  const held = gate(pool);
  await held.begun;
  const queue = createQueue({ capacity: 4 });
  const pushed = pool.run(({ queue }) => queue.push('there'), { queue });
  held.open();
  assertEqual([await pushed, queue.pop()], [true, 'there']);
  await pool.destroy();
}, { shared: true, reason: 'queues need shared memory' });

test('one task that cannot be sent does not hold up the others that wait', async () => {
  const pool = createPool({ size: 1, queueLimit: 0, onQueueFull: 'wait' });
  const held = gate(pool);
  await held.begun;
  const all = Promise.allSettled([1, 2, 3].map((n) => pool.run((x) => x, n === 2 ? n : { n, blob: new Blob(['x']) })));
  held.open();
  assertEqual((await within(SOON, all, 'all that wait')).map(({ status }) => status), Array(3).fill('fulfilled'));
  await pool.destroy();
});

test('a full pool that runs tasks here counts, limits and ends them as others', async () => {
  const pool = createPool({ size: 1, queueLimit: 0, onQueueFull: 'runOnMain' });
  const held = gate(pool);
  await held.begun;
  const seen = [];
  const data = { n: 1 };
  const here = pool.run(async (x, ctx) => { ctx.progress(x.n); await null; setTimeout(() => ctx.progress('late'), 5); return [x.n, ctx.workerId]; }, data, { onProgress: (it) => seen.push(it) });
  data.n = 2;
  assertEqual([pool.pendingTasks, pool.stats().running], [2, 2]);
  assertEqual(await here, [1, 0]);
  await assertRejects(pool.run(() => { throw new RangeError('here'); }), { name: 'RangeError', message: 'here' });
  await assertRejects(pool.run(() => () => 1), { code: 'ERR_NOT_SERIALIZABLE' });
  await assertRejects(pool.run(never, undefined, { timeout: 10 }), { code: 'ETIMEDOUT' });
  const control = new AbortController();
  const heard = pool.run((_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', () => { globalThis.heardHere = true; resolve(); })), undefined, { signal: control.signal });
  await until(() => pool.stats().running === 2, 'it runs');
  await sleep(50);
  control.abort(new TypeError('enough'));
  await assertRejects(heard, { message: 'enough' });
  await until(() => globalThis.heardHere, 'the task hears of it');
  const last = assertRejects(pool.run(never), { code: 'ERR_POOL_DESTROYED' });
  assertEqual(pool.pendingTasks, 2);
  const drained = pool.drain();
  await pool.destroy();
  await last;
  await within(SOON, drained, 'drain');
  await sleep(20);
  assertEqual(seen, [1], 'no progress after the end');
  assertEqual(pool.pendingTasks, 0);
});

test('proxies and heaps of a full pool: what needs a worker waits for it, what runs here works on the right heap', async () => {
  const heap = await createHeap({ initial: 4, maximum: 64 });
  const pool = await createPoolWasm(heap.memory, 1, { queueLimit: 0, onQueueFull: 'runOnMain' });
  const held = gate(pool);
  await held.begun;
  const block = heap.alloc(4);
  block.memory.fill(7);
  assertEqual(await pool.runHeap(({ ptr, HEAP }, _, ctx) => [HEAP[ptr], ctx.workerId], block), [7, 0]);
  const far = pool.proxy('/tests/pages/pool/modules/tasks.js').callMe((n) => n + 1, 3);
  held.open();
  assertEqual(await far, 6);
  await pool.destroy();
}, { shared: true, reason: 'needs shared memory' });

test('deadlines of every kind: 0, fractions, far ones; what is none is refused and nothing begins', async () => {
  const pool = createPool(1);
  await pool.run((x) => x, 1);
  for (const timeout of [NaN, -1, -Infinity, 'soon', {}]) await assertRejects(pool.run((x) => x, 1, { timeout }), { name: 'RangeError', message: /timeout/ }, String(timeout));
  await assertRejects(pool.run(never, undefined, { timeout: 0 }), { code: 'ETIMEDOUT' });
  await assertRejects(pool.run(never, undefined, { timeout: 0.5 }), { code: 'ETIMEDOUT' });
  for (const timeout of [2 ** 31, 2 ** 40, Infinity]) assertEqual(await pool.run((x) => new Promise((resolve) => setTimeout(resolve, 20, x)), timeout, { timeout }), timeout);
  for (const priority of [NaN, 'urgent', {}]) await assertRejects(pool.run((x) => x, 1, { priority }), { name: 'RangeError' });
  assertEqual(await Promise.all([Infinity, -Infinity, 0.5, 2 ** 40].map((priority) => pool.run((x) => x, 1, { priority }))), [1, 1, 1, 1]);
  assertEqual(pool.pendingTasks, 0);
  await pool.destroy();
});

test('an aborted signal rejects with its very reason, before, while waiting and while running', async () => {
  const pool = createPool(1);
  const reason = { mine: true };
  const is = async (promise) => assert((await promise.then(() => 'resolved', (it) => it)) === reason, 'the very reason');
  await is(pool.run((x) => x, 1, { signal: AbortSignal.abort(reason) }));
  const held = gate(pool);
  await held.begun;
  const [waits, runs] = [new AbortController(), new AbortController()];
  const queued = pool.run((x) => x, 1, { signal: waits.signal });
  waits.abort(reason);
  await is(queued);
  held.open();
  await held.task.catch(() => {});
  const running = pool.run(never, undefined, { signal: runs.signal });
  await until(() => pool.stats().running === 1, 'it runs');
  runs.abort(reason);
  await is(running);
  await assertRejects(pool.run((x) => x, 1, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  await assertRejects(pool.run(never, undefined, { signal: AbortSignal.timeout(20) }), { name: 'TimeoutError' });
  const many = new AbortController();
  const all = Promise.allSettled(Array.from({ length: 2000 }, (_, n) => pool.run(never, n, { signal: many.signal })));
  many.abort(reason);
  assert((await within(SOON, all, 'two thousand aborts')).every((it) => it.reason === reason), 'each with the reason');
  assertEqual(await pool.run((x) => x, 1), 1);
  await pool.destroy();
}, { timeout: 40_000 });

test('ten thousand tasks of one priority run in order, and what is less urgent has its turn', async () => {
  const pool = createPool(1);
  const held = gate(pool);
  await held.begun;
  const order = [];
  const all = Array.from({ length: 10_000 }, (_, n) => pool.run((x) => x, n).then((it) => order.push(it)));
  let place = -1;
  all.push(pool.run((x) => x, 'low', { priority: 'low' }).then(() => { place = order.length; }));
  for (let n = 0; n < 5000; n++) all.push(pool.run((x) => x, n, { priority: 'high' }));
  held.open();
  await within(60_000, Promise.all(all), 'all tasks');
  assert(order.every((n, at) => n === at), 'first come, first served');
  assert(place > 0, 'the low one ran');
  await pool.destroy();
}, { timeout: 90_000 });

test('a task of low priority is not starved by a stream of urgent ones', async () => {
  const pool = createPool(1);
  const held = gate(pool);
  await held.begun;
  let done = false;
  const low = pool.run((x) => x, 1, { priority: -1000 }).then(() => { done = true; });
  let urgent = 0;
  const stream = async () => {
    while (!done && urgent < 20_000) {
      urgent++;
      await pool.run((x) => x, 1, { priority: 1000 });
    }
  };
  const streams = Array.from({ length: 30 }, stream);
  held.open();
  await Promise.all([low, ...streams]);
  assert(urgent < 20_000, 'it had its turn');
  await pool.destroy();
}, { timeout: 60_000 });

test('a drain with tasks waiting for room ends, and destroy with drain finishes those too', async () => {
  const pool = createPool({ size: 1, queueLimit: 1, onQueueFull: 'wait' });
  const all = Array.from({ length: 20 }, (_, n) => pool.run((x) => x, n));
  const drained = pool.drain();
  const more = pool.run((x) => x, 'during the drain');
  await within(SOON, drained, 'drain');
  assertEqual([pool.pendingTasks, await more], [0, 'during the drain']);
  const last = Array.from({ length: 20 }, (_, n) => pool.run((x) => x, n));
  const gone = pool.destroy({ drain: true });
  await assertRejects(pool.run((x) => x, 1), { code: 'ERR_POOL_DESTROYED' });
  await within(SOON, gone, 'destroy');
  assertEqual(await Promise.all([...all, ...last]), [...Array(2)].flatMap(() => [...Array(20).keys()]));
});

test('destroy cuts a drain short, twice is once, and nothing works afterwards but looking', async () => {
  const pool = createPool(2);
  const events = [];
  pool.addEventListener('exit', () => events.push('exit'));
  const stuck = assertRejects(pool.run(never), { code: 'ERR_POOL_DESTROYED' });
  const waits = pool.drain();
  const slow = pool.destroy({ drain: true });
  await sleep(20);
  const now = pool.destroy();
  assert(pool.destroy() === now, 'the same promise');
  await stuck;
  await within(SOON, Promise.all([now, slow, waits, pool.destroy({ drain: true })]), 'all ends');
  assertEqual([pool.size, pool.pendingTasks, pool.stats().workers.length, pool.stats().queued], [0, 0, 0, 0]);
  assertThrows(() => pool.resize(3), { code: 'ERR_POOL_DESTROYED' });
  assertThrows(() => createPool({ share: pool }), { code: 'ERR_POOL_DESTROYED' });
  for (const use of [() => pool.run((x) => x, 1), () => pool.map([1], (x) => x), () => pool.forEach([1], (x) => x), () => pool.reduce([1, 2], (a, b) => a + b), () => pool.proxy('/tests/pages/pool/modules/tasks.js').add(1, 2), () => pool.module('/tests/pages/pool/modules/tasks.js').run('double', 1)]) {
    await assertRejects(use, { code: 'ERR_POOL_DESTROYED' });
  }
  await within(SOON, pool.drain(), 'nothing to wait for');
  assert(Array.isArray(pool.trace().traceEvents), 'the trace stays');
  if (context.shared) (await createHeap()).check();
});

test('a listener that submits when a worker exits or the pool idles is answered', async () => {
  const pool = createPool(1);
  const answers = [];
  for (const type of ['exit', 'idle']) pool.addEventListener(type, () => answers.push(pool.run((x) => x, 1).then(() => 'ran', (error) => error.code)), { once: true });
  await pool.run((x) => x, 1);
  await until(() => answers.length === 1, 'idle');
  assertEqual(await answers[0], 'ran');
  await pool.destroy();
  assertEqual(await within(SOON, answers[1], 'the task of the exit'), 'ERR_POOL_DESTROYED');
});

test('pools are made, resized and destroyed in any order while they start', async () => {
  const heap = context.shared ? await createHeap() : undefined;
  for (let round = 0; round < 4; round++) {
    const pool = createPool(3);
    const all = Promise.all(Array.from({ length: 6 }, (_, n) => pool.run((x) => x, n)));
    pool.resize(1);
    pool.resize(4);
    pool.resize(2);
    assertEqual(await within(SOON, all, 'what was submitted'), [0, 1, 2, 3, 4, 5]);
    await until(() => pool.size === 2, 'as many as were asked for last');
    pool.resize(5);
    await within(SOON, pool.destroy(), 'destroy while some start');
  }
  heap?.check();
}, { timeout: 60_000 });

test('a pool whose script cannot be loaded ends cleanly when it is destroyed before it knows', async () => {
  for (const end of [(pool) => pool.destroy(), (pool) => { pool.resize(1); return pool.destroy(); }]) {
    const pool = createPool({ size: 2, worker: '/there-is-no-such-worker.js' });
    const task = assertRejects(pool.run((x) => x, 1), { code: 'ERR_POOL_DESTROYED' });
    const gone = end(pool);
    await task;
    await within(60_000, gone, 'destroy');
  }
  if (context.shared) (await createHeap()).check();
  const healthy = createPool(1);
  assertEqual(await healthy.run((x) => x, 1), 1);
  await healthy.destroy();
}, { timeout: 90_000 });

test('each of several pools on the same workers counts, drains and ends its own', async () => {
  const one = createPool({ size: 1, name: 'one' });
  const two = createPool({ share: one });
  const held = gate(one);
  await held.begun;
  const mine = two.run((x) => x, 2);
  assertEqual([one.stats().running, one.stats().queued, two.stats().running, two.stats().queued], [1, 0, 0, 1]);
  const events = [];
  for (const [name, pool] of Object.entries({ one, two })) pool.addEventListener('exit', () => events.push(name));
  held.open();
  assertEqual(await mine, 2);
  await Promise.all([one.drain(), two.drain()]);
  assertEqual([one.stats().done + one.stats().failed, two.stats().done, two.stats().failed], [1, 1, 0]);
  await one.destroy();
  await assertRejects(one.run((x) => x, 1), { code: 'ERR_POOL_DESTROYED' });
  assertThrows(() => one.resize(1), { code: 'ERR_POOL_DESTROYED' });
  two.resize(2);
  assertEqual([one.size, two.size, await two.run((x) => x, 3)], [0, 2, 3]);
  await two.destroy();
  assert(events.includes('two') && !events.includes('one'), events.join());
});

test('stats count every task that was let in, however it ended', async () => {
  const pool = createPool({ size: 2, queueLimit: 100 });
  const control = new AbortController();
  const all = await Promise.allSettled([
    ...Array.from({ length: 20 }, (_, n) => pool.run((x) => x, n)),
    ...Array.from({ length: 5 }, () => pool.run(() => { throw new Error('no'); })),
    pool.run(() => { for (;;); }, undefined, { timeout: 300 }),
    pool.run(never, undefined, { timeout: 300 }),
    Promise.resolve().then(() => { const it = pool.run(never, undefined, { signal: control.signal }); control.abort(); return it; }),
    pool.run(() => () => 1),
  ]);
  const rejected = all.filter(({ status }) => status === 'rejected').length;
  assertEqual(rejected, 9);
  await until(() => pool.stats().ending === 0 && pool.stats().workers.every(({ state, load }) => state === 'ready' && load === 0), { what: 'replacements', timeout: SOON });
  const { done, failed, queued, running, workers, queueLatency, wakeLatency } = pool.stats();
  assertEqual({ done, failed, queued, running, size: workers.length, pending: pool.pendingTasks }, { done: 20, failed: 9, queued: 0, running: 0, size: 2, pending: 0 });
  assert(workers.every(({ busyMs, workerId }) => busyMs >= 0 && workerId > 0), 'each worker');
  assert(queueLatency.max >= queueLatency.mean && wakeLatency.max >= wakeLatency.mean && queueLatency.mean >= 0, 'latencies');
  await pool.destroy();
}, { timeout: 40_000 });

test('progress comes in order, all before the result, and none after the end', async () => {
  const pool = createPool(1);
  const seen = [];
  await pool.run((_, { progress }) => { for (let n = 0; n < 100; n++) progress(n); setTimeout(progress, 0, 'late'); }, undefined, { onProgress: (it) => seen.push(it) });
  assertEqual(seen, [...Array(100).keys()]);
  await pool.run(() => new Promise((resolve) => setTimeout(resolve, 20)));
  assertEqual(seen.length, 100);
  await assertRejects(pool.run((_, { progress }) => progress(() => 1)), { name: 'DataCloneError' });
  const control = new AbortController();
  const stops = pool.run(async (_, { progress }) => { for (;;) { progress('tick'); await new Promise((resolve) => setTimeout(resolve, 1)); } }, undefined, { signal: control.signal, onProgress: () => control.abort() });
  await assertRejects(stops, { name: 'AbortError' });
  assertEqual(await pool.run((x) => x, 1), 1);
  await pool.destroy();
});

test('using and await using end a pool', async () => {
  const { dispose, asyncDispose } = Symbol;
  const one = createPool(1);
  const task = assertRejects(one.run(never), { code: 'ERR_POOL_DESTROYED' });
  one[dispose]();
  await task;
  const two = createPool(1);
  await two.run((x) => x, 1);
  await two[asyncDispose]();
  assertEqual([one.size, two.size, two.stats().ending], [0, 0, 0]);
}, { only: ['chromium', 'firefox'], reason: 'WebKitGTK 2.50 has no Symbol.dispose' });

test('listeners can be taken away, and errors in them are nobody else\'s', async () => {
  const pool = createPool(1);
  let heard = 0;
  const listener = () => heard++;
  pool.addEventListener('idle', listener);
  pool.addEventListener('idle', () => { throw new Error('in a listener'); }, { once: true });
  await pool.run((x) => x, 1);
  await until(() => heard === 1, 'idle');
  pool.removeEventListener('idle', listener);
  assertEqual(await pool.run((x) => x, 2), 2);
  assertEqual(heard, 1);
  await pool.destroy();
}, { pageErrors: /in a listener/ });

test('options that make no sense are refused when the pool is made', async () => {
  for (const options of [{ size: 0 }, { size: 1.5 }, { size: NaN }, { size: -1 }, { max: 0 }, { min: -1, max: 2 }, { size: 1, queueLimit: NaN }, { size: 1, queueLimit: 0.5 }, { size: 1, onQueueFull: 'drop' }, { size: 1, idleTimeout: NaN }, { size: 1, grace: -1 }]) {
    assertThrows(() => createPool(options), { name: 'RangeError' }, JSON.stringify(options));
  }
  assertThrows(() => createPool({ size: 1, module: 'http://[' }), { is: TypeError });
  assert(IsolithError.prototype instanceof Error, 'errors are errors');
});
