// Workers have the whole filesystem, not only its blocking half; and what a dead worker had open is closed.
// modes: isolated
import { assert, assertEqual, assertRejects, test, until } from '/tests/pages/lib/test.mjs';
import { createPool } from 'isolith';
import fs from 'isolith/fs';

const shared = { shared: true, reason: 'workers share the filesystem only where they share memory' };

async function fresh(name) {
  await fs.rm(`/w-${name}`, { recursive: true, force: true });
  await fs.mkdir(`/w-${name}`);
  return `/w-${name}`;
}

async function inWorker(task, data) {
  const pool = createPool(1);
  try {
    return await pool.run(task, data);
  } finally {
    await pool.destroy();
  }
}

test('a worker mounts and unmounts, and the page sees it', async () => {
  const dir = await fresh('mount');
  const pool = createPool(1);
  await pool.run(async (dir) => {
    await fs.mount(dir, { store: 'memory' });
    fs.writeFileSync(`${dir}/f`, 'mounted by a worker');
  }, dir);
  assertEqual(await fs.readFile(`${dir}/f`, 'utf8'), 'mounted by a worker');
  await assertRejects(pool.run((dir) => fs.mount(dir, { store: 'memory' }), dir), { code: 'EBUSY' });
  await assertRejects(pool.run(() => fs.mount('/w-nowhere', { store: 'memory' })), { code: 'ENOENT' });
  await pool.run((dir) => fs.unmount(dir), dir);
  assertEqual(await fs.readdir(dir), []);
  await pool.run(async (dir) => {
    await fs.mount(dir, { store: 'bundle', files: { 'a/b': 'from a bundle' } });
  }, dir);
  assertEqual(await fs.readFile(`${dir}/a/b`, 'utf8'), 'from a bundle');
  await fs.unmount(dir);
  await pool.destroy();
}, shared);

test('what takes turns of the event loop works there, too', async () => {
  const dir = await fresh('promises');
  const answers = await inWorker(async (dir) => {
    const answers = [];
    await fs.promises.writeFile(`${dir}/f`, 'one\ntwo\n');
    const handle = await fs.promises.open(`${dir}/f`, 'r+');
    const lines = [];
    for await (const line of handle.readLines()) lines.push(line);
    answers.push(lines);
    await handle.write('ONE', 0);
    await handle.sync();
    await handle.close();
    const out = (await fs.createWritable(`${dir}/out`)).getWriter();
    await out.write('in ');
    await out.write('pieces');
    await out.close();
    answers.push(await new Response(await fs.createReadable(`${dir}/out`, { start: 3 })).text());
    await fs.cp(dir, `${dir}-copy`, { recursive: true, filter: async (from) => !from.endsWith('out') });
    answers.push(await fs.readdir(`${dir}-copy`), await fs.readFile(`${dir}-copy/f`, 'utf8'));
    const mapped = await fs.map(`${dir}/f`);
    answers.push(String.fromCharCode(...mapped.memory.slice(0, 3)));
    await mapped.unmap();
    const names = [];
    for await (const entry of await fs.opendir(dir)) names.push(entry.name);
    answers.push(names, await fs.check(), (await fs.usage()).files > 3);
    await fs.sync();
    return answers;
  }, dir);
  await fs.rm(`${dir}-copy`, { recursive: true });
  assertEqual(answers, [['one', 'two'], 'pieces', ['f'], 'ONE\ntwo\n', 'ONE', ['f', 'out'], [], true]);
}, shared);

test('a worker watches what the page does', async () => {
  const dir = await fresh('watch');
  const pool = createPool(1);
  let ready;
  const begun = new Promise((done) => (ready = done));
  const seen = pool.run(async (dir, { progress }) => {
    const stop = new AbortController();
    const seen = [];
    const watching = (async () => {
      for await (const { eventType, filename } of fs.watch(dir, { signal: stop.signal })) {
        seen.push(`${eventType} ${filename}`);
        if (filename === 'last') stop.abort();
      }
    })().catch((error) => error.name);
    progress('watching');
    await watching;
    return seen;
  }, dir, { onProgress: ready });
  await begun;
  await fs.writeFile(`${dir}/first`, '1');
  await fs.rename(`${dir}/first`, `${dir}/last`);
  assertEqual(await seen, ['rename first', 'change first', 'rename first', 'rename last']);
  await pool.destroy();
}, shared);

test('the page watches what a worker does, also where nothing is committed', async () => {
  const dir = await fresh('watched');
  await fs.mount(dir, { store: 'memory' });
  const first = (async () => {
    for await (const event of fs.watch(dir)) return event;
    return undefined;
  })();
  await inWorker((dir) => fs.sync.writeFileSync(`${dir}/f`, 'x'), dir);
  assertEqual(await first, { eventType: 'rename', filename: 'f' });
  await fs.unmount(dir);
}, shared);

test('files that a killed worker had open are closed', async () => {
  const dir = await fresh('killed');
  await fs.mount(dir, { store: 'memory' });
  await fs.writeFile(`${dir}/open`, 'x');
  await fs.writeFile(`${dir}/mapped`, 'x');
  await fs.writeFile(`${dir}/deleted`, new Uint8Array(100_000));
  const pool = createPool(1);
  let ready;
  const begun = new Promise((done) => (ready = done));
  const stuck = pool.run(async (dir, { progress }) => {
    fs.openSync(`${dir}/open`, 'r+');
    fs.openSync(`${dir}/deleted`, 'r+');
    fs.unlinkSync(`${dir}/deleted`);
    await fs.map(`${dir}/mapped`);
    progress('open');
    await new Promise((done) => setTimeout(done, 10));
    for (;;);
  }, dir, { onProgress: ready });
  await begun;
  await assertRejects(fs.unmount(dir), { code: 'EBUSY' });
  const before = (await fs.statfs(dir)).files;
  const failed = assertRejects(stuck, { code: 'ERR_POOL_DESTROYED' });
  await pool.destroy();
  await failed;
  assertEqual((await fs.statfs(dir)).files, before - 1, 'the file without a name went with its last handle');
  await fs.unmount(dir);
  assertEqual(await fs.check(), []);
}, { ...shared, timeout: 30_000 });

test('a watcher goes with its worker', async () => {
  const { Door } = await import('/pkg/dist/fs/exports.js');
  const { getKernel } = await import('/pkg/dist/runtime.js');
  const watchers = () => Atomics.load(Door.of(getKernel()).words, 10);
  const dir = await fresh('gone');
  await until(() => watchers() === 0, { what: 'no watchers' });
  const pool = createPool(1);
  const stuck = pool.run(async (dir) => {
    for await (const event of fs.watch(dir)) void event;
  }, dir);
  await until(() => watchers() === 1, { what: 'the watcher' });
  const failed = assertRejects(stuck, { code: 'ERR_POOL_DESTROYED' });
  await pool.destroy();
  await failed;
  assertEqual(watchers(), 0);
  assert(await fs.exists(dir));
}, { ...shared, timeout: 30_000 });

test('the page commits by itself again once no worker that uses files is left', async () => {
  const dir = await fresh('alone');
  const { transaction } = IDBDatabase.prototype;
  let own = 0;
  IDBDatabase.prototype.transaction = function (stores, mode, options) {
    if (mode === 'readwrite') own++;
    return transaction.call(this, stores, mode, options);
  };
  const commits = async () => {
    const before = own;
    await fs.writeFile(`${dir}/f`, 'x');
    return own - before;
  };
  try {
    // Not at once: it opens a connection of its own first, and workers of other tests are certainly dead a little later.
    await until(commits, { timeout: 30_000, what: 'the page to commit by itself' });
    const [pool, other] = [createPool(1), createPool(1)];
    for (const one of [pool, other]) await one.run((dir) => fs.writeFileSync(`${dir}/w`, 'x'), dir);
    assertEqual(await commits(), 0);
    const killing = new AbortController();
    const stuck = pool.run((dir) => {
      fs.writeFileSync(`${dir}/stuck`, 'x');
      for (;;);
    }, dir, { signal: killing.signal });
    const killed = assertRejects(stuck);
    await until(() => fs.exists(`${dir}/stuck`));
    killing.abort();
    await killed;
    await pool.destroy();
    assertEqual(await commits(), 0, 'one worker still uses files');
    await other.destroy();
    await until(commits, { timeout: 30_000, what: 'the page to commit by itself again' });
  } finally {
    IDBDatabase.prototype.transaction = transaction;
  }
}, { ...shared, timeout: 90_000 });

test('a worker that is killed just before it calls the store thread leaves that callable', async () => {
  const { Door } = await import('/pkg/dist/fs/exports.js');
  const { getKernel } = await import('/pkg/dist/runtime.js');
  const { words } = Door.of(getKernel());
  const dir = await fresh('mute');
  const [mute, other] = [createPool(1), createPool(1)];
  let isLost = false;
  // An answer of the browser's may wake the store thread, too: then the next round may show it.
  for (let round = 0; round < 5 && !isLost; round++) {
    for (const one of [mute, other]) await one.run((dir) => fs.writeFileSync(`${dir}/warm`, 'x'), dir);
    await fs.sync();
    let since = performance.now();
    await until(() => {
      if (Atomics.load(words, 2) !== 1) since = performance.now();
      return performance.now() - since > 300;
    }, { what: 'the store thread to sleep' });
    isLost = await mute.run((dir) => {
      const { postMessage } = BroadcastChannel.prototype;
      BroadcastChannel.prototype.postMessage = () => {};
      fs.writeFileSync(`${dir}/unheard`, 'x');
      BroadcastChannel.prototype.postMessage = postMessage;
      return false;
    }, dir, { timeout: 1000 }).catch(({ code }) => code === 'ETIMEDOUT');
  }
  await other.run((dir) => fs.writeFileSync(`${dir}/heard`, 'x'), dir);
  assertEqual(await fs.readFile(`${dir}/heard`, 'utf8'), 'x');
  await Promise.all([mute.destroy(), other.destroy()]);
}, { ...shared, timeout: 30_000 });
