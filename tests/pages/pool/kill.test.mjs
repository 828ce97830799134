// Ends of tasks and workers: timeouts, aborts, destroy, crashes, crash loops and start-up failures.
// modes: isolated bare
import { assert, assertEqual, assertRejects, context, sleep, test, until, within } from '/tests/pages/lib/test.mjs';
import { createHeap, createPool, createPoolWasm, createQueue } from 'isolith';
import * as fs from 'isolith/fs';

const endless = () => { for (;;); };

/** What never takes so long, however busy the machine, unless it hangs; in milliseconds. */
const SOON = 15_000;

test('a timeout settles even for an endless loop, and others go on', async () => {
  const pool = createPool(2);
  await Promise.all([pool.run((x) => x, 1), pool.run((x) => x, 2)]);
  const stuck = assertRejects(pool.run(endless, undefined, { timeout: 100 }), { code: 'ETIMEDOUT', name: 'TimeoutError' });
  assertEqual(await Promise.all(Array.from({ length: 20 }, (_, n) => pool.run((x) => x, n))), Array.from({ length: 20 }, (_, n) => n));
  await within(SOON, stuck, 'the deadline of an endless loop');
  assertEqual(pool.size, 2);
  assertEqual(await Promise.all([1, 2, 3].map((n) => pool.run((x) => x, n))), [1, 2, 3]);
  await pool.destroy();
});

test('an abort settles at once with its reason; queued work is cancelled without a kill', async () => {
  const pool = createPool(1);
  const id = await pool.run(() => (globalThis.mark = Math.random()));
  const busy = pool.run(() => new Promise((resolve) => setTimeout(resolve, 50)));
  const control = new AbortController();
  const queued = pool.run((x) => x, 1, { signal: control.signal });
  control.abort(new RangeError('mine'));
  await assertRejects(queued, { name: 'RangeError', message: 'mine' });
  await busy;
  assertEqual(await pool.run(() => globalThis.mark), id, 'the worker lives');
  const second = new AbortController();
  let loop;
  await new Promise((begun) => {
    loop = pool.run((_, { progress }) => { progress('begun'); for (;;); }, undefined, { signal: second.signal, onProgress: begun });
    loop.catch(() => {});
  });
  second.abort();
  await assertRejects(loop, { name: 'AbortError' });
  assertEqual(await pool.run((x) => x, 2), 2);
  assertEqual(await pool.run(() => globalThis.mark), undefined, 'another worker');
  await pool.destroy();
});

test('what waits behind tasks that are aborted before they have begun is done', async () => {
  const pool = createPool(1);
  for (let round = 0; round < 20; round++) {
    // Asleep, or about to be.
    await pool.run((x) => x, round);
    const [one, two] = [new AbortController(), new AbortController()];
    const buffer = new ArrayBuffer(8);
    const first = pool.run((x) => x, 1, { signal: one.signal }).catch(({ name }) => name);
    // It moves, and so goes to nobody who has anything else to do.
    const moved = pool.run((it) => it.byteLength, buffer, { transfer: [buffer] });
    one.abort();
    await first;
    assertEqual(await within(SOON, moved, 'what moves'), 8);
    const low = { priority: 'low', signal: two.signal };
    const ahead = [1, 2].map((n) => pool.run((x) => x, n, low).catch(({ name }) => name));
    const behind = pool.run((x) => x, 3, { priority: 'low' });
    two.abort();
    await Promise.all(ahead);
    assertEqual(await within(SOON, behind, 'what is behind'), 3);
  }
  await pool.destroy();
}, { timeout: 60_000 });

test('a task that looks at its signal is asked first, and its worker lives on', async () => {
  const pool = createPool(1);
  const id = await pool.run(() => (globalThis.mark = Math.random()));
  if (context.shared) {
    // Without shared memory no news reaches a loop.
    const loop = pool.run((_, { signal }) => { while (!signal.aborted); globalThis.stopped = true; }, undefined, { timeout: 500 });
    await assertRejects(loop, { code: 'ETIMEDOUT' });
    assertEqual(await pool.run(() => [globalThis.mark, globalThis.stopped]), [id, true]);
  }
  const control = new AbortController();
  let waits;
  await new Promise((begun) => {
    waits = pool.run((_, { signal, progress }) => new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => { globalThis.heard = true; reject(signal.reason); });
      progress('begun');
    }), undefined, { signal: control.signal, onProgress: begun });
    waits.catch(() => {});
  });
  control.abort();
  await assertRejects(waits, { name: 'AbortError' });
  assertEqual(await pool.run(() => [globalThis.mark, globalThis.heard]), [id, true]);
  const deaf = pool.run((_, { signal }) => { void signal.aborted; for (;;); }, undefined, { timeout: 500 });
  await assertRejects(deaf, { code: 'ETIMEDOUT' });
  assertEqual(await pool.run(() => globalThis.mark), undefined, 'it did not stop in time');
  await pool.destroy();
});

test('what waits behind a killed task is done by another worker, once', async () => {
  const pool = createPool(1);
  await pool.run((x) => x, 1);
  const stuck = assertRejects(pool.run(endless, undefined, { timeout: 60 }), { code: 'ETIMEDOUT' });
  const rest = Array.from({ length: 50 }, (_, n) => pool.run((x) => ({ n: x.n, big: 'y'.repeat(x.n * 10) }), { n, text: 'x'.repeat(n * 10) }));
  const plain = [undefined, null, true, false, 7, -0.5, NaN];
  const same = plain.map((value) => pool.run((x) => x, value));
  const blob = pool.run((x) => x.text(), new Blob(['kept']));
  const buffer = new ArrayBuffer(16);
  const moved = pool.run((x) => x.byteLength, buffer, { transfer: [buffer] });
  await stuck;
  assertEqual((await Promise.all(rest)).map(({ n }) => n), Array.from({ length: 50 }, (_, n) => n));
  assertEqual(await Promise.all(same), plain);
  assertEqual([await blob, await moved], ['kept', 16]);
  await pool.destroy();
});

test('a worker that closes itself rejects its own task and is replaced', async () => {
  const pool = createPool(1);
  await assertRejects(pool.run(() => { self.close(); return new Promise(() => {}); }), { code: 'ERR_WORKER_CRASHED' });
  assertEqual(await pool.run((x) => x, 1), 1);
  assertEqual(pool.size, 1);
  await pool.destroy();
});

test('an error that nobody catches ends its task, not the others', async () => {
  const pool = createPool(2);
  const crash = pool.run(() => new Promise(() => { setTimeout(() => { throw new TypeError('late'); }, 10); }));
  const other = pool.run(() => new Promise((resolve) => setTimeout(() => resolve('fine'), 60)));
  await assertRejects(crash, { code: 'ERR_WORKER_CRASHED', message: /late/ });
  assertEqual(await other, 'fine');
  assertEqual(await pool.run((x) => x, 1), 1);
  await pool.destroy();
});

test('workers that die before they do anything end in an error, not in a loop', async () => {
  let made = 0;
  // What a worker says when it is ready, with the lock that tells of its death: here one that nobody holds any more.
  const script = `self.onmessage = () => { postMessage({ type: 'ready', lock: 'nobody has ' + Math.random() }); self.close(); };`;
  const url = URL.createObjectURL(new Blob([`postMessage({ type: 'loaded' }); ${script}`], { type: 'text/javascript' }));
  const pool = createPool({ size: 1, worker: () => { made++; return new Worker(url); } });
  const waits = pool.run((x) => x, 1, { timeout: 60_000 });
  await within(SOON, assertRejects(waits), 'a task without workers');
  await sleep(200);
  assert(made <= 10, `${made} workers were started`);
  pool.destroy();
});

test('a worker script that fails at top level is an error at once', async () => {
  const url = URL.createObjectURL(new Blob(['throw new Error("top")'], { type: 'text/javascript' }));
  const pool = createPool({ size: 2, worker: url });
  await assertRejects(pool.run((x) => x, 1), { code: 'ERR_WORKER_START' });
  await assertRejects(pool.run((x) => x, 1), { code: 'ERR_WORKER_START' });
  await pool.destroy();
});

test('a worker script that cannot be loaded is an error, not a wait', async () => {
  const pool = createPool({ size: 2, worker: '/there-is-no-such-worker.js' });
  const all = [1, 2, 3].map((x) => assertRejects(pool.run((y) => y, x), { code: 'ERR_WORKER_START' }));
  await within(40_000, Promise.all(all), 'what waits for a worker');
  await pool.destroy();
}, { timeout: 60_000 });

test('a task that finds no more memory fails alone', async () => {
  const small = await createHeap({ initial: 64, maximum: 80 });
  const pool = await createPoolWasm(small.memory, 1);
  const hoard = pool.run((_, { heap }) => { for (;;) heap.alloc(100_000); });
  await assertRejects(hoard, { code: 'ENOMEM' });
  assertEqual(await pool.run((x) => x + 1, 1), 2);
  await pool.destroy();
  small.check();
}, { shared: true, reason: 'needs shared memory' });

// The end of JavaScript's own heap is no test: Chromium ends the page with it (tab crashed, seen by
// hand), and Firefox knows none (18 GB after a minute, page and other workers alive).
test('a task that is refused a buffer fails alone', async () => {
  const pool = createPool(1);
  const refused = assertRejects(pool.run(() => new ArrayBuffer(Number.MAX_SAFE_INTEGER)), { name: 'RangeError' });
  const worker = pool.run((_, { workerId }) => workerId);
  await refused;
  assertEqual(await pool.run((_, { workerId }) => workerId), await worker, 'its worker lives on');
  await pool.destroy();
});

test('a killed task changes nothing any more, though its thread may live on', async () => {
  const pool = createPool(1);
  const queue = createQueue({ capacity: 16 });
  const heap = await createHeap();
  await fs.promises.writeFile('/afterlife', 'before');
  const task = pool.run(({ queue }, { fs, heap }) => {
    for (;;) {
      fs.writeFileSync('/afterlife', 'theirs');
      queue.push('theirs');
      queue.pop();
      heap.free(heap.alloc(5000));
    }
  }, { queue }, { timeout: 200 });
  await assertRejects(task, { code: 'ETIMEDOUT' });
  while (queue.pop() !== undefined);
  await fs.promises.writeFile('/afterlife', 'ours');
  const { blocks } = heap.stats();
  // Chromium lets a killed thread run on for two seconds.
  await sleep(3000);
  assertEqual(await fs.promises.readFile('/afterlife', 'utf8'), 'ours');
  assertEqual(queue.pop(), undefined);
  assert(heap.stats().blocks <= blocks, 'it takes no memory');
  await fs.promises.rm('/afterlife');
  await pool.destroy();
  heap.check();
}, { shared: true, timeout: 60_000, reason: 'without shared memory a task has nothing of ours to change' });

test('destroy settles everything at once and resolves when the workers are dead', async () => {
  const pool = createPool(2);
  const all = [endless, endless, endless, (x) => x].map((fn) => pool.run(fn));
  const settled = Promise.allSettled(all);
  await sleep(60);
  const gone = pool.destroy();
  const outcomes = await within(SOON, settled, 'everything settles');
  assertEqual(outcomes.map((it) => it.reason?.code), Array(4).fill('ERR_POOL_DESTROYED'));
  await within(SOON, gone, 'the workers die');
});

test('a pool that is destroyed while it starts ends', async () => {
  for (let round = 0; round < 5; round++) {
    const pool = createPool(2);
    const run = assertRejects(pool.run((x) => x, 1), { code: 'ERR_POOL_DESTROYED' });
    const gone = pool.destroy();
    await run;
    await within(SOON, gone, 'the workers end');
  }
});

test('what killed threads had of the heap comes back', async () => {
  const heap = await createHeap();
  const pool = createPool(1);
  const kill = async () => {
    await assertRejects(pool.run((_, { heap }) => { for (;;) heap.free(heap.alloc(64)); }, undefined, { timeout: 15 }), { code: 'ETIMEDOUT' });
    await pool.run((x) => x, 1);
  };
  await kill();
  await sleep(2500);
  const before = heap.stats();
  for (let round = 0; round < 6; round++) await kill();
  const after = () => heap.stats();
  // Each thread has a stack of a mebibyte; Chromium lets a killed one run on for two seconds.
  await until(() => before.freeBytes - after().freeBytes - (before.pages - after().pages) * 65536 < 1 << 20, { timeout: SOON });
  assert(after().blocks - before.blocks <= 6, 'at most one block per kill');
  await pool.destroy();
  heap.check();
}, { shared: true, timeout: 40_000, reason: 'needs the shared heap' });

test('a kill on another heap leaves that heap usable', async () => {
  const other = await createHeap({ initial: 64, maximum: 1024 });
  const pool = await createPoolWasm(other.memory, 1);
  for (let round = 0; round < 4; round++) {
    await assertRejects(pool.run((_, { heap }) => { for (;;) heap.free(heap.alloc(5000)); }, undefined, { timeout: 15 }), { code: 'ETIMEDOUT' });
    const ptr = await pool.run((_, { heap }) => heap.alloc(100_000).ptr);
    other.free(ptr);
  }
  await within(SOON, pool.destroy(), 'its workers die');
  other.check();
}, { shared: true, timeout: 40_000, reason: 'needs shared memory' });
