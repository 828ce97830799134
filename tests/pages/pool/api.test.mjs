// The pool's whole API: priorities, limits, transfer, elastic size, statistics, sharing, collections.
// modes: isolated bare
import { assert, assertEqual, assertRejects, assertThrows, sleep, test, until, within } from '/tests/pages/lib/test.mjs';
import { createHeap, createPool, IsolithError } from 'isolith';

const isolated = { shared: true, reason: 'needs shared memory' };

test('values of every kind arrive as structured clone would copy them', async () => {
  const pool = createPool(1);
  const cycle = { name: 'cycle' };
  cycle.self = cycle;
  const values = [
    undefined, null, true, false, 0, -0, 1.5, NaN, -Infinity, 2 ** 40, 'text', 'ünïcödé 😀', 10n ** 30n, new Date(5), /a+/gi,
    [1, , 3], { a: { b: [{}] } }, new Map([[1, { x: 1 }]]), new Set(['a']), new Uint8Array([1, 2, 3]), new Float64Array(2000).fill(0.5),
    new ArrayBuffer(8), new RangeError('inside'), 'x'.repeat(100_000), new Blob(['abc']), new Uint8Array(300_000).fill(7),
  ];
  for (const value of values) {
    const back = await pool.run((x) => x, value);
    if (value instanceof Blob) assertEqual(await back.text(), 'abc');
    else if (value instanceof Error) assert(back instanceof RangeError && back.message === 'inside', 'an error');
    else assertEqual(back, structuredClone(value));
  }
  const back = await pool.run((x) => x, cycle);
  assert(back.self === back && back !== cycle, 'identity within the value');
  assertEqual(await pool.run((x) => Object.is(x, -0), -0), true);
  await pool.destroy();
});

test('data is what it was when run was called', async () => {
  const pool = createPool(1);
  const data = { n: 1, blob: undefined };
  const early = pool.run((x) => x.n, data);
  data.n = 2;
  assertEqual(await early, 1);
  const busy = pool.run(() => new Promise((resolve) => setTimeout(resolve, 30)));
  const list = { n: 1, blob: new Blob(['x']) };
  const behind = pool.run((x) => x.n, list);
  list.n = 3;
  assertEqual(await behind, 1);
  await busy;
  await pool.destroy();
});

test('transfer moves buffers both ways, even while the pool is busy', async () => {
  const pool = createPool(1);
  const buffer = new ArrayBuffer(1000);
  const moved = pool.run((it, ctx) => { ctx.transfer([it]); return it; }, buffer, { transfer: [buffer] });
  assertEqual(buffer.byteLength, 0);
  assertEqual((await moved).byteLength, 1000);
  const busy = pool.run(() => new Promise((resolve) => setTimeout(resolve, 30)));
  const second = new ArrayBuffer(8);
  const later = pool.run((it) => it.byteLength, second, { transfer: [second] });
  assertEqual(second.byteLength, 0);
  assertEqual(await later, 8);
  const { port1, port2 } = new MessageChannel();
  const heard = new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
  await pool.run((port) => port.postMessage('hello'), port2, { transfer: [port2] });
  assertEqual(await heard, 'hello');
  await busy;
  await pool.destroy();
});

test('tasks of one priority run in order, higher ones first, none starves', async () => {
  const pool = createPool(1);
  await pool.run((x) => x, 0);
  const order = [];
  const first = pool.run(() => new Promise((resolve) => setTimeout(resolve, 50)));
  const rest = [];
  const add = (name, priority) => rest.push(pool.run((x) => x, name, priority === undefined ? {} : { priority }).then((it) => order.push(it)));
  for (let at = 0; at < 5; at++) add(`n${at}`);
  add('low', 'low');
  add('high1', 'high');
  add('high2', 10);
  await first;
  await Promise.all(rest);
  assertEqual(order, ['high1', 'high2', 'n0', 'n1', 'n2', 'n3', 'n4', 'low']);
  await assertRejects(pool.run((x) => x, 1, { priority: 'urgent' }), { name: 'RangeError' });
  await pool.destroy();
});

test('a queue limit rejects, waits, or runs here', async () => {
  const slow = () => new Promise((resolve) => setTimeout(resolve, 20));
  const strict = createPool({ size: 1, queueLimit: 1 });
  const two = [strict.run(slow), strict.run(slow)];
  await assertRejects(strict.run(slow), { code: 'ERR_QUEUE_FULL' });
  await Promise.all(two);
  assertEqual(await strict.run((x) => x, 1), 1);
  await strict.destroy();
  const patient = createPool({ size: 1, queueLimit: 1, onQueueFull: 'wait' });
  const order = await Promise.all([1, 2, 3, 4, 5].map((n) => patient.run((x) => x, n)));
  assertEqual(order, [1, 2, 3, 4, 5]);
  const hold = [patient.run(slow), patient.run(slow)];
  await assertRejects(patient.run((x) => x, 1, { timeout: 1 }), { code: 'ETIMEDOUT' });
  await Promise.all(hold);
  await patient.destroy();
  const here = createPool({ size: 1, queueLimit: 0, onQueueFull: 'runOnMain' });
  const away = here.run(slow);
  assertEqual(await here.run((x, ctx) => [x, ctx.workerId], 1), [1, 0]);
  await away;
  await here.destroy();
});

test('a pool grows to its maximum while there is work and shrinks when idle', async () => {
  const pool = createPool({ min: 1, max: 3, idleTimeout: 50 });
  assertEqual(pool.size, 1);
  const all = Array.from({ length: 6 }, () => pool.run(() => new Promise((resolve) => setTimeout(resolve, 60))));
  // Now, for who has nothing to do while the last one ends is let go of.
  assert(pool.size > 1 && pool.size <= 3, `${pool.size} workers`);
  await Promise.all(all);
  await until(() => pool.size === 1, 'the pool shrinks');
  assertEqual(await pool.run((x) => x, 1), 1);
  const lazy = createPool({ max: 2, idleTimeout: 50 });
  assertEqual(lazy.size, 0);
  assertEqual(await lazy.run((x) => x, 1), 1);
  await Promise.all([pool.destroy(), lazy.destroy()]);
});

test('resize changes the number of workers and loses no task', async () => {
  const pool = createPool(1);
  const all = Array.from({ length: 20 }, (_, n) => pool.run(async (x) => { await new Promise((r) => setTimeout(r, 5)); return x; }, n));
  pool.resize(4);
  assertEqual(pool.size, 4);
  await sleep(20);
  pool.resize(1);
  assertEqual(await Promise.all(all), Array.from({ length: 20 }, (_, n) => n));
  await until(() => pool.size === 1, 'one worker is left');
  await pool.destroy();
});

test('drain waits for what is there, destroy with drain finishes it first', async () => {
  const pool = createPool(2);
  const done = [];
  for (let n = 0; n < 10; n++) pool.run((x) => x, n).then((it) => done.push(it));
  await pool.drain();
  await sleep(0);
  assertEqual(done.length, 10);
  const last = pool.run(() => new Promise((resolve) => setTimeout(() => resolve('end'), 30)));
  const gone = pool.destroy({ drain: true });
  await assertRejects(pool.run((x) => x, 1), { code: 'ERR_POOL_DESTROYED' });
  assertEqual(await last, 'end');
  await gone;
  assertEqual(pool.size, 0);
});

test('stats and trace tell what happened', async () => {
  const pool = createPool({ size: 2, name: 'traced' });
  await Promise.all(Array.from({ length: 50 }, (_, n) => pool.run(function named(x) { return x; }, n)));
  await assertRejects(pool.run(() => { throw new Error('no'); }), { message: 'no' });
  const stats = pool.stats();
  assertEqual([stats.queued, stats.running, stats.done, stats.failed, stats.workers.length], [0, 0, 50, 1, 2]);
  assert(stats.queueLatency.mean >= 0 && stats.wakeLatency.max >= stats.wakeLatency.mean, 'latencies');
  const { traceEvents } = JSON.parse(JSON.stringify(pool.trace()));
  const runs = traceEvents.filter(({ ph }) => ph === 'X');
  assertEqual(runs.length, 51);
  assert(runs.filter(({ name, dur, tid }) => name === 'named' && dur >= 0 && tid > 0).length === 50, 'each run');
  assert(traceEvents.some(({ ph, args }) => ph === 'M' && args.name === 'traced'), 'the name of the pool');
  await pool.destroy();
});

test('events tell of workers that start and end, and of errors that nobody caught', async () => {
  const pool = createPool(1);
  const seen = [];
  for (const type of ['start', 'exit', 'crash', 'error', 'idle']) pool.addEventListener(type, () => seen.push(type));
  await pool.run(() => void Promise.reject(new Error('nobody')));
  await until(() => seen.includes('error'), 'the error is told');
  assert(seen.includes('start') && seen.includes('idle'), seen.join());
  await pool.destroy();
});

test('pools can share workers, and each ends its own tasks only', async () => {
  const one = createPool(1);
  const two = createPool({ share: one });
  const three = createPool({ share: two });
  const [a, b, c] = await Promise.all([one, two, three].map((pool) => pool.run((_, ctx) => ctx.workerId)));
  assertEqual([b, c], [a, a]);
  assertEqual([one, two, three].map(({ size }) => size), [1, 1, 1]);
  const mine = one.run(() => new Promise((resolve) => setTimeout(() => resolve(1), 30)));
  const other = two.run((x) => x, 2);
  const refused = assertRejects(other, { code: 'ERR_POOL_DESTROYED' });
  two.destroy();
  await refused;
  assertEqual(await mine, 1);
  await one.destroy();
  assertEqual(await three.run((_, ctx) => ctx.workerId), a, 'who shares keeps the workers');
  await three.destroy();
});

test('map keeps the order, takes any iterable, and streams', async () => {
  const pool = createPool(2);
  assertEqual(await pool.map([1, 2, 3], (x) => x * 2), [2, 4, 6]);
  assertEqual(await pool.map(new Set(['a', 'b']), (x) => x + x, { chunk: 2 }), ['aa', 'bb']);
  const seen = [];
  async function* numbers() {
    for (let n = 0; n < 50; n++) yield n;
  }
  for await (const value of pool.map(numbers(), async (x) => x + 1, { concurrency: 3 })) seen.push(value);
  assertEqual(seen, Array.from({ length: 50 }, (_, n) => n + 1));
  await assertRejects(pool.map([1, 2], (x) => { if (x === 2) throw new TypeError('two'); return x; }), { name: 'TypeError' });
  function* endless() {
    for (let n = 0; ; n++) yield n;
  }
  for await (const value of pool.map(endless(), (x) => x)) if (value === 20) break;
  await pool.forEach([1, 2, 3], (x) => x, { chunk: 2 });
  await pool.drain();
  await pool.destroy();
});

test('reduce folds in order, in parallel when parts can be combined', async () => {
  const pool = createPool(2);
  const items = Array.from({ length: 1000 }, (_, n) => n);
  assertEqual(await pool.reduce(items, (a, b) => a + b), 499500);
  assertEqual(await pool.reduce(['a', 'bb', 'ccc'], (sum, word) => sum + word.length, 0), 6);
  assertEqual(await pool.reduce(items, (sum, n) => sum + n, 0, { combine: (a, b) => a + b }), 499500);
  assertEqual(await pool.reduce(['x', 'y', 'z'], (text, it) => text + it, '', { combine: (a, b) => a + b, chunk: 1 }), 'xyz');
  assertEqual(await pool.reduce([], (a) => a, 7), 7);
  await assertRejects(pool.reduce([], (a) => a), { name: 'TypeError' });
  await pool.destroy();
});

test('parallelFor visits every element once, whatever the grain', async () => {
  const heap = await createHeap();
  const pool = createPool(2);
  const block = heap.allocArray(Int32Array, 100_003);
  await pool.parallelFor(block, (value, index) => value + index + 1);
  assert(block.array.every((value, index) => value === index + 1), 'each element once');
  await pool.parallelFor(block, (array, start, end) => { for (let at = start; at < end; at++) array[at] *= 2; }, { range: true, grain: 1000 });
  assert(block.array.every((value, index) => value === 2 * (index + 1)), 'each range once');
  await assertRejects(pool.parallelFor(block, () => { throw new Error('inside'); }), { message: 'inside' });
  heap.free(block);
  await pool.destroy();
}, isolated);

test('times longer than timers can count never come', async () => {
  for (const forever of [2 ** 31, Infinity]) {
    const pool = createPool({ max: 2, idleTimeout: forever, grace: forever });
    const turns = Array.from({ length: 2 }, () => pool.run(() => new Promise((done) => setTimeout(done, 50, 'done')), undefined, { timeout: forever }));
    assertEqual(await Promise.all(turns), ['done', 'done']);
    // It looks at its signal, and ends in its own time.
    const asked = new AbortController();
    let listens;
    const listening = new Promise((resolve) => (listens = resolve));
    const slow = pool.run(async (_, { signal, progress }) => {
      await new Promise((asked) => {
        signal.addEventListener('abort', asked);
        progress('it listens');
      });
      await new Promise((done) => setTimeout(done, 300));
    }, undefined, { signal: asked.signal, onProgress: listens });
    await listening;
    asked.abort(new Error('enough'));
    await assertRejects(slow, { message: 'enough' });
    await until(() => pool.pendingTasks === 0 && pool.stats().workers.every(({ load }) => load === 0), 'all is done');
    assertEqual(pool.size, 2);
    assertEqual(pool.stats().ending, 0);
    await pool.destroy();
  }
});

test('options that cannot be are refused', async () => {
  for (const bad of [NaN, -1]) {
    assertThrows(() => createPool({ size: 1, idleTimeout: bad }), { name: 'RangeError', message: /idleTimeout/ });
    assertThrows(() => createPool({ size: 1, grace: bad }), { name: 'RangeError', message: /grace/ });
  }
  assertThrows(() => createPool({ min: 3, max: 2 }), { name: 'RangeError' });
  assertThrows(() => createPool({ size: 1, queueLimit: -1 }), { name: 'RangeError' });
  const pool = createPool(1);
  assertThrows(() => pool.resize(0), { name: 'RangeError' });
  await assertRejects(pool.run((x) => x, 1, { timeout: NaN }), { name: 'RangeError' });
  await assertRejects(pool.run(5), { name: 'TypeError' });
  await assertRejects(pool.run('name'), { code: 'ERR_NO_SUCH_TASK' });
  assertEqual(pool.pendingTasks, 0);
  const aborted = AbortSignal.abort(new IsolithError('MINE', 'before'));
  await assertRejects(pool.run((x) => x, 1, { signal: aborted }), { code: 'MINE' });
  await pool.destroy();
});

test('timers, fetch and messages go on in a worker while short tasks rain', async () => {
  const pool = createPool(1);
  const ticks = pool.run(async () => {
    globalThis.ticks = 0;
    globalThis.timer = setInterval(() => globalThis.ticks++, 5);
  });
  await ticks;
  for (let round = 0; round < 5; round++) {
    await Promise.all(Array.from({ length: 20_000 }, (_, n) => pool.run((x) => x, n)));
  }
  await within(15_000, pool.run(async () => { while (globalThis.ticks < 3) await new Promise((r) => setTimeout(r, 1)); clearInterval(globalThis.timer); }), 'the timer ticks');
  assertEqual(await pool.run(async (url) => (await fetch(url)).ok, location.href), true);
  await pool.destroy();
}, { timeout: 60_000 });

test('pools can be made and used inside workers', async () => {
  const source = `
    import { createPool } from '${new URL('/pkg/dist/index.js', location.href)}';
    const pool = createPool(2);
    const list = await Promise.all([1, 2, 3].map((n) => pool.run((x) => x * 2, n)));
    await pool.destroy();
    postMessage(list);`;
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(url, { type: 'module' });
  const answer = await within(15_000, new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
  }), 'the worker answers');
  assertEqual(answer, [2, 4, 6]);
  worker.terminate();
}, { timeout: 20_000 });
