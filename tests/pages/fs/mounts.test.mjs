// Stores of other kinds: files of a server read by ranges, bundles, databases of their own; and what happens without IndexedDB.
// modes: isolated bare
import { assertEqual, assertRejects, respond, test } from '/tests/pages/lib/test.mjs';
import { createPool } from 'isolith';
import fs from 'isolith/fs';

const dirOf = async (name) => {
  await fs.mkdir(`/mounts/${name}`, { recursive: true });
  return `/mounts/${name}`;
};

test('files of a server are read, and not written', async () => {
  const dir = await dirOf('http');
  const text = 'served to be read';
  await respond('/served/deep/a.txt', { status: 200, body: text });
  await fs.mount(dir, { store: 'http', url: '/served/', index: [{ path: 'deep/a.txt', size: text.length, mtime: 5000 }, { path: 'gone', size: 3 }] });
  assertEqual(await fs.readdir(dir, { recursive: true }), ['deep', 'gone', 'deep/a.txt']);
  assertEqual(await fs.readFile(`${dir}/deep/a.txt`, 'utf8'), text);
  assertEqual((await fs.stat(`${dir}/deep/a.txt`)).mtimeMs, 5000);
  await assertRejects(fs.readFile(`${dir}/gone`), { code: 'EIO', message: /gone.*404/ });
  await assertRejects(fs.writeFile(`${dir}/new`, 'x'), { code: 'EROFS' });
  await fs.unmount(dir);
  assertEqual(await fs.readdir(dir), []);
}, { pageErrors: /404/ });

test('a bundle is a tree of what was handed over', async () => {
  const dir = await dirOf('bundle');
  const large = new Uint8Array(600_000).map((_, at) => at % 249);
  await fs.mount(dir, { store: 'bundle', files: { 'a/b.txt': 'text', large } });
  assertEqual(await fs.readFile(`${dir}/a/b.txt`, 'utf8'), 'text');
  assertEqual(await fs.readFile(`${dir}/large`), large);
  await assertRejects(fs.unlink(`${dir}/large`), { code: 'EROFS' });
  await fs.unmount(dir);
});

test('a mounted database keeps its files while it is away', async () => {
  const dir = await dirOf('db');
  await fs.mount(dir, { name: 'another' });
  await fs.writeFile(`${dir}/kept`, 'still here');
  await fs.unmount(dir);
  await assertRejects(fs.readFile(`${dir}/kept`), { code: 'ENOENT' });
  await fs.mount(dir, { name: 'another' });
  assertEqual(await fs.readFile(`${dir}/kept`, 'utf8'), 'still here');
  await fs.unmount(dir);
});

test('workers read mounted files synchronously', async () => {
  const dir = await dirOf('workers');
  await fs.mount(dir, { store: 'bundle', files: { f: 'for all' } });
  const pool = createPool(1);
  assertEqual(await pool.run((dir) => globalThis.fs.sync.readFileSync(`${dir}/f`, 'utf8'), dir), 'for all');
  pool.destroy();
  await fs.unmount(dir);
}, { shared: true, reason: 'workers share the filesystem only where they share memory' });

test('what cannot be mounted says why', async () => {
  await assertRejects(fs.mount('/nowhere', { store: 'memory' }), { code: 'ENOENT' });
  await assertRejects(fs.unmount('/mounts'), { message: /nothing is mounted/ });
  const dir = await dirOf('bad');
  await assertRejects(fs.mount(dir, { store: 'http', url: '/no-index-here/' }), { message: /404/ });
  assertEqual(await fs.check(), []);
}, { pageErrors: /404/ });
