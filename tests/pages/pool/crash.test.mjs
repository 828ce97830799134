// Workers that fail in every way: each rejects its own task, is replaced, and nothing waits for ever.
// modes: isolated bare
import { assert, assertEqual, assertRejects, context, respond, sleep, test, until, within } from '/tests/pages/lib/test.mjs';
import { createHeap, createPool } from 'isolith';

const index = new URL('/pkg/dist/index.js', location.href).href;
const url = '/tests/pages/pool/modules/tasks.js';

/** What never takes so long, however busy the machine, unless it hangs; in milliseconds. */
const SOON = 15_000;

test('each way to fail rejects its own task alone, and the next one is served', async () => {
  const pool = createPool(2);
  const waiting = () => pool.run(() => new Promise((resolve) => setTimeout(resolve, 50, 'fine')));
  const overflow = () => { const deeper = () => deeper() + 1; return deeper(); };
  const FAILURES = [
    [overflow, { is: Error }],
    [() => { throw new RangeError('thrown'); }, { message: 'thrown' }],
    [async () => { await null; throw new RangeError('rejected'); }, { message: 'rejected' }],
    [() => { self.close(); return new Promise(() => {}); }, { code: 'ERR_WORKER_CRASHED' }],
    [() => new Promise(() => { setTimeout(() => { throw new RangeError('in a timer'); }); }), { code: 'ERR_WORKER_CRASHED', message: /in a timer/ }],
    [() => new Promise(() => { queueMicrotask(() => { throw new RangeError('in a microtask'); }); }), { code: 'ERR_WORKER_CRASHED', message: /in a microtask/ }],
    [() => ({ then() { throw new RangeError('in then'); } }), { message: 'in then' }],
    [() => ({ get then() { throw new RangeError('in a getter'); } }), { message: 'in a getter' }],
    [() => new Proxy({}, { get() { throw new RangeError('in a proxy'); } }), {}],
  ];
  for (const [task, expected] of FAILURES) {
    const other = waiting();
    await within(SOON, assertRejects(pool.run(task), expected, String(task)), String(task));
    assertEqual([await other, await pool.run((x) => x, 1)], ['fine', 1], String(task));
  }
  await until(() => pool.stats().ending === 0, { what: 'the dead are buried', timeout: SOON });
  assertEqual([pool.size, pool.pendingTasks], [2, 0]);
  await pool.destroy();
}, { timeout: 60_000 });

test('what nobody caught is told as an event, with the worker it comes from', async () => {
  const pool = createPool(1);
  const errors = [];
  pool.addEventListener('error', ({ detail }) => errors.push(detail));
  const id = await pool.run((_, { workerId }) => { setTimeout(() => Promise.reject(new TypeError('nobody'))); return workerId; });
  await until(() => errors.length === 1, 'the rejection');
  assertEqual([errors[0].workerId, errors[0].error.name, errors[0].error.message], [id, 'TypeError', 'nobody']);
  assertEqual(await pool.run((_, { workerId }) => workerId), id, 'it lives on');
  await pool.run(() => { setTimeout(() => { throw new RangeError('between tasks'); }); });
  await until(() => errors.length === 2, 'the error');
  assert(/between tasks/.test(errors[1].error.message), errors[1].error.message);
  assertEqual(await pool.run((x) => x, 2), 2);
  await pool.destroy();
});

test('a worker that dies between tasks is noticed and replaced', async () => {
  const pool = createPool(1);
  const crashes = [];
  pool.addEventListener('crash', ({ detail }) => crashes.push(detail));
  const id = await pool.run((_, { workerId }) => { setTimeout(() => self.close()); return workerId; });
  await until(() => crashes.length === 1, { what: 'the death', timeout: SOON });
  assertEqual([crashes[0].workerId, crashes[0].error.code], [id, 'ERR_WORKER_CRASHED']);
  assertEqual(await within(SOON, pool.run((x) => x, 1), 'a task for its replacement'), 1);
  await pool.destroy();
});

test('tasks that crash their workers, one after the other, are no crash loop', async () => {
  const pool = createPool(1);
  for (let n = 0; n < 12; n++) await within(SOON, assertRejects(pool.run(() => { self.close(); return new Promise(() => {}); }), { code: 'ERR_WORKER_CRASHED' }), `crash ${n}`);
  assertEqual(await pool.run((x) => x, 1), 1);
  await pool.destroy();
}, { timeout: 60_000 });

test('modules that throw, do not parse or are no script fail their tasks and say which', async () => {
  const pool = createPool(1);
  await respond('/made-up/throws.js', { headers: { 'content-type': 'text/javascript' }, body: 'throw new RangeError("at top level"); export const f = 1;' });
  await respond('/made-up/broken.js', { headers: { 'content-type': 'text/javascript' }, body: 'export function f( {' });
  await respond('/made-up/page.js', { headers: { 'content-type': 'text/html' }, body: '<p>export</p>' });
  for (const name of ['throws', 'broken', 'page', 'missing']) {
    const error = await within(SOON, assertRejects(pool.module(`/made-up/${name}.js`).run('f'), { code: 'ERR_MODULE_NOT_FOUND', message: new RegExp(name) }), name);
    if (name === 'throws') assert(/at top level/.test(error.message), error.message);
  }
  assertEqual(await pool.module(url).run('double', 4), 8);
  await pool.destroy();
});

test('worker scripts that are a page, do not parse or never answer are errors in time', async () => {
  await respond('/made-up/worker-page.js', { headers: { 'content-type': 'text/html' }, body: '<p>no worker</p>' });
  await respond('/made-up/worker-broken.js', { headers: { 'content-type': 'text/javascript', 'cross-origin-embedder-policy': 'require-corp' }, body: 'self.onmessage = (' });
  await respond('/made-up/worker-silent.js', { headers: { 'content-type': 'text/javascript', 'cross-origin-embedder-policy': 'require-corp' }, body: 'self.onmessage = () => {};' });
  await Promise.all(['page', 'broken', 'silent'].map(async (name) => {
    const pool = createPool({ size: 1, worker: `/made-up/worker-${name}.js` });
    const failed = new Promise((resolve) => pool.addEventListener('failed', ({ detail }) => resolve(detail.error), { once: true }));
    await within(40_000, assertRejects(pool.run((x) => x, 1), { code: 'ERR_WORKER_START' }, name), name);
    assertEqual((await failed).code, 'ERR_WORKER_START');
    await assertRejects(pool.run((x) => x, 1), { code: 'ERR_WORKER_START' });
    await within(40_000, pool.destroy(), 'destroy');
  }));
}, { timeout: 100_000, modes: ['isolated'], reason: 'it waits for ten seconds, and headers make no difference' });

test('a pool inside a task of a pool works, and ends with its worker', async () => {
  const pool = createPool({ size: 1, module: url });
  assertEqual(await within(SOON, pool.proxy(url).nested(index, [1, 2, 3]), 'the nested pool'), [2, 4, 6]);
  assertEqual(await pool.run('double', 2), 4);
  // Its workers loop for ever when the one that made them is killed.
  const control = new AbortController();
  const begun = new Promise((resolve) => {
    pool.run(async (index, ctx) => {
      const { createPool } = await import(index);
      const inner = createPool(2);
      const both = [1, 2].map(() => inner.run((_, it) => { it.progress('loops'); for (;;); }, undefined, { onProgress: () => ctx.progress('loops') }));
      await Promise.all(both);
    }, index, { signal: control.signal, onProgress: resolve }).catch(() => {});
  });
  await within(SOON, begun, 'the nested loops');
  control.abort();
  assertEqual(await within(SOON, pool.run('double', 5), 'a task afterwards'), 10);
  await within(SOON, pool.destroy(), 'the outer pool ends');
  if (context.shared) (await createHeap()).check();
}, { timeout: 60_000 });

test('the memory of a worker that fills it is the task\'s own trouble', async () => {
  const pool = createPool(1);
  const heap = await createHeap();
  const { blocks } = heap.stats();
  const filled = await pool.run((_, { heap }) => {
    const blocks = [];
    try {
      for (;;) blocks.push(heap.alloc(512 * 1024 * 1024));
    } catch (error) {
      for (const block of blocks) heap.free(block);
      return error.code;
    }
  });
  assertEqual(filled, 'ENOMEM');
  assertEqual(await pool.run((x) => x.length, 'x'.repeat(100_000)), 100_000);
  assert(heap.stats().blocks <= blocks + 20, 'all came back');
  await pool.destroy();
  heap.check();
}, { shared: true, timeout: 60_000, reason: 'without shared memory a task has no heap of ours' });

test('a page that is left and entered again finds its pool working', async () => {
  const pool = createPool(1);
  await pool.run((x) => x, 1);
  dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }));
  dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
  await sleep(0);
  assertEqual(await pool.run((x) => x, 2), 2);
  await pool.destroy();
});
