// Kill storm: thousands of random timeouts, aborts and destroys against tasks that use the kernel in loops.
import { assert, assertEqual, context, random, sleep, test, until, within } from '/tests/pages/lib/test.mjs';
import { createHeap, createPool } from 'isolith';

/** Tasks that end only when they are made to. */
const KILLS = 2000;

const tasks = [
  // Loops that allocate and free in every size.
  (seed, { heap }) => {
    for (let n = seed; ; n = (n * 1103515245 + 12345) & 0x7fffffff) heap.free(heap.alloc(1 + (n % 9000)));
  },
  (seed, { heap }) => {
    for (let n = seed; ; n++) heap.free(heap.realloc(heap.fromString('x'.repeat(n % 300)), 3000));
  },
  // A loop that the kernel never sees, one that listens, one that awaits.
  () => { for (;;); },
  (_, { signal }) => { while (!signal.aborted); },
  () => new Promise(() => {}),
];

test('a storm of kills leaves heap, pools and promises whole', async () => {
  const heap = await createHeap();
  const next = random(20261121);
  const pick = (n) => Math.floor(next() * n);
  const before = heap.stats();
  let killed = 0;
  let settled = 0;
  let pool = createPool({ size: 2, grace: 5 });
  const outcomes = new Map();
  const settle = (promise) => promise.then(() => 'done', (error) => (error instanceof DOMException ? error.name : error.code)).then((how) => {
    settled++;
    outcomes.set(how, (outcomes.get(how) ?? 0) + 1);
  });
  const all = [];
  const graves = [];
  const submit = () => {
    // Chromium lets a killed loop run on for two seconds: there most tasks wait or listen instead.
    const kind = context.browser === 'chromium' && pick(10) > 0 ? 3 + pick(3) : pick(6);
    if (kind === 5) {
      all.push(settle(pool.run((x) => ({ x, text: 'y'.repeat(x) }), pick(500))));
      return;
    }
    const fn = tasks[kind];
    killed++;
    if (pick(2) === 0) {
      all.push(settle(pool.run(fn, pick(1e6), { timeout: 1 + pick(30) })));
    } else {
      const control = new AbortController();
      setTimeout(() => control.abort(), pick(30));
      all.push(settle(pool.run(fn, pick(1e6), { signal: control.signal })));
    }
  };
  while (killed < KILLS) {
    for (let burst = 0; burst < 8; burst++) submit();
    await sleep(pick(12));
    if (pick(40) === 0) {
      graves.push(pool.destroy());
      pool = createPool({ size: 2, grace: 5 });
    }
    await until(() => pool.stats().ending < 30, { what: 'killed threads end', timeout: 20_000 });
  }
  await within(30_000, Promise.all(all), 'every promise settles');
  assertEqual(settled, all.length);
  assert((outcomes.get('ETIMEDOUT') ?? 0) > 100 && (outcomes.get('AbortError') ?? 0) > 100, `the storm was one: ${JSON.stringify([...outcomes])}`);
  assertEqual([pool.pendingTasks, pool.stats().queued, pool.stats().running], [0, 0, 0]);
  assertEqual(await pool.run((x) => x, 'usable'), 'usable');
  graves.push(pool.destroy());
  await within(30_000, Promise.all(graves), 'every worker dies');
  await until(() => { try { heap.check(); return true; } catch { return false; } }, { what: 'the heap checker is content', timeout: 10_000 });
  const after = heap.stats();
  assert(after.blocks - before.blocks <= killed, `${after.blocks - before.blocks} blocks were left by ${killed} killed tasks`);
  const fresh = createPool(2);
  const ptrs = await Promise.all(Array.from({ length: 100 }, (_, n) => fresh.run((size, { heap }) => heap.alloc(size).ptr, n * 50 + 1)));
  for (const ptr of ptrs) heap.free(ptr);
  await fresh.destroy();
  heap.check();
}, { shared: true, timeout: 90_000, reason: 'the kernel that is stormed needs shared memory' });
