// What Node.js does on a real disk is what we do: the same sequences of operations, on every store, awaited and blocking.
// modes: isolated
import { assert, assertEqual, test } from '/tests/pages/lib/test.mjs';
import { createPool } from 'isolith';
import fs from 'isolith/fs';
import { play, sequence } from './conform/play.mjs';

const LENGTH = 60;
/** Sequences per store and way; hundreds were played once, these stay. */
const ROUNDS = 12;
const PLAY = new URL('./conform/play.mjs', import.meta.url).href;

async function oracle(query) {
  const response = await fetch(`/made/tests/pages/fs/conform/oracle?${new URLSearchParams(query)}`);
  if (!response.ok) throw new Error(`the oracle: ${await response.text()}`);
  return response.json();
}

let roots = 0;

/** Plays `operations` in a fresh directory of `store`. */
async function ours(store, operations, pool) {
  const root = `${store}/${++roots}/around/root`;
  await fs.mkdir(root, { recursive: true, mode: 0o755 });
  const outcomes = pool
    ? await pool.run(async ({ url, root, operations }) => (await import(url)).play(globalThis.fs.sync, root, operations, { sync: true }), { url: PLAY, root, operations })
    : await play(fs.promises, root, operations);
  assertEqual(await fs.check(), []);
  return outcomes;
}

const firstDifference = (a, b) => a.findIndex((one, at) => JSON.stringify(one) !== JSON.stringify(b[at]));

/** The fewest operations that still come out differently, for a message that says what is wrong. */
async function shrunk(operations, differs) {
  for (let size = operations.length >> 1; size >= 1; size >>= 1) {
    for (let from = 0; from < operations.length; ) {
      const fewer = operations.toSpliced(from, size);
      if (await differs(fewer)) operations = fewer;
      else from += size;
    }
  }
  return operations;
}

async function conform(store, pool) {
  const sync = pool ? { sync: '1' } : {};
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const operations = sequence(seed, LENGTH);
    const expected = await oracle({ seed, length: LENGTH, ...sync });
    const found = await ours(store, operations, pool);
    const at = firstDifference(expected, found);
    if (at < 0) continue;
    const fewest = await shrunk(operations.slice(0, at + 1), async (some) =>
      firstDifference(await oracle({ operations: JSON.stringify(some), ...sync }), await ours(store, some, pool)) >= 0);
    const [theirs, mine] = [await oracle({ operations: JSON.stringify(fewest), ...sync }), await ours(store, fewest, pool)];
    const where = firstDifference(theirs, mine);
    const text = fewest.map((one, n) => `${n === where ? '> ' : '  '}${JSON.stringify(one)}`).join('\n');
    assert(false, `seed ${seed}:\n${text}\nNode.js: ${JSON.stringify(theirs[where])}\nhere:    ${JSON.stringify(mine[where])}`);
  }
}

async function mounted(store) {
  const dir = `/conform-${store}`;
  await fs.rm(dir, { recursive: true, force: true });
  await fs.mkdir(dir);
  if (store !== 'idb') await fs.mount(dir, { store, name: 'conform' });
  return dir;
}

const noOpfs = { only: ['chromium', 'firefox'], reason: 'WebKitGTK has no navigator.storage' };
const timeout = 120_000;

for (const store of ['idb', 'memory', 'opfs']) {
  const where = store === 'opfs' ? noOpfs : {};
  const unlessShared = { shared: true, reason: 'workers share the filesystem, and opfs is to be had, only where memory is shared' };

  test(`${store}, awaited on the page`, async () => {
    await conform(await mounted(store), undefined);
  }, { timeout, ...where, ...(store === 'opfs' ? unlessShared : {}) });

  test(`${store}, blocking in a worker`, async () => {
    const pool = createPool(1);
    await conform(`/conform-${store}`, pool);
    await pool.destroy();
  }, { timeout, ...where, ...unlessShared });
}
