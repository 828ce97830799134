// A store in one file of the origin-private filesystem keeps what was written, and keeps its size.
// modes: isolated
import { assert, assertEqual, assertRejects, random, test } from '/tests/pages/lib/test.mjs';
import fs from 'isolith/fs';

const shared = { shared: true, only: ['chromium', 'firefox'], reason: 'the files open in workers only, and WebKitGTK has no navigator.storage' };
const mountAt = async (name) => {
  await fs.mkdir(`/opfs/${name}`, { recursive: true });
  await fs.mount(`/opfs/${name}`, { store: 'opfs', name });
  return `/opfs/${name}`;
};

test('files are there again after the store was away', async () => {
  const dir = await mountAt('again');
  const bytes = new Uint8Array(900_000).map((_, at) => at % 247);
  await fs.writeFile(`${dir}/large`, bytes);
  for (let at = 0; at < 200; at++) await fs.writeFile(`${dir}/small-${at}`, `number ${at}`);
  await fs.unmount(dir);
  await fs.mount(dir, { store: 'opfs', name: 'again' });
  assertEqual(await fs.readFile(`${dir}/large`), bytes);
  for (let at = 0; at < 200; at += 17) assertEqual(await fs.readFile(`${dir}/small-${at}`, 'utf8'), `number ${at}`);
  await fs.rm(`${dir}/large`);
  await fs.unmount(dir);
}, shared);

test('a store that is rewritten over and over does not grow without end', async () => {
  const dir = await mountAt('compact');
  const next = random(7);
  const last = new Map();
  for (let round = 0; round < 60; round++) {
    const name = `f${Math.floor(next() * 6)}`;
    const bytes = new Uint8Array(Math.floor(next() * 1_500_000)).fill(round);
    await fs.writeFile(`${dir}/${name}`, bytes);
    last.set(name, bytes);
  }
  await fs.unmount(dir);
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('isolith');
  let size = 0;
  for (const half of ['a', 'b']) size += (await (await folder.getFileHandle(`compact.${half}`)).getFile()).size;
  assert(size < 40 * 2 ** 20, `the container has ${size} bytes`);
  await fs.mount(dir, { store: 'opfs', name: 'compact' });
  for (const [name, bytes] of last) assertEqual(await fs.readFile(`${dir}/${name}`), bytes);
  assertEqual(await fs.check(), []);
  await fs.unmount(dir);
}, { ...shared, timeout: 60_000 });

test('one tab at a time has it, and others are told', async () => {
  const dir = await mountAt('alone');
  await fs.mkdir('/opfs/second', { recursive: true });
  await assertRejects(fs.mount('/opfs/second', { store: 'opfs', name: 'alone' }), { code: 'EBUSY', message: /another tab has/ });
  await fs.unmount(dir);
}, shared);
