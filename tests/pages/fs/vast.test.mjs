// Files larger than memory is given: pages go when the budget is used up, dirty ones are written first, holes take no room.
// modes: isolated
import { assert, assertEqual, test } from '/tests/pages/lib/test.mjs';
import fs from 'isolith/fs';

const MIB = 2 ** 20;
const BUDGET = 8 * MIB;
fs.configure({ cacheBytes: BUDGET });

const piece = (at) => new Uint8Array(MIB).fill((at * 7 + 1) & 0xff);

test('a file of six times the cache is written and read', async () => {
  const file = await fs.open('/vast', 'w+');
  for (let at = 0; at < 48; at++) {
    await file.write(piece(at), 0, MIB, at * MIB);
    assert((await fs.usage()).cached <= BUDGET, 'the cache keeps to its budget while writing');
  }
  await file.sync();
  const bytes = new Uint8Array(MIB);
  for (let at = 47; at >= 0; at -= 3) {
    assertEqual((await file.read(bytes, 0, MIB, at * MIB)).bytesRead, MIB);
    assert(bytes.every((byte) => byte === ((at * 7 + 1) & 0xff)), `MiB ${at} is as written`);
    assert((await fs.usage()).cached <= BUDGET, 'the cache keeps to its budget while reading');
  }
  await file.close();
  assertEqual(await fs.check(), []);
  await fs.rm('/vast');
}, { timeout: 60_000 });

test('a sparse file of 5 GiB has bytes at both ends and zeros between', async () => {
  const size = 5 * 2 ** 30;
  const file = await fs.open('/sparse', 'w+');
  await file.write('begin', 0);
  await file.write('end', size - 3);
  await file.write('middle', 4 * 2 ** 30 - 3);
  await file.sync();
  assertEqual((await file.stat()).size, size);
  const read = async (position, length) => {
    const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, position);
    return String.fromCharCode(...buffer.subarray(0, bytesRead));
  };
  assertEqual(await read(0, 6), 'begin\0');
  assertEqual(await read(4 * 2 ** 30 - 4, 8), '\0middle\0');
  assertEqual(await read(size - 4, 100), '\0end');
  assertEqual(await read(3 * 2 ** 30, 4), '\0\0\0\0');
  await file.truncate(4 * 2 ** 30);
  assertEqual(await read(4 * 2 ** 30 - 3, 10), 'mid');
  await file.close();
  assert((await fs.usage()).cached <= BUDGET, 'holes take no room');
  await fs.rm('/sparse');
  assertEqual(await fs.check(), []);
}, { timeout: 60_000 });
