// Whatever way a change is made: once its promise has resolved, or its call has returned, it outlives the browser.
// modes: isolated
import { assert, assertEqual, crash, testAcrossCrashes } from '/tests/pages/lib/test.mjs';
import { createPool, writeText } from 'isolith';
import fs from 'isolith/fs';

/** Takes the store at `dir` into use: the opfs store is mounted. */
async function opened(dir) {
  await fs.mkdir(dir, { recursive: true });
  if (dir === '/durable-opfs') await fs.mount(dir, { store: 'opfs', name: 'durable' });
}

/** Tells whether the store of `dir` has nothing left to commit, without asking anybody. */
async function witness(dir) {
  const { Door } = await import('/pkg/dist/fs/exports.js');
  const { getKernel } = await import('/pkg/dist/runtime.js');
  const store = (await fs.stat(dir)).dev - 1;
  return () => Door.of(getKernel()).exports.isolith_fs_clean(store) === 0;
}

const text = (name) => (dir) => fs.readFile(`${dir}/${name}`, 'utf8');

/** Each way to change something: how, what is asked afterwards, and what must come of it. */
const WAYS = {
  writeFile: [(dir) => fs.writeFile(`${dir}/written`, 'written'), text('written'), 'written'],
  'writeFile, replacing': [(dir) => fs.writeFile(`${dir}/old-written`, 'new'), text('old-written'), 'new'],
  'writeFile with a callback': [(dir) => new Promise((done, failed) => fs.writeFile(`${dir}/called`, 'called back', (error) => (error ? failed(error) : done()))), text('called'), 'called back'],
  writeText: [(dir) => writeText(`${dir}/made/on/the/way`, 'one line'), text('made/on/the/way'), 'one line'],
  appendFile: [(dir) => fs.appendFile(`${dir}/old-appended`, ' and new'), text('old-appended'), 'old and new'],
  'write, then sync': [async (dir) => {
    const handle = await fs.open(`${dir}/old-synced`, 'r+');
    await handle.write('NEW', 1);
    await handle.sync();
  }, text('old-synced'), 'oNEW'],
  'write, then close': [async (dir) => {
    const handle = await fs.open(`${dir}/closed`, 'w');
    await handle.write('closed');
    await handle.close();
  }, text('closed'), 'closed'],
  'flush: false, then sync': [async (dir) => {
    await fs.writeFile(`${dir}/later`, 'later', { flush: false });
    await fs.sync();
  }, text('later'), 'later'],
  rename: [(dir) => fs.rename(`${dir}/old-renamed`, `${dir}/renamed`), (dir) => Promise.all([text('renamed')(dir), fs.exists(`${dir}/old-renamed`)]), ['old', false]],
  'rename over another': [(dir) => fs.rename(`${dir}/old-over`, `${dir}/old-under`), text('old-under'), 'old over'],
  mkdir: [(dir) => fs.mkdir(`${dir}/a/b/c`, { recursive: true }), (dir) => fs.readdir(`${dir}/a/b`), ['c']],
  symlink: [(dir) => fs.symlink('old-source', `${dir}/symlink`), text('symlink'), 'old'],
  link: [(dir) => fs.link(`${dir}/old-source`, `${dir}/link`), async (dir) => (await fs.stat(`${dir}/link`)).nlink, 2],
  unlink: [(dir) => fs.unlink(`${dir}/old-unlinked`), (dir) => fs.exists(`${dir}/old-unlinked`), false],
  rm: [(dir) => fs.rm(`${dir}/old-removed`, { recursive: true }), (dir) => fs.exists(`${dir}/old-removed`), false],
  truncate: [(dir) => fs.truncate(`${dir}/old-cut`, 2), text('old-cut'), 'ol'],
  chmod: [(dir) => fs.chmod(`${dir}/old-mode`, 0o600), async (dir) => (await fs.stat(`${dir}/old-mode`)).mode & 0o777, 0o600],
  utimes: [(dir) => fs.utimes(`${dir}/old-times`, 1, 2), async (dir) => (await fs.stat(`${dir}/old-times`)).mtimeMs, 2000],
  'an extended attribute': [(dir) => fs.xattr.set(`${dir}/old-mode`, 'user.of', 'mine'), (dir) => fs.xattr.get(`${dir}/old-mode`, 'user.of', 'utf8'), 'mine'],
};

/**
 * Ways by files without a name, which go a moment later: the store has something left to commit then. The browser dies
 * right after the last of them.
 */
const DRAFT_WAYS = {
  'writeFile in pieces': [(dir) => fs.writeFile(`${dir}/pieces`, ['in ', 'pieces']), text('pieces'), 'in pieces'],
  cp: [(dir) => fs.cp(`${dir}/old-tree`, `${dir}/tree`, { recursive: true }), text('tree/deep/file'), 'old'],
  copyFile: [(dir) => fs.copyFile(`${dir}/old-source`, `${dir}/copied`), text('copied'), 'old'],
  createWritable: [async (dir) => {
    const writer = (await fs.createWritable(`${dir}/streamed`)).getWriter();
    await writer.write('streamed');
    await writer.close();
  }, text('streamed'), 'streamed'],
};

const WORKER_WAYS = {
  writeFileSync: [(dir) => globalThis.fs.writeFileSync(`${dir}/s-written`, 'written'), text('s-written'), 'written'],
  'writeSync, then closeSync': [(dir) => {
    const fd = globalThis.fs.openSync(`${dir}/s-closed`, 'w');
    globalThis.fs.writeSync(fd, 'closed');
    globalThis.fs.closeSync(fd);
  }, text('s-closed'), 'closed'],
  renameSync: [(dir) => globalThis.fs.renameSync(`${dir}/old-s-renamed`, `${dir}/s-renamed`), text('s-renamed'), 'old'],
};

async function prepare(dir) {
  const names = ['written', 'appended', 'synced', 'source', 'renamed', 'over', 'under', 'unlinked', 'removed/deep/file', 'tree/deep/file', 'cut', 'mode', 'times', 's-renamed'];
  for (const name of names) await writeText(`${dir}/old-${name}`, name === 'over' ? 'old over' : 'old');
}

for (const dir of ['/durable', '/durable-opfs']) {
  testAcrossCrashes(`every change in ${dir} is there after a crash once it has resolved`, [
    async () => {
      await opened(dir);
      await prepare(dir);
      // Later commits must not hide that somebody did not wait for his own.
      const isDurable = await witness(dir);
      for (const [name, [change]] of Object.entries(WAYS)) {
        await change(dir);
        assert(isDurable(), name);
      }
      const pool = createPool(1);
      for (const [name, [change]] of Object.entries(WORKER_WAYS)) {
        await pool.run(change, dir);
        assert(isDurable(), name);
      }
      for (const [change] of Object.values(DRAFT_WAYS)) await change(dir);
      await crash();
    },
    async () => {
      await opened(dir);
      await DRAFT_WAYS.copyFile[0](dir);
      await crash();
    },
    async () => {
      await opened(dir);
      assertEqual(await fs.check(), []);
      for (const [name, [, ask, expected]] of Object.entries({ ...WAYS, ...WORKER_WAYS, ...DRAFT_WAYS })) assertEqual([name, await ask(dir)], [name, expected]);
    },
  ], { timeout: 60_000 });
}
