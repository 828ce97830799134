// Structs: layout as in C, every kind of field, columns, growth, use after free, and finding them in another thread.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import { ascii, createWasmHeapManager, defineStruct, utf16, utf32, utf8 } from '../../pkg/dist/heap-manager.js';
import LocalSharedMemory from '../../pkg/dist/local-shared-memory.js';
import { managed, random } from './heap-manager-lib.mjs';

const make = (heapOptions, managerOptions) => managed(createWasmHeapManager, heapOptions, managerOptions);
const SIZES = { i8: 1, u8: 1, u8clamped: 1, bool: 1, i16: 2, u16: 2, i32: 4, u32: 4, f32: 4, pointer32: 4, i64: 8, u64: 8, f64: 8, pointer53: 8, pointer64: 8 };
const Point = defineStruct({ x: 'f32', y: 'f32' });
const All = defineStruct({
  flag: 'bool', tiny: 'i8', byte: 'u8', level: 'u8clamped', short: 'i16', word: 'u16', int: 'i32', uint: 'u32', single: 'f32', double: 'f64',
  long: 'i64', ulong: 'u64', p32: 'pointer32', p53: 'pointer53', p64: 'pointer64',
  a: ascii(3), b: utf8(10), c: utf16(4), d: utf32(2), at: Point,
  flags: ['bool', 3], pos: ['f64', 3], links: ['pointer53', 2], ids: ['u64', 2], names: [utf8(4), 2], path: [Point, 2],
});
const SAMPLE = {
  flag: true, tiny: -3, byte: 200, level: 255, short: -300, word: 65535, int: -70000, uint: 4e9, single: 1.5, double: Math.PI,
  long: -5n, ulong: 2n ** 63n, p32: 64, p53: 2 ** 40, p64: 2n ** 60n, a: 'abc', b: 'hé 漢', c: 'wxyz', d: '😀', at: { x: 1, y: 2 },
  flags: [true, false, true], pos: [1, 2, 3], links: [8, 2 ** 50], ids: [1n, 2n], names: ['four', ''], path: [{ x: 1, y: 2 }, { x: 3, y: 4 }],
};

test('layouts are those of a C compiler', () => {
  // offsetof, sizeof and _Alignof as gcc 12 prints them for the same declarations.
  const golden = [
    [{ a: 'i8', b: 'i32' }, [0, 4], 8, 4],
    [{ a: 'f64', b: 'i8' }, [0, 8], 16, 8],
    [{ a: 'i8', b: 'i16', c: 'i8', d: 'u64' }, [0, 2, 4, 8], 16, 8],
    [{ a: utf8(5), b: 'i16' }, [0, 6], 8, 2],
    [{ a: 'i8', b: Point, c: ['i16', 3], d: 'i8' }, [0, 4, 12, 18], 20, 4],
    [{ a: 'i8', b: [defineStruct({ p: 'f64', q: 'i8' }), 2], c: 'i8' }, [0, 8, 40], 48, 8],
    [{ x: 'f32', pos: ['f64', 3], next: 'pointer32', name: utf8(32) }, [0, 8, 32, 36], 72, 8],
  ];
  for (const [fields, offsets, size, align] of golden) {
    const struct = defineStruct(fields);
    assert.deepEqual([Object.values(struct.offsets), struct.size, struct.align], [offsets, size, align]);
  }
  const next = random(11);
  for (let round = 0; round < 500; round++) {
    const kinds = Array.from({ length: 1 + Math.floor(next() * 12) }, () => Object.keys(SIZES)[Math.floor(next() * 15)]);
    const { offsets, size, align } = defineStruct(Object.fromEntries(kinds.map((kind, i) => [`f${i}`, kind])));
    let end = 0;
    kinds.forEach((kind, i) => {
      assert.ok(offsets[`f${i}`] >= end && offsets[`f${i}`] - end < SIZES[kind] && offsets[`f${i}`] % SIZES[kind] === 0);
      end = offsets[`f${i}`] + SIZES[kind];
    });
    assert.equal(align, Math.max(...kinds.map((kind) => SIZES[kind])));
    assert.ok(size >= end && size - end < align && size % align === 0);
  }
});

for (const shared of [false, true]) {
  test(`every kind of field is written and read in its place, ${shared ? 'shared' : 'unshared'}`, () => {
    const { heap, manager } = make({ shared, initial: 1 });
    const [before, view, after] = [All.alloc(manager), All.alloc(manager, SAMPLE), All.alloc(manager)];
    const empty = before.toObject();
    assert.deepEqual(view.toObject(), SAMPLE);
    heap.memory.grow(1);
    assert.deepEqual(view.toObject(), SAMPLE, 'after growth');
    for (const [name, value] of Object.entries(SAMPLE)) {
      if (typeof value === 'object') continue;
      view[name] = value;
      assert.equal(view[name], value, name);
    }
    view.pos[1] = 20;
    view.at.x = 9;
    view.path.at(1).y = 8;
    assert.deepEqual([...view.pos, view.at.x, view.toObject().path[1].y], [1, 20, 3, 9, 8]);
    assert.deepEqual([before.toObject(), after.toObject()], [empty, empty], 'the neighbours are untouched');
    assert.equal(manager.readInt16(view.ptr + All.offsets.short), -300);
    assert.equal(All.at(manager, view.ptr).double, Math.PI);
    view.assign({ b: '', c: 'q' });
    assert.deepEqual([view.b, view.c], ['', 'q']);
    const rest = (name, from, to) => [...manager.viewUint8Array(view.ptr + All.offsets[name] + from, to - from)];
    assert.ok([...rest('b', 0, 10), ...rest('c', 2, 8)].every((byte) => byte === 0), 'shorter texts leave nothing of longer ones');
    assert.deepEqual([view.a, view.d], ['abc', '😀'], 'nor touch what lies beside them');
    assert.throws(() => view.assign({ a: 'abcd' }), { name: 'RangeError', message: /4 elements.*3/ });
    assert.throws(() => view.assign({ pos: [1, 2, 3, 4] }), RangeError);
    assert.throws(() => view.assign({ nobody: 1 }), TypeError);
  });

  test(`arrays of structs and columns hold the same, ${shared ? 'shared' : 'unshared'}`, () => {
    const { heap, manager } = make({ shared, initial: 2 });
    const array = All.array(manager, [SAMPLE, { int: 7 }, SAMPLE]);
    const columns = All.columns(manager, 3);
    for (const [i, item] of [...array].entries()) {
      columns.int[i] = item.int;
      columns.double[i] = item.double;
      columns.b.set(i, item.b);
      columns.at.x[i] = item.at.x;
      columns.pos.set(item.pos, i * 3);
      columns.path.y.set([...item.path].map((point) => point.y), i * 2);
    }
    heap.memory.grow(1);
    assert.deepEqual([...columns.int], [-70000, 7, -70000]);
    assert.deepEqual([...columns.pos], [1, 2, 3, 0, 0, 0, 1, 2, 3]);
    assert.deepEqual([...columns.b], ['hé 漢', '', 'hé 漢']);
    assert.deepEqual([[...columns.at.x], [...columns.path.y]], [[1, 0, 1], [2, 4, 0, 0, 2, 4]]);
    const names = Object.keys(SAMPLE).filter((name) => ArrayBuffer.isView(columns[name]));
    const places = names.map((name) => [columns[name].byteOffset, columns[name].byteOffset + columns[name].byteLength]).sort(([a], [b]) => a - b);
    for (let i = 1; i < places.length; i++) assert.ok(places[i][0] >= places[i - 1][1] && places[i][0] % 8 === 0, 'columns are aligned and apart');
    assert.deepEqual([...All.columnsAt(manager, columns.ptr, 3).double], [...columns.double]);
    assert.equal(All.arrayAt(manager, array.ptr, 3).at(1).int, 7);
    for (const index of [-1, 3, 0.5, NaN]) {
      assert.throws(() => array.at(index), RangeError);
      assert.throws(() => columns.b.at(index), RangeError);
    }
    array.free();
    columns.free();
    assert.equal(heap.live.size, 0);
  });
}

test('after a free every view of the block throws, and only the whole block can be freed', () => {
  const { heap, manager } = make();
  const view = All.alloc(manager, SAMPLE);
  const { at, path } = view;
  const part = path.at(1);
  assert.throws(() => at.free(), TypeError);
  assert.throws(() => path.free(), TypeError);
  view.free();
  view.free();
  for (const use of [() => view.int, () => (view.flag = false), () => view.b, () => (view.b = ''), () => view.pos, () => at.x, () => part.y, () => view.names]) {
    assert.throws(use, { code: 'ERR_USE_AFTER_FREE' }, String(use));
  }
  assert.deepEqual([view.ptr, at.ptr, heap.live.size], [0, 0, 0]);
  const [array, columns] = [Point.array(manager, 2), Point.columns(manager, 2)];
  const item = array.at(0);
  assert.throws(() => item.free(), TypeError, 'the first item has the address of the block, but is not the block');
  manager.freeAll();
  for (const use of [() => item.x, () => array.at(1).x, () => columns.x]) assert.throws(use, { code: 'ERR_USE_AFTER_FREE' });
});

test('what cannot be a struct, or cannot be one there, is refused by name', () => {
  assert.throws(() => defineStruct({ x: 'float' }), { name: 'TypeError', message: /x.*float/ });
  assert.throws(() => defineStruct({ x: ['f32', 0] }), { name: 'RangeError', message: /x.*0/ });
  for (const name of ['ptr', 'free', 'assign', 'toObject', 'constructor']) assert.throws(() => defineStruct({ [name]: 'i8' }), { message: new RegExp(name) });
  assert.throws(() => defineStruct({}), RangeError);
  assert.throws(() => defineStruct({ length: 'i8' }).columns(make().manager, 1), { message: /length/ });
  const { manager } = make({ initial: 1 });
  assert.throws(() => Point.at(manager, 18), { name: 'RangeError', message: /18.*4/ });
  assert.throws(() => Point.at(manager, 65536 - 4), { name: 'RangeError', message: /65532/ });
  assert.throws(() => Point.at(manager, 0), RangeError);
  assert.throws(() => Point.array(manager, -1), RangeError);
  assert.throws(() => Point.alloc(new WebAssembly.Memory({ initial: 1 })), { code: 'ENOTSUP' });
  assert.throws(() => Point.alloc({}), TypeError);
});

test('a struct is found by its address in another thread', { timeout: 30_000 }, async () => {
  const memory = new LocalSharedMemory(20, 100);
  const view = All.alloc(memory, SAMPLE);
  const columns = Point.columns(memory, 1000);
  const url = (path) => JSON.stringify(new URL(path, import.meta.url));
  const source = `
    (async () => {
      const { parentPort, workerData: { memory, ptr, columns } } = require('node:worker_threads');
      const { defineStruct, utf8 } = await import(${url('../../pkg/dist/heap-manager.js')});
      const Head = defineStruct({ flag: 'bool', tiny: 'i8' });
      const Point = defineStruct({ x: 'f32', y: 'f32' });
      Head.at(memory, ptr).tiny = 42;
      const { x } = Point.columnsAt(memory, columns, 1000);
      for (let i = 0; i < x.length; i++) x[i] = i;
      parentPort.postMessage('done');
    })();`;
  const worker = new Worker(source, { eval: true, workerData: { memory, ptr: view.ptr, columns: columns.ptr } });
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await worker.terminate();
  assert.equal(view.tiny, 42);
  assert.deepEqual([columns.x[999], columns.y[999]], [999, 0]);
  assert.deepEqual(view.toObject(), { ...SAMPLE, tiny: 42 });
});
