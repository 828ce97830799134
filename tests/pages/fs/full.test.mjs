// A full store refuses what does not fit, says how full it is, and goes on with everything else; a deleted one says so.
// modes: credentialless
// browsers: chromium — only its DevTools protocol can set a quota
import { assert, assertEqual, assertRejects, setQuota, test } from '/tests/pages/lib/test.mjs';
import fs from 'isolith/fs';

const MIB = 2 ** 20;
/** What one write brings: one of them fits, two do not. */
const PART = 8 * MIB;

/** Random bytes: what can be compressed might fit after all. */
function noise(bytes) {
  const all = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(all.subarray(at, Math.min(bytes, at + 65_536)));
  return all;
}

async function full(dir, prepare) {
  const old = noise(300_000);
  const { usage } = await navigator.storage.estimate();
  // Before anything is written: Chromium remembers for half a minute how much room there was.
  await setQuota(usage + 12 * MIB);
  try {
    await prepare(dir);
    await fs.writeFile(`${dir}/kept`, old);
    const { code, message } = await assertRejects(fs.writeFile(`${dir}/large`, noise(64 * MIB)));
    assertEqual(code, 'ENOSPC');
    assert(/\d+ bytes used, \d+ available/.test(message), message);
    assert(!(await fs.exists(`${dir}/large`)), 'no half of it is there');
    assertEqual((await assertRejects(fs.writeFile(`${dir}/kept`, noise(64 * MIB)))).code, 'ENOSPC');
    assertEqual(await fs.readFile(`${dir}/kept`), old);
    for (const end of ['sync', 'close']) {
      const file = await fs.open(`${dir}/kept`, 'r+');
      const written = noise(4 * PART);
      for (let at = 0; at < written.length; at += PART) await file.write(written, at, PART, at);
      assertEqual((await assertRejects(file[end]())).code, 'ENOSPC');
      // A write that was committed before the others came stays: it fits.
      const left = await fs.readFile(`${dir}/kept`);
      if (left.length === PART) assertEqual(left, written.subarray(0, PART));
      else assertEqual(left, old);
      await file.close().catch(() => {});
      await fs.writeFile(`${dir}/kept`, old);
    }
    await fs.writeFile(`${dir}/small`, 'fits');
    await fs.rename(`${dir}/small`, `${dir}/moved`);
    assertEqual(await fs.readFile(`${dir}/moved`, 'utf8'), 'fits');
    assertEqual(await fs.check(), []);
  } finally {
    await setQuota(undefined);
  }
  const large = noise(20 * MIB);
  await fs.writeFile(`${dir}/large`, large);
  assertEqual((await fs.stat(`${dir}/large`)).size, large.length);
  await fs.rm(`${dir}/large`);
}

test('IndexedDB is full', async () => {
  await full('/full', (dir) => fs.mkdir(dir));
}, { timeout: 60_000 });

test('a container is full', async () => {
  await full('/full-opfs', async (dir) => {
    await fs.mkdir(dir);
    await fs.mount(dir, { store: 'opfs', name: 'full' });
  });
  await fs.unmount('/full-opfs');
}, { timeout: 60_000 });

test('a database that somebody deletes is not made anew under the tree', async () => {
  await fs.mkdir('/gone', { recursive: true });
  await fs.mount('/gone', { name: 'gone' });
  await fs.writeFile('/gone/file', 'x');
  const deleted = await new Promise((done) => {
    const request = indexedDB.deleteDatabase('gone');
    request.onsuccess = () => done('deleted');
    request.onblocked = () => done('blocked');
    request.onerror = () => done('failed');
  });
  assertEqual(deleted, 'deleted');
  const error = await assertRejects(fs.writeFile('/gone/other', 'y'));
  assert(/deleted/.test(error.message), error.message);
  assertEqual((await indexedDB.databases()).filter(({ name }) => name === 'gone'), []);
  await fs.writeFile('/elsewhere', 'goes on');
});
