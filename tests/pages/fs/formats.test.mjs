// Databases that earlier versions wrote open here; one that a later version wrote is refused, by name, and left as it is.
// modes: isolated bare
import { assert, assertEqual, assertRejects, test } from '/tests/pages/lib/test.mjs';
import fs from 'isolith/fs';

/** The newest format there is a fixture of. */
const NEWEST = 2;

/** Records of a fixture: what `tests/native/fs_format.rs` says. */
async function recordsOf(format) {
  const bytes = new Uint8Array(await (await fetch(`/tests/fixtures/fs/format-${format}.bin`)).arrayBuffer());
  const view = new DataView(bytes.buffer);
  let at = 0;
  const part = () => {
    const length = view.getUint32(at, true);
    at += 4 + length;
    return bytes.slice(at - length, at).buffer;
  };
  const records = [];
  while (at < bytes.length) records.push([part(), part()]);
  return records;
}

/** A database as this package lays it out, with these records. */
async function database(name, records) {
  const db = await new Promise((done, failed) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore('records');
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
  const tx = db.transaction('records', 'readwrite');
  for (const [key, value] of records) tx.objectStore('records').put(value, key);
  await new Promise((done, failed) => Object.assign(tx, { oncomplete: done, onabort: () => failed(tx.error) }));
  return db;
}

const get = (db, key) => new Promise((done, failed) => {
  const request = db.transaction('records').objectStore('records').get(key);
  request.onsuccess = () => done(request.result && [...new Uint8Array(request.result)]);
  request.onerror = () => failed(request.error);
});

const SUPER = new Uint8Array([0x53]);

async function mountPoint(name) {
  await fs.mkdir(`/formats/${name}`, { recursive: true });
  return `/formats/${name}`;
}

test('stores of every format open, and are migrated by the first change', async () => {
  for (let format = 1; format <= NEWEST; format++) {
    const db = await database(`old-${format}`, await recordsOf(format));
    const dir = await mountPoint(`old-${format}`);
    await fs.mount(dir, { name: `old-${format}` });
    assertEqual((await fs.readdir(`${dir}/dir`)).length, 203);
    assertEqual((await fs.readFile(`${dir}/dir/below/same`)).length, 900, 'a hard link');
    assertEqual(await fs.readlink(`${dir}/dir/link`), '../large');
    const large = await fs.readFile(`${dir}/dir/link`);
    assertEqual([large.length, new TextDecoder().decode(large.slice(256 * 1024 + 30_000))], [256 * 1024 + 30_013, 'after the cut']);
    assert(await fs.exists(`${dir}/dir/below/renamed \u{fc}`));
    const { uid, gid } = await fs.stat(`${dir}/dir/small`);
    assertEqual([uid, gid], format >= 2 ? [33, 44] : [0, 0]);
    assertEqual(await get(db, SUPER), [format], 'reading changes nothing');
    await fs.chown(`${dir}/dir/small`, 1, 2);
    assertEqual(await get(db, SUPER), [NEWEST]);
    await fs.unmount(dir);
    await fs.mount(dir, { name: `old-${format}` });
    assertEqual((await fs.stat(`${dir}/dir/small`)).uid, 1);
    assertEqual(await fs.check(), []);
    await fs.unmount(dir);
    db.close();
  }
}, { timeout: 60_000 });

test('a newer format is refused and left alone', async () => {
  const records = await recordsOf(1);
  const newer = records.map(([key, value]) => [key, new Uint8Array(key)[0] === SUPER[0] ? Uint8Array.of(NEWEST + 1).buffer : value]);
  const db = await database('newer', newer);
  const dir = await mountPoint('newer');
  await assertRejects(fs.mount(dir, { name: 'newer' }), { code: 'ENOTSUP', message: /format 3, this version knows up to 2/ });
  assertEqual(await get(db, SUPER), [NEWEST + 1]);
  assertEqual(await fs.readdir(dir), []);
  db.close();
});

const noOpfs = { only: ['chromium', 'firefox'], shared: true, reason: 'the files open in workers only, and WebKitGTK has no navigator.storage', timeout: 60_000 };

/** The two files of a container. */
async function halves(name) {
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('isolith', { create: true });
  return Promise.all(['a', 'b'].map((half) => folder.getFileHandle(`${name}.${half}`, { create: true })));
}

const contents = async (handle) => new Uint8Array(await (await handle.getFile()).arrayBuffer());

async function put(handle, bytes) {
  const stream = await handle.createWritable();
  await stream.write(bytes);
  await stream.close();
}

/** What a container of this format looked like; `tests/fixtures/fs/containers.mjs` has written them. */
const containerOf = async (format) => new Uint8Array(await (await fetch(`/tests/fixtures/fs/opfs-${format}.bin`)).arrayBuffer());
const beginning = (bytes) => new TextDecoder().decode(bytes.subarray(0, 4));

test('containers of every format open, a torn end is cut off, and the present format is written', async () => {
  for (const format of [1, 2]) {
    const name = `container-${format}`;
    const files = await halves(name);
    await put(files[0], await containerOf(format));
    const dir = await mountPoint(name);
    for (const change of ['first', 'second']) {
      await fs.mount(dir, { store: 'opfs', name });
      assertEqual((await fs.readdir(`${dir}/dir`)).length, 203);
      assertEqual((await fs.readFile(`${dir}/dir/below/same`)).length, 900);
      assertEqual((await fs.readFile(`${dir}/large`)).length, 256 * 1024 + 30_013);
      assertEqual(await fs.exists(`${dir}/second`), false);
      await fs.writeFile(`${dir}/${change}`, change);
      assertEqual(await fs.readFile(`${dir}/first`, 'utf8'), 'first');
      assertEqual(await fs.check(), []);
      await fs.unmount(dir);
    }
    const [a, b] = await Promise.all(files.map(contents));
    // One that was migrated is in the other file now; the old one is emptied.
    assertEqual(format === 1 ? [a.length, beginning(b)] : [beginning(a), b.length], format === 1 ? [0, 'ISO2'] : ['ISO2', 0]);
  }
}, noOpfs);

test('a container of a newer format, or a damaged one, is refused and left alone', async () => {
  const newer = await containerOf(2);
  newer[3] = '3'.charCodeAt(0);
  const damaged = await containerOf(2);
  damaged[5] ^= 1;
  for (const [name, bytes, expected] of [
    ['newer-container', newer, { code: 'ENOTSUP', message: /newer-container has format 3, this version knows up to 2/ }],
    ['damaged-container', damaged, { code: 'EIO', message: /damaged-container is damaged/ }],
  ]) {
    const [file] = await halves(name);
    await put(file, bytes);
    const dir = await mountPoint(name);
    await assertRejects(fs.mount(dir, { store: 'opfs', name }), expected);
    assertEqual(await contents(file), bytes);
  }
}, noOpfs);
