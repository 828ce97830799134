// Kill storms: thousands of random timeouts, aborts and destroys against tasks that use the kernel in loops.
import { assert, assertEqual, context, random, sleep, test, until, within } from '/tests/pages/lib/test.mjs';
import { createHeap, createPool, createQueue } from 'isolith';
import * as fs from 'isolith/fs';

/** Kills of both storms together: as many as the environment variable ISOLITH_KILLS says. */
const KILLS = Number(new URLSearchParams(location.search).get('kills') ?? 500);

/** What tasks allocate is so many bytes behind a multiple of 16, so that it can be told from what is not theirs. */
const MARK = 5;

/** Files that tasks replace, and the bytes of each version. */
const FILES = 4;
const VERSION = 3000;

/** How tasks of a storm may end; in one of some size each of these happens. */
const ENDS = ['done', 'ETIMEDOUT', 'AbortError', 'ERR_POOL_DESTROYED'];

const limited = { shared: true, timeout: 600_000, reason: 'the kernel that is stormed needs shared memory' };

/** Tasks that end only by a kill. */
const loners = [
  // Loops that allocate and free in every size.
  ({ seed, mark }, { heap }) => {
    for (let n = seed; ; n = (n * 1103515245 + 12345) & 0x7fffffff) heap.free(heap.alloc((n % 600) * 16 + mark));
  },
  ({ seed, mark }, { heap }) => {
    for (let n = seed; ; n++) heap.free(heap.realloc(heap.fromString('x'.repeat((n % 20) * 16 + mark)), 3200 + mark));
  },
  // A loop that the kernel never sees.
  () => { for (;;); },
];

/** One that listens, one that awaits, one that is always at a fetch or a timer. */
const patient = [
  (_, { signal }) => { while (!signal.aborted); },
  () => new Promise(() => {}),
  async () => {
    for (;;) {
      await (await fetch('/tests/pages/lib/picture.mjs')).arrayBuffer();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  },
];

/** Pushes and pops items that tell whether they are whole, and never looks up. */
const pushing = ({ seed, queue }) => {
  for (let n = seed; ; n++) {
    queue.push({ n, text: String(n).repeat(1 + (n % 40)), times: 1 + (n % 40) });
    const item = queue.pop();
    if (item && item.text !== String(item.n).repeat(item.times)) throw new RangeError(`a torn item: ${JSON.stringify(item)}`);
  }
};

/** Tasks that share a queue and files; some look up now and then, so that some are asked and some are killed. */
const sharers = [
  ({ seed, queue }, { signal }) => {
    for (let n = seed; !(n % 64 === 0 && signal.aborted); n++) {
      queue.push({ n, text: String(n).repeat(1 + (n % 40)), times: 1 + (n % 40) });
      const item = n % 3 === 0 ? undefined : queue.pop();
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

/** What `stats()` says of a pool that has nothing to do. */
const standing = (pool) => {
  const { queued, running, ending, workers } = pool.stats();
  return { pending: pool.pendingTasks, queued, running, ending, workers: workers.map(({ state, startedBy, load }) => ({ state, startedBy, load })) };
};

/** A pool of two workers that have both started. */
async function newPool() {
  const pool = createPool({ size: 2, grace: 5 });
  await until(() => pool.stats().workers.every(({ state }) => state === 'ready'), { what: 'the workers start', timeout: 30_000 });
  return pool;
}

/** Submits `wild` and `mild` tasks and ends each, until so many were; checks that all settle and that `stats()` is back at its start. */
async function storm({ wild, mild, data, kills, seed }) {
  const next = random(seed);
  const pick = (n) => Math.floor(next() * n);
  const ends = new Map();
  const all = [];
  const graves = [];
  let killed = 0;
  let pool = await newPool();
  const start = standing(pool);
  const settle = (promise) => all.push(
    promise.then(() => 'done', (error) => (error instanceof DOMException ? error.name : error.code ?? String(error)))
      .then((how) => ends.set(how, (ends.get(how) ?? 0) + 1)),
  );
  const submit = () => {
    if (pick(8) === 0) return settle(pool.run((x) => ({ x, text: 'y'.repeat(x) }), pick(500)));
    // Chromium lets a killed loop run on for two seconds: there most tasks wait or listen instead.
    const tasks = context.browser === 'chromium' && pick(10) > 0 ? mild : [...wild, ...mild];
    const task = tasks[pick(tasks.length)];
    killed++;
    if (pick(2) === 0) return settle(pool.run(task, data(pick(1e6)), { timeout: 1 + pick(30) }));
    const control = new AbortController();
    setTimeout(() => control.abort(), pick(30));
    settle(pool.run(task, data(pick(1e6)), { signal: control.signal }));
  };
  while (killed < kills) {
    for (let burst = 0; burst < 8; burst++) submit();
    await sleep(pick(12));
    if (pick(30) === 0 || (graves.length === 0 && killed >= kills / 2)) {
      // One that would go on for ever, so that each destroy finds something to end.
      settle(pool.run(() => new Promise(() => {})));
      graves.push(pool.destroy());
      pool = await newPool();
    }
    await until(() => pool.stats().ending < 30, { what: 'killed threads end', timeout: 60_000 });
  }
  await within(60_000, Promise.all(all), 'every promise settles');
  assertEqual([...ends.keys()].filter((how) => !ENDS.includes(how)), [], 'no task ended in another way');
  if (kills >= 100) for (const how of ENDS) assert(ends.has(how), `${how} is among the ends: ${JSON.stringify([...ends])}`);
  assertEqual([...ends.values()].reduce((sum, n) => sum + n), all.length);
  await until(() => JSON.stringify(standing(pool)) === JSON.stringify(start), { what: `stats() as at the start; last ${JSON.stringify(pool.stats())}`, timeout: 60_000 });
  assertEqual(await pool.run((x) => x, 'usable'), 'usable');
  graves.push(pool.destroy());
  await within(60_000, Promise.all(graves), 'every worker dies');
  assertEqual(standing(pool), { pending: 0, queued: 0, running: 0, ending: 0, workers: [] });
}

test('a storm of kills leaves the heap as it was but for what the tasks held', async () => {
  const heap = await createHeap();
  const blow = (kills, seed) => storm({ wild: loners, mild: patient, data: (seed) => ({ seed, mark: MARK }), kills, seed });
  // What is made once and stays is made by a first, small one.
  await blow(20, 1);
  const held = () => heap.allocs().filter(({ size }) => size % 16 === MARK && size < 10_000);
  for (const { ptr } of held()) heap.free(ptr);
  const before = heap.stats();
  const kills = Math.ceil(KILLS / 2);
  await blow(kills, 20261121);
  heap.check();
  const left = held();
  assert(left.length <= kills, `${left.length} blocks were left by ${kills} tasks`);
  for (const { ptr } of left) heap.free(ptr);
  const after = heap.stats();
  assertEqual([after.blocks, after.bytesInUse], [before.blocks, before.bytesInUse]);
  const fresh = createPool(2);
  const ptrs = await Promise.all(Array.from({ length: 100 }, (_, n) => fresh.run((size, { heap }) => heap.alloc(size).ptr, n * 50 + 1)));
  for (const ptr of ptrs) heap.free(ptr);
  await fresh.destroy();
  heap.check();
}, limited);

test('a storm of kills leaves a shared queue and files whole', async () => {
  const queue = createQueue({ capacity: 64 });
  await fs.promises.mkdir('/storm');
  for (let n = 0; n < FILES; n++) await fs.promises.writeFile(`/storm/${n}`, 'A'.repeat(VERSION));
  const data = (seed) => ({ seed, queue, files: FILES, version: VERSION });
  await storm({ wild: [pushing], mild: sharers, data, kills: Math.ceil(KILLS / 2), seed: 4 });
  (await createHeap()).check();
  for (let item; (item = queue.pop()) !== undefined; ) assertEqual(item.text, String(item.n).repeat(item.times), 'an item is whole');
  for (let n = 0; n < 200; n++) assert(queue.push({ n }) && queue.pop()?.n === n, `the queue is usable: item ${n}`);
  assertEqual(await fs.check(), []);
  for (let n = 0; n < FILES; n++) {
    const text = await fs.promises.readFile(`/storm/${n}`, 'utf8');
    assertEqual([text.length, text === (text[0] ?? '').repeat(VERSION)], [VERSION, true], `file ${n} is one version`);
  }
  await fs.promises.rm('/storm', { recursive: true });
}, limited);

test('a writer that is killed between its write and its rename leaves both files as they were', async () => {
  await fs.promises.mkdir('/halfway');
  await fs.promises.writeFile('/halfway/file', 'old');
  const pool = createPool(1);
  const control = new AbortController();
  const writer = pool.run((_, { fs, progress }) => {
    fs.writeFileSync('/halfway/fresh', 'new');
    progress('written');
    for (;;);
  }, undefined, { signal: control.signal, onProgress: () => control.abort() });
  assertEqual(await writer.catch((error) => error.name), 'AbortError');
  assertEqual(await pool.run((_, { fs }) => fs.readdirSync('/halfway').sort()), ['file', 'fresh']);
  assertEqual(await Promise.all(['file', 'fresh'].map((name) => fs.promises.readFile(`/halfway/${name}`, 'utf8'))), ['old', 'new']);
  assertEqual(await fs.check(), []);
  await fs.promises.rm('/halfway', { recursive: true });
  await pool.destroy();
}, { shared: true, timeout: 60_000, reason: 'files without the event loop need shared memory' });
