// Kill storm: thousands of random timeouts, aborts and destroys against tasks that use the kernel in loops.
import { assert, assertEqual, context, random, sleep, test, until, within } from '/tests/pages/lib/test.mjs';
import { createHeap, createPool, createQueue } from 'isolith';
import * as fs from 'isolith/fs';

/** Tasks that end only when they are made to; more of them with the environment variable ISOLITH_KILLS. */
const KILLS = Number(new URLSearchParams(location.search).get('kills') ?? 2000);

/** Files that tasks replace, and the bytes of each version. */
const FILES = 4;
const VERSION = 3000;

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

/** Tasks that share a queue and files; each listens now and then, so that some are asked and some are killed. */
const sharers = [
  // Pushes and pops items whose bytes tell whether they are whole.
  ({ seed, queue }, { signal }) => {
    for (let n = seed; !(n % 64 === 0 && signal.aborted); n++) {
      queue.push({ n, text: String(n).repeat(1 + (n % 40)), times: 1 + (n % 40) });
      const item = n % 3 === 0 ? undefined : queue.pop();
      if (item && item.text !== String(item.n).repeat(item.times)) throw new RangeError(`a torn item: ${JSON.stringify(item)}`);
    }
  },
  // The same, and never looks up.
  ({ seed, queue }) => {
    for (let n = seed; ; n++) {
      queue.push({ n, text: String(n).repeat(1 + (n % 40)), times: 1 + (n % 40) });
      const item = queue.pop();
      if (item && item.text !== String(item.n).repeat(item.times)) throw new RangeError(`a torn item: ${JSON.stringify(item)}`);
    }
  },
  // Replaces files by a fresh version of one letter, without the event loop and with it.
  ({ seed, files, version }, { signal, fs, workerId }) => {
    for (let n = seed; !signal.aborted; n++) {
      const fresh = `/storm/fresh-${workerId}-${seed}`;
      fs.writeFileSync(fresh, String.fromCharCode(97 + (n % 26)).repeat(version));
      fs.renameSync(fresh, `/storm/${n % files}`);
    }
  },
  async ({ seed, files, version }, { fs, workerId }) => {
    for (let n = seed; ; n++) {
      const fresh = `/storm/fresh-${workerId}-${seed}`;
      await fs.promises.writeFile(fresh, String.fromCharCode(97 + (n % 26)).repeat(version));
      await fs.promises.rename(fresh, `/storm/${n % files}`);
    }
  },
];

test('a storm of kills leaves heap, pools and promises whole', async () => {
  const heap = await createHeap();
  const queue = createQueue({ capacity: 64 });
  await fs.promises.mkdir('/storm');
  for (let n = 0; n < FILES; n++) await fs.promises.writeFile(`/storm/${n}`, 'A'.repeat(VERSION));
  const next = random(20261121);
  const pick = (n) => Math.floor(next() * n);
  const before = heap.stats();
  let killed = 0;
  let settled = 0;
  let pool = createPool({ size: 2, grace: 5 });
  const outcomes = new Map();
  const settle = (promise) => promise.then(() => 'done', (error) => (error instanceof DOMException ? error.name : error.code ?? String(error))).then((how) => {
    settled++;
    outcomes.set(how, (outcomes.get(how) ?? 0) + 1);
  });
  const all = [];
  const graves = [];
  const submit = () => {
    // Chromium lets a killed loop run on for two seconds: there most tasks wait or listen instead.
    const kind = context.browser === 'chromium' && pick(10) > 0 ? [3, 4, 5, 6, 8, 9][pick(6)] : pick(10);
    if (kind === 5) {
      all.push(settle(pool.run((x) => ({ x, text: 'y'.repeat(x) }), pick(500))));
      return;
    }
    const [fn, data] = kind < 5 ? [tasks[kind], pick(1e6)] : [sharers[kind - 6], { seed: pick(1e6), queue, files: FILES, version: VERSION }];
    killed++;
    if (pick(2) === 0) {
      all.push(settle(pool.run(fn, data, { timeout: 1 + pick(30) })));
    } else {
      const control = new AbortController();
      setTimeout(() => control.abort(), pick(30));
      all.push(settle(pool.run(fn, data, { signal: control.signal })));
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
  const known = new Set(['done', 'ETIMEDOUT', 'AbortError', 'ERR_POOL_DESTROYED']);
  assertEqual([...outcomes.keys()].filter((how) => !known.has(how)), [], 'no task ended in another way');
  assertEqual(await pool.run((x) => x, 'usable'), 'usable');
  graves.push(pool.destroy());
  await within(30_000, Promise.all(graves), 'every worker dies');
  await until(() => { try { heap.check(); return true; } catch { return false; } }, { what: 'the heap checker is content', timeout: 10_000 });
  const after = heap.stats();
  assert(after.blocks - before.blocks <= killed, `${after.blocks - before.blocks} blocks were left by ${killed} killed tasks`);
  for (let item; (item = queue.pop()) !== undefined; ) assertEqual(item.text, String(item.n).repeat(item.times), 'an item is whole');
  for (let n = 0; n < 200; n++) assert(queue.push({ n }) && queue.pop()?.n === n, `the queue is usable: item ${n}`);
  assertEqual(await fs.check(), []);
  for (let n = 0; n < FILES; n++) {
    const text = await fs.promises.readFile(`/storm/${n}`, 'utf8');
    assertEqual([text.length, text === (text[0] ?? '').repeat(VERSION)], [VERSION, true], `file ${n} is one version`);
  }
  assert((await fs.promises.readdir('/storm')).length > FILES, 'writers were killed between a write and its rename');
  await fs.promises.rm('/storm', { recursive: true });
  const fresh = createPool(2);
  const ptrs = await Promise.all(Array.from({ length: 100 }, (_, n) => fresh.run((size, { heap }) => heap.alloc(size).ptr, n * 50 + 1)));
  for (const ptr of ptrs) heap.free(ptr);
  await fresh.destroy();
  heap.check();
}, { shared: true, timeout: 90_000, reason: 'the kernel that is stormed needs shared memory' });
