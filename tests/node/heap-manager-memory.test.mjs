// LocalSharedMemory: its document line by line, and right where the original is wrong.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import LocalSharedMemory from '../../pkg/dist/local-shared-memory.js';
import { random } from './heap-manager-lib.mjs';

const TYPES = { Uint8: 1, Int8: 1, Uint16: 2, Int16: 2, Uint32: 4, Int32: 4, BigUint64: 8, BigInt64: 8, Float32: 4, Float64: 8 };
const ARRAYS = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array, Float32Array, Float64Array];
const ATOMIC = ARRAYS.filter((Type) => ![Uint8ClampedArray, Float32Array, Float64Array].includes(Type));
const big = (Type) => Type.name.startsWith('Big');
const modes = [true, false];

test('the quick start of the document works as it is written', () => {
  const memory = new LocalSharedMemory();
  assert.ok(memory instanceof WebAssembly.Memory);
  assert.deepEqual([memory.buffer.byteLength, memory.buffer.constructor], [1000 * 65536, SharedArrayBuffer]);
  const ptr1 = memory.malloc(24);
  const ptr2 = memory.malloc(5, 2);
  memory.setInt32(ptr1, 12345);
  assert.equal(memory.getInt32(ptr1), 12345);
  const view = memory.arrayView(Uint8Array, ptr2);
  view.set(new Uint8Array([10, 20, 30, 40, 50]));
  assert.equal(view.length, 5);
  assert.equal(memory.sizeof(memory.malloc(100)), 100);
  const [first, second, third] = memory.allocs();
  assert.deepEqual([first, second, third].map(({ byteOffset, byteLength }) => [byteOffset, byteLength]).sort(([, a], [, b]) => a - b), [[ptr2, 5], [ptr1, 24], [third.byteOffset, 100]].sort(([, a], [, b]) => a - b));
  const block = memory.allocs().find(({ byteOffset }) => byteOffset === ptr2);
  assert.ok(block.bufferSize >= 5 && block.buffer instanceof SharedArrayBuffer);
  assert.deepEqual([...new Uint8Array(block.buffer)], [10, 20, 30, 40, 50]);
});

for (const shared of modes) {
  const title = shared ? 'shared' : 'unshared';

  test(`blocks are aligned, apart, resizable and freed once, ${title}`, () => {
    const memory = new LocalSharedMemory(20, 100, shared);
    const next = random(5);
    const live = new Map();
    for (let step = 0; step < 800; step++) {
      if (live.size === 0 || next() < 0.5) {
        const [bytes, align] = [Math.floor(next() * 3000), 2 ** Math.floor(next() * 13)];
        const ptr = memory.malloc(bytes, align);
        assert.equal(ptr % align, 0);
        live.set(ptr, { bytes, mark: step & 255 });
        memory.memset(ptr, step & 255, bytes);
      } else {
        const [ptr, { bytes, mark }] = [...live][Math.floor(next() * live.size)];
        assert.ok(memory.arrayView(Uint8Array, ptr).every((byte) => byte === mark));
        assert.equal(memory.sizeof(ptr), bytes);
        live.delete(ptr);
        if (next() < 0.5) {
          const grown = Math.floor(next() * 5000);
          const moved = memory.realloc(ptr, grown);
          assert.ok(memory.arrayView(Uint8Array, moved, Math.min(bytes, grown)).every((byte) => byte === mark));
          memory.memset(moved, mark, grown);
          live.set(moved, { bytes: grown, mark });
        } else memory.free(ptr);
      }
    }
    assert.deepEqual(memory.allocs().map(({ byteOffset, byteLength }) => [byteOffset, byteLength]), [...live].map(([ptr, { bytes }]) => [ptr, bytes]).sort(([a], [b]) => a - b));
    for (const ptr of live.keys()) memory.free(ptr);
    assert.deepEqual(memory.allocs(), []);
    const ptr = memory.malloc(8);
    memory.free(ptr);
    assert.throws(() => memory.free(ptr), { code: 'ERR_DOUBLE_FREE' });
    assert.throws(() => memory.sizeof(memory.malloc(64) + 16), { code: 'ERR_WILD_POINTER' });
    for (const bad of [-1, 1.5, NaN]) {
      assert.throws(() => memory.malloc(bad), RangeError);
      assert.throws(() => memory.free(bad), RangeError);
      assert.throws(() => memory.realloc(ptr, bad), RangeError);
    }
    assert.throws(() => memory.malloc(8, 3), RangeError);
  });

  test(`the memory grows up to its maximum, and then malloc says so, ${title}`, () => {
    const memory = new LocalSharedMemory(10, 40, shared);
    const before = memory.buffer.byteLength;
    const ptr = memory.malloc(15 * 65536);
    assert.ok(memory.buffer.byteLength > before);
    memory.setFloat64(ptr + 15 * 65536 - 8, 1.5);
    assert.equal(memory.getFloat64(ptr + 15 * 65536 - 8), 1.5);
    assert.throws(() => memory.malloc(40 * 65536), { code: 'ENOMEM' });
    assert.throws(() => memory.realloc(ptr, 2 ** 31), { code: 'ENOMEM' });
    assert.equal(memory.sizeof(ptr), 15 * 65536, 'a failed realloc leaves the block');
    assert.ok(memory.buffer.byteLength <= 40 * 65536);
  });

  test(`every type is read and written at every offset, ${title}`, () => {
    const memory = new LocalSharedMemory(20, 40, shared);
    const ptr = memory.malloc(64);
    const reference = new DataView(new ArrayBuffer(64));
    const next = random(9);
    for (let round = 0; round < 600; round++) {
      const type = Object.keys(TYPES)[round % 10];
      const offset = Math.floor(next() * (64 - TYPES[type]));
      const value = type.startsWith('Big') ? BigInt(Math.floor(next() * 2 ** 53)) : (next() - 0.5) * 2 ** 33;
      memory[`set${type}`](ptr + offset, value);
      reference[`set${type}`](offset, value, true);
      assert.equal(memory[`get${type}`](ptr + offset), reference[`get${type}`](offset, true), type);
    }
    assert.deepEqual(new Uint8Array(memory.arrayBuffer(ptr)), new Uint8Array(reference.buffer));
    const end = memory.buffer.byteLength;
    for (const type of Object.keys(TYPES)) {
      for (const offset of [-1, end, end - TYPES[type] + 1, NaN, undefined]) {
        assert.throws(() => memory[`get${type}`](offset), { name: 'RangeError', message: new RegExp(String(offset)) });
        assert.throws(() => memory[`set${type}`](offset, type.startsWith('Big') ? 1n : 1), RangeError);
      }
    }
  });

  test(`views and copies are of the block, of a length, or of all, ${title}`, () => {
    const memory = new LocalSharedMemory(20, 40, shared);
    const ptr = memory.malloc(20);
    memory.memset(ptr, 3, 20);
    assert.deepEqual([memory.arrayView(Int32Array, ptr).length, memory.arrayView(Int32Array, ptr, 2).length, memory.arrayView(Uint8Array).length], [5, 2, memory.buffer.byteLength]);
    assert.deepEqual([memory.dataView(ptr).byteLength, memory.dataView(ptr, 3).byteLength, memory.dataView().byteLength], [20, 3, memory.buffer.byteLength]);
    assert.deepEqual([memory.arrayBuffer(ptr).constructor, memory.arrayBuffer(ptr, 7).byteLength], [ArrayBuffer, 7]);
    assert.deepEqual([memory.sharedArrayBuffer(ptr).constructor, memory.sharedArrayBuffer(ptr, 7).byteLength], [SharedArrayBuffer, 7]);
    assert.deepEqual([...new Uint8Array(memory.sharedArrayBuffer(ptr, 2))], [3, 3]);
    assert.throws(() => memory.arrayView(Int32Array, ptr + 1, 1), RangeError);
    assert.throws(() => memory.arrayView(Int32Array, ptr, 2 ** 40), RangeError);
    assert.throws(() => memory.dataView(ptr, -1), RangeError);
    assert.equal(memory.memcpy(ptr + 8, ptr, 4), ptr + 8);
    assert.throws(() => memory.memcpy(memory.buffer.byteLength - 2, ptr, 4), RangeError);
  });

  test(`atomics answer as Atomics does on the element counted from address 0, ${title}`, () => {
    const memory = new LocalSharedMemory(20, 40, shared);
    for (const Type of ATOMIC) {
      const ptr = memory.malloc(64);
      const index = ptr / Type.BYTES_PER_ELEMENT + 1;
      const twin = new Type(2);
      const number = (n) => (big(Type) ? BigInt(n) : n);
      for (const [op, ...values] of [['store', 100], ['add', 27], ['sub', 300], ['and', 0x5f], ['or', 0x21], ['xor', 0x7e], ['exchange', 9], ['compareExchange', 8, 1], ['compareExchange', 9, 2], ['load']]) {
        const args = values.map(number);
        assert.equal(memory[op](Type, index, ...args), Atomics[op](twin, 1, ...args), `${Type.name} ${op}`);
        assert.equal(memory.at(Type, index), twin[1], `${Type.name} after ${op}`);
      }
      for (const bad of [-1, 2 ** 40, 0.5, NaN]) assert.throws(() => memory.add(Type, bad, number(1)), { name: 'RangeError', message: new RegExp(String(bad).replace('+', '\\+')) });
    }
    assert.throws(() => memory.add(Float32Array, 1000, 1), TypeError);
    assert.throws(() => memory.add(Object, 1000, 1), TypeError);
    const index = memory.malloc(8) / 4;
    assert.equal(memory.notify(Int32Array, index, 1), 0);
    if (shared) assert.equal(memory.wait(Int32Array, index, memory.load(Int32Array, index), 1), 'timed-out');
    else assert.throws(() => memory.wait(Int32Array, index, 0, 1), TypeError);
  });

  test(`array operations and array allocations work for every typed array, ${title}`, () => {
    const memory = new LocalSharedMemory(20, 40, shared);
    for (const Type of ARRAYS) {
      const number = (n) => (big(Type) ? BigInt(n) : n);
      const view = memory[Type.name](8);
      assert.deepEqual([view.constructor, view.length, view.buffer === memory.buffer, view.some(Number)], [Type, 8, true, false]);
      const at = view.byteOffset / Type.BYTES_PER_ELEMENT;
      memory.fill(Type, number(5), at, at + 3).set(Type, [1, 2].map(number), at + 6).copyWithin(Type, at + 4, at, at + 2);
      assert.deepEqual([...view], [5, 5, 5, 0, 5, 5, 1, 2].map(number));
      assert.deepEqual([...memory.subarray(Type, at + 5, at + 7)], [5, 1].map(number));
      assert.equal(memory.at(Type, at + 7), number(2));
      assert.deepEqual([...memory[Type.name]([3, 4].map(number))], [3, 4].map(number));
      for (const call of [() => memory.fill(Type, number(1)), () => memory.fill(Type, number(1), at, 2 ** 40), () => memory.set(Type, [number(1)], -1), () => memory.subarray(Type, 3, 2), () => memory.at(Type, 2 ** 40)]) {
        assert.throws(call, RangeError, `${Type.name} ${call}`);
      }
      memory.free(view);
      assert.throws(() => memory.free(view), { code: 'ERR_DOUBLE_FREE' });
    }
  });
}

test('attach makes a plain memory one of ours, once, and refuses what is no memory', () => {
  const plain = new WebAssembly.Memory({ initial: 40, maximum: 80, shared: true });
  const memory = LocalSharedMemory.attach(plain);
  assert.ok(memory === plain && memory instanceof LocalSharedMemory && LocalSharedMemory.attach(memory) === memory);
  assert.equal(memory.sizeof(memory.malloc(9)), 9);
  assert.throws(() => LocalSharedMemory.attach({}), TypeError);
  const small = new WebAssembly.Memory({ initial: 1, maximum: 2 });
  assert.throws(() => LocalSharedMemory.attach(small), RangeError);
  assert.equal(Object.getPrototypeOf(small), WebAssembly.Memory.prototype, 'a memory that was refused is left as it was');
});

test('workers allocate on one memory at once, and their blocks stay whole', { timeout: 60_000 }, async () => {
  const memory = new LocalSharedMemory(20, 400);
  const counter = memory.malloc(4);
  memory.setInt32(counter, 0);
  const source = `
    (async () => {
      const { parentPort, workerData: { memory, counter, mark } } = require('node:worker_threads');
      const { default: LocalSharedMemory } = await import(${JSON.stringify(new URL('../../pkg/dist/local-shared-memory.js', import.meta.url))});
      const mine = LocalSharedMemory.attach(memory);
      const blocks = [];
      for (let i = 0; i < 400; i++) {
        const ptr = mine.malloc(16 + (i * 37) % 900, 16);
        mine.memset(ptr, mark, mine.sizeof(ptr));
        blocks.push(ptr);
        if (i % 3 === 0) mine.free(blocks.shift());
        mine.add(Int32Array, counter / 4, 1);
      }
      parentPort.postMessage(blocks);
    })();`;
  const results = await Promise.all([1, 2, 3].map((mark) => new Promise((resolve, reject) => {
    const worker = new Worker(source, { eval: true, workerData: { memory, counter, mark } });
    worker.once('message', (blocks) => worker.terminate().then(() => resolve({ mark, blocks }))).once('error', reject);
  })));
  assert.equal(memory.load(Int32Array, counter / 4), 1200);
  for (const { mark, blocks } of results) {
    for (const ptr of blocks) assert.ok(memory.arrayView(Uint8Array, ptr).every((byte) => byte === mark));
  }
  assert.equal(memory.allocs().length, 1 + results.reduce((sum, { blocks }) => sum + blocks.length, 0));
});
