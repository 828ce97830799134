// The heap manager by itself: growth, polling, ranges, garbage collection, text, and both generations of names.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setTimeout as sleep } from 'node:timers/promises';
import * as api from '../../pkg/dist/heap-manager.js';
import { makeHeap, managed, random } from './heap-manager-lib.mjs';

const { createWasmHeapManager, wrapEmscriptenModuleHeap } = api;
const make = (heapOptions, managerOptions) => managed(createWasmHeapManager, heapOptions, managerOptions);
const KINDS = ['Int8', 'Uint8', 'Uint8Clamped', 'Int16', 'Uint16', 'Int32', 'Uint32', 'BigInt64', 'BigUint64', 'Float32', 'Float64', 'Pointer32', 'Pointer53', 'Pointer64'];
const BYTES = { Int8: 1, Uint8: 1, Uint8Clamped: 1, Int16: 2, Uint16: 2, Int32: 4, Uint32: 4, Float32: 4, Pointer32: 4 };
const sample = (kind) => (['BigInt64', 'BigUint64', 'Pointer64'].includes(kind) ? 7n : 7);
const modes = [false, true].map((shared) => ({ shared, title: shared ? 'shared' : 'unshared' }));

for (const { shared, title } of modes) {
  test(`every kind follows the growth of a memory, ${title}`, () => {
    for (const kind of KINDS) {
      const { heap, manager } = make({ shared, initial: 1 });
      const ref = manager[`alloc${kind}`](sample(kind));
      const array = manager[`alloc${kind}Array`]([sample(kind), sample(kind)]);
      const bytes = BYTES[kind] ?? 8;
      heap.memory.grow(1);
      assert.equal(ref.value, sample(kind), kind);
      assert.equal(array.readAt(1), sample(kind), kind);
      assert.deepEqual(Array.from(array.view, Number), [7, 7], kind);
      const beyond = 2 * 65536 - bytes;
      manager[`write${kind}`](beyond, sample(kind));
      assert.equal(manager[`read${kind}`](beyond), sample(kind), kind);
      heap.memory.grow(1);
      manager[`write${kind}Atomic`](beyond + 65536, sample(kind));
      assert.equal(manager[`read${kind}Atomic`](beyond + 65536), sample(kind), kind);
      heap.memory.grow(1);
      assert.equal(manager[`wrap${kind}Array`](beyond + 2 * 65536, 1).writeAt(0, sample(kind)).readAt(0), sample(kind), kind);
    }
  });

  test(`strings lie across the end that was known before growth, ${title}`, () => {
    for (const encoding of ['Ascii', 'Utf8', 'Utf16', 'Utf32']) {
      const { heap, manager } = make({ shared, initial: 1 });
      manager.readInt8(16);
      heap.memory.grow(1);
      const text = 'long enough to cross the end of the first page of the memory, whatever an element takes';
      // By another manager, so that the one that reads does not know of the growth yet.
      const writer = createWasmHeapManager(heap.getHeap, heap.alloc, heap.free);
      writer[`writeNullTerminated${encoding}String`](65536 - 40, text);
      assert.equal(manager[`readNullTerminated${encoding}String`](65536 - 40), text, encoding);
    }
  });

  test(`the edges of UTF-8 read as the platform decodes them, ${title}`, () => {
    const { manager } = make({ shared });
    const edges = [
      'c080', 'c1bf', 'c280', 'dfbf', 'e08080', 'e09fbf', 'e0a080', 'ed9fbf', 'eda080', 'edbfbf', 'ee8080', 'efbbbf', 'efbfbf',
      'f0808080', 'f08fbfbf', 'f0908080', 'f48fbfbf', 'f4908080', 'f5808080', 'ff', '80', 'c2', 'e0a0', 'f09080', 'c241', 'e0a041',
    ];
    for (const edge of edges) {
      const bytes = Buffer.from(`61${edge}62`, 'hex');
      manager.viewUint8Array(64, bytes.length + 1).set([...bytes, 0]);
      assert.equal(manager.readNullTerminatedUtf8String(64), new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes), edge);
    }
  });

  test(`text reads as the platform decodes its bytes, ${title}`, () => {
    const { manager } = make({ shared, initial: 4 });
    const next = random(7);
    const decode = (label, bytes) => new TextDecoder(label, { ignoreBOM: true }).decode(bytes);
    for (let round = 0; round < 4000; round++) {
      const length = next() < 0.1 ? 60 + Math.floor(next() * 200) : Math.floor(next() * 24);
      // Mostly what begins and continues sequences, so that many are nearly right.
      const bytes = Uint8Array.from({ length }, () => (next() < 0.3 ? 1 + next() * 127 : 0x80 + next() * 128));
      manager.viewUint8Array(1001, length + 1).set([...bytes, 0]);
      assert.equal(manager.readNullTerminatedUtf8String(1001), decode('utf-8', bytes), `UTF-8 ${bytes}`);
      assert.equal(manager.readNullTerminatedAsciiString(1001), decode('windows-1252', bytes), `ASCII ${bytes}`);
      const units = Uint16Array.from({ length }, () => (next() < 0.5 ? 0xd800 + next() * 0x800 : 1 + next() * 0xffff));
      manager.viewUint16Array(2000, length + 1).set([...units, 0]);
      assert.equal(manager.readNullTerminatedUtf16String(2000), decode('utf-16le', units), `UTF-16 ${units}`);
      const text = String.fromCharCode(...units);
      const wanted = new TextEncoder().encode(text);
      assert.equal(manager.writeNullTerminatedUtf8String(5000, text), wanted.length);
      assert.deepEqual(new Uint8Array(manager.viewUint8Array(5000, wanted.length + 1)), new Uint8Array([...wanted, 0]), `${units}`);
      manager.writeNullTerminatedUtf32String(8000, text);
      assert.equal(manager.readNullTerminatedUtf32String(8000), text, 'UTF-32 keeps every unit');
    }
  });
}

test('the mode always follows a buffer that is replaced, never sticks to the first, whenEmpty asks only when needed', () => {
  for (const [pollingMode, wanted] of [['always', 2], ['never', 1], ['whenEmpty', 1]]) {
    let buffer = new ArrayBuffer(64);
    let asked = 0;
    const manager = createWasmHeapManager(() => (asked++, buffer), () => 8, () => {}, { pollingMode });
    const array = manager.allocInt32Array([1, 1]);
    assert.equal(array.view[0], 1);
    const before = asked;
    buffer = new ArrayBuffer(64);
    new Int32Array(buffer).fill(2);
    assert.deepEqual([manager.readInt32(8), array.readAt(0), array.view[0], manager.readInt32Atomic(8)], [wanted, wanted, wanted, wanted], pollingMode);
    assert.equal(manager.readNullTerminatedUtf8String(8), String.fromCharCode(wanted), pollingMode);
    assert.equal(asked > before, pollingMode === 'always', pollingMode);
  }
});

test('a buffer that is resized in place is followed', () => {
  const buffer = new ArrayBuffer(16, { maxByteLength: 64 });
  const manager = createWasmHeapManager(() => buffer, () => 8, () => {});
  buffer.resize(64);
  manager.writeFloat64(48, 1.5);
  assert.equal(manager.readFloat64(48), 1.5);
  assert.equal(manager.readFloat64Atomic(48), 1.5);
  buffer.resize(16);
  assert.throws(() => manager.readFloat64(48), RangeError);
});

test('a bad address, index or count throws a RangeError that names it', () => {
  const { manager } = make({ initial: 1 });
  const array = manager.allocInt32Array(3);
  const cases = [
    ...KINDS.flatMap((kind) => [-1, 65536, 65536.5, NaN, 2 ** 32 + 8, Infinity, undefined, '8'].flatMap((address) => [
      [() => manager[`read${kind}`](address), String(address)],
      [() => manager[`write${kind}`](address, sample(kind)), String(address)],
      [() => manager[`read${kind}Atomic`](address), String(address)],
    ])),
    ...KINDS.filter((kind) => BYTES[kind] !== 1).map((kind) => [() => manager[`read${kind}Atomic`](4095), '4095']),
    ...[-1, 3, 1.5, NaN, 2 ** 32, '0'].flatMap((index) => [
      [() => array.readAt(index), String(index)], [() => array.writeAt(index, 1), String(index)],
      [() => array.readAtomicAt(index), String(index)], [() => array.writeAtomicAt(index, 1), String(index)],
    ]),
    ...[-1, 1.5, NaN, 2 ** 60].flatMap((count) => [
      [() => manager.allocInt32Array(count), String(count)], [() => manager.viewInt32Array(8, count), String(count)],
      [() => manager.wrapInt32Array(8, count), String(count)], [() => manager.allocNullTerminatedUtf8String(count), String(count)],
      [() => manager.readNullTerminatedUtf8String(8, count), String(count)],
    ]),
    [() => manager.viewInt32Array(65532, 2), '65532'], [() => manager.viewInt32Array(6, 1), '6'], [() => manager.wrapFloat64Array(4, 1), '4'],
    [() => manager.readNullTerminatedUtf16String(33), '33'], [() => manager.readNullTerminatedUtf32String(34), '34'],
    [() => manager.writeNullTerminatedUtf8String(64, 'abc', 3), '64'], [() => manager.readBigUint256(65536 - 31), '65505'],
  ];
  for (const [call, name] of cases) assert.throws(call, (error) => error instanceof RangeError && error.message.includes(name), `${call} with ${name}`);
});

test('every use after free throws, and freeing again does nothing', () => {
  const { heap, manager } = make();
  const refs = [
    ...KINDS.flatMap((kind) => [manager[`alloc${kind}`](), manager[`alloc${kind}Array`](2)]),
    ...['Ascii', 'Utf8', 'Utf16', 'Utf32'].map((encoding) => manager[`allocNullTerminated${encoding}String`]('x')),
    manager.allocElementArray(3, 2),
  ];
  for (const [i, ref] of refs.entries()) {
    // Used before, so that whatever is remembered for speed is there to be forgotten.
    ref.readAt?.(0);
    ref.read?.();
    if (i % 4 > 1) ref.free();
    else manager.free(ref.address);
    assert.equal(ref.isFreed, true);
    const uses = [
      (r) => r.value, (r) => r.read(), (r) => r.write(1), (r) => r.readAtomic(), (r) => r.writeAtomic(1), (r) => r.view, (r) => r.readAt(0),
      (r) => r.writeAt(0, 1), (r) => r.readAtomicAt(0), (r) => r.clear(), (r) => r.allocatedBytesView, (r) => r.encodedElementsView,
      (r) => r.encodedElementCount, (r) => r.encodedBytesView, (r) => r.viewAt(0),
    ];
    for (const use of uses) {
      const member = /r\.(\w+)/.exec(String(use))[1];
      if (member in ref.constructor.prototype) assert.throws(() => use(ref), { code: 'ERR_USE_AFTER_FREE' }, `${ref.constructor.name}.${member}`);
    }
    ref.free();
    manager.free(ref);
  }
  assert.deepEqual([heap.frees, heap.live.size], [refs.length, 0]);
});

test('unaligned scalars work at every address', () => {
  const { manager } = make();
  const next = random(3);
  for (const kind of KINDS) {
    for (let offset = 0; offset < 8; offset++) {
      const value = sample(kind) === 7 ? Math.floor(next() * 120) : BigInt(Math.floor(next() * 120));
      manager[`write${kind}`](1000 + offset, value);
      assert.equal(manager[`read${kind}`](1000 + offset), value);
      assert.equal(manager[`wrap${kind}`](1000 + offset).value, value);
    }
  }
});

test('a collected reference frees its block exactly once, a view keeps it, freeing cancels it', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const { heap, manager } = make({}, { enableGarbageCollection: true });
  // A block that was freed behind the manager's back and whose address is in use anew.
  (() => manager.allocInt32())();
  heap.live.clear();
  heap.next = 16;
  const view = (() => manager.allocInt32Array([5]).view)();
  (() => {
    for (let i = 0; i < 300; i++) {
      const ref = i % 2 ? manager.allocInt32(i) : manager.allocNullTerminatedUtf8String('abc');
      if (i % 3 === 0) ref.free();
      else if (i % 3 === 1) manager.free(ref.address);
    }
  })();
  assert.equal(manager.totalAllocatedByteCount, 4 + 50 * 4 + 50 * 4);
  for (const deadline = Date.now() + 10_000; heap.live.size > 1 && Date.now() < deadline; ) {
    await sleep(5);
    collect();
  }
  // The heap throws at a second free of a block, which would fail this test as an uncaught error.
  assert.equal(heap.live.size, 1);
  assert.deepEqual([heap.frees, view[0], manager.allocatedHeapRefs.length], [300, 5, 1]);
});

test('tracking lists blocks until they are freed, and can be turned off', () => {
  const { heap, manager } = make();
  const refs = [manager.allocInt32(), manager.allocFloat64Array(4), manager.allocElementArray(10, 3)];
  manager.wrapInt32(refs[0].address);
  assert.deepEqual(manager.allocatedHeapRefs, refs);
  assert.equal(manager.totalAllocatedByteCount, 4 + 32 + 30);
  manager.freeAll();
  assert.deepEqual([manager.allocatedHeapRefs, heap.live.size, refs.every((ref) => ref.isFreed)], [[], 0, true]);
  const untracked = make({}, { trackAllocations: false }).manager;
  untracked.allocInt32().free();
  for (const use of [(m) => m.allocatedHeapRefs, (m) => m.totalAllocatedByteCount, (m) => m.freeAll()]) {
    assert.throws(() => use(untracked), { code: 'EINVAL', message: /trackAllocations/ });
  }
});

test('new regions are cleared unless told not to', () => {
  for (const clearAllocatedRegions of [true, false]) {
    const { heap, manager } = make({}, { clearAllocatedRegions });
    new Uint8Array(heap.memory.buffer).fill(9);
    assert.equal(manager.allocUint32().value, clearAllocatedRegions ? 0 : 0x09090909);
    assert.equal(manager.allocNullTerminatedUtf16String(5).value, '', 'a new string is empty either way');
  }
});

test('a failed allocation is ENOMEM, and pointers free what they point to', () => {
  assert.throws(() => createWasmHeapManager(() => new ArrayBuffer(8), () => 0, () => {}).allocInt32(), { code: 'ENOMEM', message: /4 bytes/ });
  const { heap, manager } = make();
  const targets = [manager.allocInt32(), manager.allocInt32(), manager.allocInt32()];
  manager.allocPointer53Array([targets[0].address, targets[1].address]).free({ freeElements: true });
  manager.allocPointer32(targets[2].address).free({ freePointedAddress: true });
  assert.deepEqual([heap.live.size, targets.every((ref) => ref.isFreed)], [0, true]);
});

test('arrays of any element size keep their elements apart', () => {
  const { manager } = make();
  const array = manager.allocElementArray(5, 3);
  array.writeAt(1, [1, 2, 3]);
  assert.deepEqual([...array].map((bytes) => [...bytes]), [[0, 0, 0, 0, 0], [1, 2, 3, 0, 0], [0, 0, 0, 0, 0]]);
  assert.equal(manager.wrapElementArray(array.address, 5, 3).addressOf(2), array.address + 10);
  assert.throws(() => array.viewAt(3), RangeError);
  assert.throws(() => array.writeAt(0, [1, 2, 3, 4, 5, 6]), RangeError);
});

test('both generations of names are there', () => {
  const { manager } = make();
  const names = ['read*', 'write*', 'alloc*', 'wrap*', 'view*Array', 'alloc*Array', 'wrap*Array'];
  for (const kind of [...KINDS, 'ClampedUint8']) for (const name of names) assert.equal(typeof manager[name.replace('*', kind)], 'function', name + kind);
  for (const bits of [128, 256]) {
    manager[`writeBigUint${bits}LE`](64, 2n ** 100n);
    assert.equal(manager[`readBigUint${bits}`](64), 2n ** 100n);
    assert.equal(manager[`readBigUint${bits}LE`](64), 2n ** 100n);
  }
  const text = manager.allocNullTerminatedUtf16String('abc');
  assert.deepEqual([text.encodedByteLength, text.encodedByteCount, text.allocatedByteSize, text.allocatedByteCount], [6, 6, 8, 8]);
  for (const kind of KINDS) assert.ok(`${kind}Ref` in api && `${kind}ArrayRef` in api && kind in api.DataType, kind);
});

test('an Emscripten module is wrapped, or what it lacks is named', () => {
  const heap = makeHeap();
  const module = { HEAPU8: new Uint8Array(heap.memory.buffer), _malloc: heap.alloc, _free: heap.free };
  const manager = wrapEmscriptenModuleHeap(module);
  assert.equal(manager.allocInt32(3).value, 3);
  heap.memory.grow(1);
  module.HEAPU8 = new Uint8Array(heap.memory.buffer);
  assert.equal(manager.readInt8(65536 * 2), 0);
  for (const member of Object.keys(module)) {
    assert.throws(() => wrapEmscriptenModuleHeap({ ...module, [member]: undefined }), { message: new RegExp(member) });
  }
  assert.throws(() => wrapEmscriptenModuleHeap(undefined), { code: 'EINVAL' });
});

test('heapManager works on the heap of the runtime', () => {
  const { heapManager } = api;
  const text = heapManager.allocNullTerminatedUtf8String('over the runtime ✓');
  assert.equal(heapManager.readNullTerminatedUtf8String(text.address), 'over the runtime ✓');
  const { address } = text;
  text.free();
  assert.throws(() => heapManager.free(address), { code: 'ERR_DOUBLE_FREE' });
});

test('the table of blocks holds what a Map holds, in its order, while blocks come and go', async () => {
  const { AddressTable } = await import('../../pkg/dist/heap-manager/address-table.js');
  const next = random(21);
  // Addresses that are dense, far apart, and beyond 32 bits, so that they meet in the same slots.
  for (const address of [() => 8 + Math.floor(next() * 300) * 8, () => 2 ** 20 * (1 + Math.floor(next() * 900)), () => 2 ** 40 + 4 * Math.floor(next() * 500)]) {
    const [table, map] = [new AddressTable(), new Map()];
    for (let step = 0; step < 20_000; step++) {
      const at = address();
      if (next() < (step % 4000 < 2000 ? 0.6 : 0.4)) {
        map.delete(at);
        map.set(at, step);
        table.set(at, step);
      } else {
        assert.equal(table.take(at), map.get(at));
        map.delete(at);
      }
      assert.equal(table.get(at), map.get(at));
    }
    assert.deepEqual(table.entries(), [...map]);
    for (const at of map.keys()) assert.equal(table.take(at), map.get(at));
    assert.deepEqual(table.entries(), []);
  }
});
