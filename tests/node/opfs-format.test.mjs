// Containers of every format open, are migrated, and are refused where they are newer or damaged: over files that are bytes in memory.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { build } from 'esbuild';
import { records } from '../fixtures/fs/records.mjs';

const { outputFiles } = await build({ entryPoints: [new URL('../../js/src/fs/opfs.ts', import.meta.url).pathname], bundle: true, format: 'esm', platform: 'browser', write: false });
const { openOpfs } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);

/** A sync access handle over bytes; `room` for so many. */
class Bytes {
  constructor(bytes = Buffer.alloc(0), room = Infinity) {
    this.bytes = Buffer.from(bytes);
    this.room = room;
  }
  read(into, { at }) {
    const piece = this.bytes.subarray(at, at + into.length);
    into.set(piece);
    return piece.length;
  }
  write(from, { at }) {
    if (at + from.length > this.room) throw new DOMException('full', 'QuotaExceededError');
    if (this.bytes.length < at + from.length) this.truncate(at + from.length);
    this.bytes.set(from, at);
    return from.length;
  }
  truncate(size) {
    this.bytes = Buffer.concat([this.bytes.subarray(0, size), Buffer.alloc(Math.max(0, size - this.bytes.length))]);
  }
  getSize() {
    return this.bytes.length;
  }
  flush() {}
  close() {}
}

/** Opens a store over the files `a` and `b`. */
function open(a, b) {
  const files = { 'x.a': a, 'x.b': b };
  const folder = { getFileHandle: async (name) => ({ createSyncAccessHandle: async () => files[name] }) };
  const storage = { getDirectory: async () => ({ getDirectoryHandle: async () => folder }) };
  Object.defineProperty(globalThis, 'navigator', { value: { storage }, configurable: true });
  return openOpfs('x', 'relaxed');
}

const fixture = (format) => readFileSync(new URL(`../fixtures/fs/opfs-${format}.bin`, import.meta.url));
const beginning = ({ bytes }) => bytes.subarray(0, 4).toString();
const key = (text) => new Uint8Array(Buffer.from(text));

async function holdsAll(store) {
  const all = records();
  const values = await store.load(all.map(({ key }) => new Uint8Array(key)));
  all.forEach(({ key, value }, at) => assert.deepEqual(Buffer.from(values[at] ?? []), value, `record ${key.toString('hex')}`));
  assert.deepEqual(await store.load([key('done'), key('dtwo')]), [undefined, undefined]);
}

for (const format of [1, 2]) {
  test(`a container of format ${format} has all its records, not its torn end, and takes new ones`, async () => {
    const [a, b] = [new Bytes(fixture(format)), new Bytes()];
    const store = await open(a, b);
    await holdsAll(store);
    await store.commit([{ key: key('dnew'), value: key('new') }]);
    store.close();
    assert.deepEqual(format === 1 ? [a.getSize(), beginning(b)] : [beginning(a), b.getSize()], format === 1 ? [0, 'ISO2'] : ['ISO2', 0]);
    const again = await open(a, b);
    await holdsAll(again);
    assert.equal(Buffer.from((await again.load([key('dnew')]))[0]).toString(), 'new');
  });
}

test('a container that cannot be migrated for want of room stays as it is', async () => {
  const [a, b] = [new Bytes(fixture(1)), new Bytes(undefined, 1000)];
  await assert.rejects(open(a, b), { code: 'ENOSPC', message: /x has format 1, and there is no room/ });
  await holdsAll(await open(a, new Bytes()));
});

test('a newer container, or a damaged one, is refused and left alone', async () => {
  const newer = fixture(2);
  newer[3] = '3'.charCodeAt(0);
  const damaged = fixture(2);
  damaged[5] ^= 1;
  for (const [bytes, expected] of [
    [newer, { code: 'ENOTSUP', message: /x has format 3, this version knows up to 2/ }],
    [damaged, { code: 'EIO', message: /x is damaged/ }],
  ]) {
    const [a, b] = [new Bytes(bytes), new Bytes()];
    await assert.rejects(open(a, b), expected);
    assert.deepEqual([a.bytes, b.getSize()], [bytes, 0]);
  }
});

test('a file that was given up in the middle of being written anew does not count', async () => {
  const half = fixture(2);
  half.fill(0, 0, 12);
  await holdsAll(await open(new Bytes(fixture(2)), new Bytes(half)));
});
