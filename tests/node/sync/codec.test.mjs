// The codec and the packed form against structuredClone: the same values come out, with the same identities.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { decode, encode, FULL, NOT_CODABLE } from '../../../pkg/dist/codec.js';
import { pack } from '../../../pkg/dist/codec/pack.js';
import { unpack } from '../../../pkg/dist/codec/unpack.js';

const target = new Uint8Array(1 << 20);
const through = (value) => {
  const end = encode(value, target, 3);
  assert.ok(end > 3, `encode answered ${end}`);
  return decode(target, 3, end);
};

const words = new Int32Array(target.buffer);
/** Packed and unpacked; undefined for what is left to the codec. */
const packed = (value) => {
  const end = pack(value, words, target);
  if (end === NOT_CODABLE) return undefined;
  assert.ok(end > 0, `pack answered ${end}`);
  return { value: unpack(target, 0, end), end };
};

const named = Object.assign([1, 2], { extra: 'x', '-1': 2 });
const sparse = [];
sparse[5] = 'five';
sparse[1000] = undefined;
const shared = { deep: true };
const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer;
class Point {
  constructor() {
    this.x = 1;
  }
  get y() {
    return 2;
  }
}
const getter = { get answer() { return 42; } };
Object.defineProperty(getter, 'hidden', { value: 1, enumerable: false });
const many = Array.from({ length: 40 }, (_, i) => ({ i }));

const VALUES = {
  undefined: undefined, null: null, true: true, false: false,
  zero: 0, 'minus zero': -0, small: 127, 'past small': 128, negative: -1, 'int32 min': -(2 ** 31),
  'past int32': 2 ** 31, double: 0.1, huge: 1e308, infinity: -Infinity, nan: NaN,
  bigint: 5n, 'negative bigint': -(2n ** 63n), 'long bigint': -(2n ** 200n) + 7n,
  'empty string': '', ascii: 'hello', latin1: 'fœtus ü'.replace('œ', 'é'), utf16: 'naïve 漢字 🎈',
  'lone surrogates': 'a\ud800b\udc00', bom: '\ufeffx', nul: 'a\0b',
  'long ascii': 'x'.repeat(5000), 'long latin1': 'é'.repeat(5000), 'long utf16': '漢'.repeat(5000),
  'almost ascii': `${'x'.repeat(300)}é`, 'string of 255': 'y'.repeat(255), 'string of 254': 'y'.repeat(254),
  object: { a: 1, b: 'two', c: { d: [null] } }, 'no prototype': Object.assign(Object.create(null), { a: 1 }),
  'integer keys': { 2: 'b', 1: 'a', z: 0 }, proto: JSON.parse('{"__proto__": {"x": 1}, "y": 2}'),
  'class instance': new Point(), getter, 'symbol key': { [Symbol('s')]: 1, t: 2 },
  array: [1, 'a', null, undefined], holes: [1, , 3], 'trailing hole': [1, , ], sparse, named, 'regexp match': 'abc'.match(/b/),
  'empty array': [], 'array of length only': new Array(7), 'long array': Array.from({ length: 300 }, (_, i) => i),
  date: new Date(1e12), regexp: /a\/b\n/giu,
  map: new Map([[1, 'a'], [{}, new Map()]]), set: new Set([1, '1', NaN, -0, shared]),
  'boxed boolean': Object(false), 'boxed number': Object(-0), 'boxed string': Object('s'), 'boxed bigint': Object(9n),
  buffer, 'empty buffer': new ArrayBuffer(0), resizable: new ArrayBuffer(8, { maxByteLength: 32 }),
  'data view': new DataView(buffer, 2, 3), 'view with offset': new Uint16Array(buffer, 2, 2),
  clamped: new Uint8ClampedArray([1, 300]), floats: new Float64Array([NaN, -0, 0.5]), bigints: new BigInt64Array([-1n]),
  'tracking view': new Uint8Array(new ArrayBuffer(4, { maxByteLength: 16 })),
  'fixed view of resizable': new Uint8Array(new ArrayBuffer(4, { maxByteLength: 16 }), 0, 4),
  error: new RangeError('far'), 'error with cause': new TypeError('why', { cause: { because: new Error('inner') } }),
  'own error name': Object.assign(new Error('m'), { name: 'Custom' }), 'error subclass': new (class Mine extends SyntaxError {})('m'),
  'error without message': new Error(), 'many objects twice': [...many, ...many],
};

for (const [name, value] of Object.entries(VALUES)) {
  test(`as structuredClone: ${name}`, () => {
    const expected = structuredClone(value);
    const actual = through(value);
    assert.deepStrictEqual(actual, expected);
    if (Array.isArray(expected)) assert.deepStrictEqual(Object.keys(actual), Object.keys(expected));
    if (expected instanceof Error) {
      // Node 20's structuredClone keeps no cause; the specification's serialisation of today does.
      assert.equal(actual.name, expected.name);
      assert.equal(actual.stack, expected.stack);
      assert.deepStrictEqual(actual.cause, value.cause);
    }
    if (ArrayBuffer.isView(expected)) {
      assert.equal(actual.byteOffset, expected.byteOffset);
      assert.deepStrictEqual(actual.buffer, expected.buffer);
    }
  });
}

test('identity and cycles are kept', () => {
  const value = { list: [shared, shared], map: new Map([[shared, shared]]) };
  value.self = value;
  value.views = [new Uint8Array(buffer, 1), new Uint8Array(buffer, 2), buffer];
  const cause = new Error('loop');
  cause.cause = cause;
  value.cause = cause;
  const actual = through(value);
  assert.equal(actual.self, actual);
  assert.equal(actual.list[0], actual.list[1]);
  assert.equal(actual.map.get(actual.list[0]), actual.list[0]);
  assert.equal(actual.views[0].buffer, actual.views[2]);
  assert.equal(actual.views[1].buffer, actual.views[2]);
  assert.equal(actual.cause.cause, actual.cause);
  assert.notEqual(actual.list[0], shared);
});

test('an invalid date stays one', () => {
  const actual = through(new Date(NaN));
  assert.ok(actual instanceof Date && Number.isNaN(actual.getTime()));
  assert.ok(Number.isNaN(packed([new Date(NaN)]).value[0].getTime()));
});

test('a resizable buffer and its tracking view stay so', () => {
  const actual = through(VALUES['tracking view']);
  assert.equal(actual.buffer.maxByteLength, 16);
  actual.buffer.resize(10);
  assert.equal(actual.length, 10);
  const fixed = through(VALUES['fixed view of resizable']);
  fixed.buffer.resize(10);
  assert.equal(fixed.length, 4);
});

test('every length of target too short is answered with FULL, none overrun', () => {
  for (const value of [VALUES.object, VALUES.utf16, VALUES['long latin1'], VALUES.floats, VALUES['error with cause'], 1e300]) {
    const length = encode(value, target, 0);
    for (let size = 0; size < Math.min(length, 200); size++) {
      const guarded = new Uint8Array(size + 16).fill(0xee);
      assert.equal(encode(value, guarded.subarray(0, size), 0), FULL);
      assert.ok(guarded.subarray(size).every((byte) => byte === 0xee));
    }
  }
});

test('what needs an agent is not codable, what cannot be cloned throws as structuredClone does', () => {
  for (const value of [new SharedArrayBuffer(8), new Uint8Array(new SharedArrayBuffer(8)), new Blob([]), new MessageChannel().port1, new WeakMap(), Promise.resolve()]) {
    assert.equal(encode({ value }, target, 0), NOT_CODABLE, String(value));
  }
  for (const value of [() => 1, Symbol('s'), { deep: [function named() {}] }]) {
    assert.throws(() => encode(value, target, 0), { name: 'DataCloneError' });
    assert.throws(() => structuredClone(value), { name: 'DataCloneError' });
  }
});

test('a getter that encodes, or throws, leaves the encoder whole', () => {
  const other = new Uint8Array(100);
  const value = { before: shared, get inner() { encode({ x: shared }, other, 0); return 1; }, after: shared };
  const actual = through(value);
  assert.equal(actual.before, actual.after);
  assert.throws(() => encode({ get bad() { throw new Error('mine'); } }, target, 0), /mine/);
  assert.deepEqual(through({ a: 1 }), { a: 1 });
});

test('cut and twisted bytes give a RangeError or another value, never a hang', () => {
  let seed = 7;
  const random = (n) => ((seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 8) % n;
  for (const value of [VALUES.object, VALUES.map, VALUES.floats, VALUES.error, VALUES.sparse, 'x'.repeat(300)]) {
    const end = encode(value, target, 0);
    const bytes = target.slice(0, end);
    for (let cut = 0; cut < Math.min(end, 100); cut++) assert.throws(() => decode(bytes, 0, cut), RangeError);
    for (let round = 0; round < 300; round++) {
      const twisted = bytes.slice();
      twisted[random(end)] = random(256);
      try {
        decode(twisted);
      } catch (error) {
        assert.ok(error instanceof RangeError || error instanceof SyntaxError || error instanceof TypeError, String(error));
      }
    }
  }
});

test('random values come through as structuredClone has them', () => {
  let seed = 2026;
  const random = (n) => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 4) % n;
  const pool = [];
  const make = (depth) => {
    if (pool.length > 0 && random(12) === 0) return pool[random(pool.length)];
    const scalars = Object.values(VALUES).filter((it) => typeof it !== 'object' || it === null);
    const kind = depth > 4 ? 0 : random(6);
    let value;
    if (kind < 2) return scalars[random(scalars.length)];
    if (kind === 2) {
      value = {};
      pool.push(value);
      for (let i = random(6); i > 0; i--) value[`k${random(20)}`] = make(depth + 1);
    } else if (kind === 3) {
      value = [];
      pool.push(value);
      for (let i = random(6); i > 0; i--) value[random(8)] = make(depth + 1);
    } else if (kind === 4) {
      value = new Map();
      pool.push(value);
      for (let i = random(4); i > 0; i--) value.set(make(depth + 1), make(depth + 1));
    } else {
      value = new Set();
      pool.push(value);
      for (let i = random(4); i > 0; i--) value.add(make(depth + 1));
    }
    return value;
  };
  for (let round = 0; round < 400; round++) {
    pool.length = 0;
    const value = make(0);
    assert.ok(isDeepStrictEqual(through(value), structuredClone(value)), `round ${round}`);
  }
});

/** Trees of what most records are made of, with some of each edge. */
const TREES = {
  empty: {}, 'empty array': [], 'nothing but names': { a: undefined, b: null, c: true, d: false },
  numbers: [0, -0, 1, -1, 2 ** 28 - 1, 2 ** 28, -(2 ** 28), -(2 ** 28) - 1, 2 ** 31, 0.1, NaN, Infinity, 1e308],
  strings: ['', 'a', 'x'.repeat(3000), 'naïve', '漢字 🎈', '\ufeffbom', 'nul\0', ...Array.from({ length: 300 }, (_, i) => `string ${i}`)],
  'text without ASCII': Array.from({ length: 300 }, (_, i) => ({ [`ключ ${i % 3}`]: `строка ${i}` })),
  'halves of a character in two strings': ['a\ud83c', '\udf88b'],
  dates: [new Date(1e12), new Date(-1.5), { at: new Date(0) }],
  records: Array.from({ length: 50 }, (_, i) => ({ id: i, name: `n${i}`, tags: ['a', 'b'], at: { x: i / 2, y: -i } })),
  'records unlike each other': Array.from({ length: 80 }, (_, i) => ({ [`k${i % 37}`]: i, ...(i % 2 ? { b: { c: i } } : { b: [i] }), ...(i % 3 ? {} : { z: 1 }) })),
  'names that begin alike': [{ a: 1, b: 2, c: 3 }, { a: 1, b: 2 }, { a: 1 }, {}, { a: 1, c: 2 }, { a: 1, b: 2, c: 3, d: 4 }, { b: 1, a: 2 }],
  'names cut elsewhere': [{ ab: 1, c: 2 }, { a: 1, bc: 2 }], 'integer names': { 2: 'b', 1: 'a', z: 0 },
  dictionary: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`key ${i}`, { i }])),
  'no own names': Object.create(Object.prototype, { hidden: { value: 1 } }), getter, 'symbol key': { [Symbol('s')]: 1, t: 2 },
  'a method of the prototype as a name': { toString: 1, constructor: 'x', hasOwnProperty: null },
};

for (const [name, value] of Object.entries(TREES)) {
  test(`packed as structuredClone: ${name}`, () => {
    // Twice: what was learned of the first must not show in the second.
    for (let round = 0; round < 2; round++) {
      const actual = packed(value);
      assert.ok(actual, 'it was not packed');
      assert.deepStrictEqual(actual.value, structuredClone(value));
      assert.equal(JSON.stringify(actual.value), JSON.stringify(structuredClone(value)), 'the order of names');
    }
  });
}

test('what is no tree of plain values is left to the codec, or comes out as structuredClone has it', () => {
  const leave = {
    twice: [shared, shared], cycle: Object.assign([], { 0: 1 }), 'hole': [1, , 3], named, sparse, 'lone surrogate': ['a\ud800b'],
    'hole and a name': Object.assign([1, , ], { extra: 1 }), bigint: [5n], map: [new Map()], proto: [JSON.parse('{"__proto__": 1}')],
    'class instance': [new Point()], 'no prototype': [Object.create(null)], error: [new Error('x')], view: [new Uint8Array(4)],
    'deep down': { a: { b: [{ c: new Set() }] } }, 'a function': { f() {} }, symbol: [Symbol('s')], regexp: { r: /x/ },
  };
  leave.cycle.push({ back: leave.cycle });
  let deep = [];
  for (let i = 0; i < 300; i++) deep = [deep];
  for (const [name, value] of Object.entries({ ...leave, deep })) {
    assert.equal(pack(value, words, target), NOT_CODABLE, name);
    assert.ok(packed(TREES.records), 'the next one is packed as ever');
  }
  for (const [name, value] of Object.entries(VALUES)) {
    if (typeof value !== 'object' || value === null) continue;
    const actual = packed(value);
    if (actual) assert.deepStrictEqual(actual.value, structuredClone(value), name);
  }
});

test('an object that is met twice is found wherever it is and whatever is around it', () => {
  const things = [{ n: 1 }, [1, 2], {}, [], new Date(5), { s: 'text' }, ['a', 'b'], { deep: { er: [{ x: 1 }] } }, { last: '' }, [[['']]]];
  for (const size of [2, 5, 40, 700]) {
    for (const thing of things) {
      for (const alike of [(i) => ({ i, text: `t${i}` }), () => ({ n: 1 }), () => [1, 2]]) {
        const value = Array.from({ length: size }, (_, i) => ({ before: `b${i}`, one: alike(i) }));
        assert.ok(packed(value), 'all are different');
        value[0].here = thing;
        assert.ok(packed(value), 'once is no harm');
        value[size - 1].there = { in: [1, 'x', thing] };
        assert.equal(pack(value, words, target), NOT_CODABLE, `${JSON.stringify(thing)} among ${size}`);
      }
    }
  }
});

test('a name that somebody gave to all objects is not packed', () => {
  Object.prototype.everywhere = 1;
  try {
    assert.equal(pack({ a: 1 }, words, target), NOT_CODABLE);
  } finally {
    delete Object.prototype.everywhere;
  }
});

test('packing into too little room answers FULL and overruns nothing', () => {
  for (const value of [TREES.records, TREES.strings, TREES['text without ASCII'], TREES.dictionary, TREES.numbers]) {
    const { end } = packed(value);
    for (let size = 0; size < end; size += end < 400 ? 4 : 44) {
      const guarded = new Uint8Array(size + 16).fill(0xee);
      assert.equal(pack(value, new Int32Array(guarded.buffer, 0, size / 4), guarded.subarray(0, size)), FULL, `${size} of ${end}`);
      assert.ok(guarded.subarray(size).every((byte) => byte === 0xee));
    }
  }
});

test('a getter that packs, throws or changes its object leaves the packer whole', () => {
  const other = new Uint8Array(1000);
  const value = { before: [1], get inner() { return pack({ x: [1, 2] }, new Int32Array(other.buffer), other); }, after: 'x' };
  assert.deepEqual(packed(value).value, { before: [1], inner: NOT_CODABLE, after: 'x' });
  assert.throws(() => pack({ deep: [{ get bad() { throw new Error('mine'); } }] }, words, target), /mine/);
  const making = () => ({ get first() { delete this.second; return 1; }, second: 2, third: 3 });
  assert.deepEqual(packed(making()).value, structuredClone(making()));
  assert.deepEqual(packed(TREES.records).value, TREES.records);
});

test('cut and twisted packed bytes give a RangeError or another value, never a hang', () => {
  let seed = 11;
  const random = (n) => ((seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 8) % n;
  for (const name of ['records', 'strings', 'text without ASCII', 'names that begin alike', 'dates']) {
    const { end } = packed(TREES[name]);
    pack(TREES[name], words, target);
    const bytes = target.slice(0, end);
    for (let cut = 0; cut < end; cut += 1 + random(end >> 6)) assert.throws(() => unpack(bytes, 0, cut), RangeError, `${name} cut at ${cut}`);
    for (let round = 0; round < 1000; round++) {
      const twisted = bytes.slice();
      twisted[random(round % 2 ? end : Math.min(end, 64))] = random(256);
      try {
        unpack(twisted, 0, end);
      } catch (error) {
        assert.ok(error instanceof RangeError, String(error));
      }
    }
    pack(TREES[name], words, target);
    assert.deepStrictEqual(unpack(target, 0, end), structuredClone(TREES[name]), 'what was damaged is forgotten');
  }
});

test('random trees come through packed as structuredClone has them, in whatever order they are sent', () => {
  let seed = 77;
  const random = (n) => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 4) % n;
  const scalars = [...TREES.numbers, ...TREES.strings.slice(0, 8), undefined, null, true, false];
  const names = ['a', 'b', 'ab', 'id', 'name', 'ü', 'x y', '0', '7', 'toString'];
  const make = (depth) => {
    const kind = depth > 4 ? 0 : random(5);
    if (kind < 2) return scalars[random(scalars.length)];
    if (kind === 2) return Array.from({ length: random(6) }, () => make(depth + 1));
    if (kind === 3 && random(4) === 0) return new Date(random(1e9));
    const value = {};
    for (let i = random(5); i > 0; i--) value[names[random(names.length)]] = make(depth + 1);
    return value;
  };
  let some = 0;
  for (let round = 0; round < 1500; round++) {
    const value = [make(0), make(1)];
    const actual = packed(value);
    if (!actual) continue;
    some++;
    assert.ok(isDeepStrictEqual(actual.value, structuredClone(value)), `round ${round}`);
  }
  assert.ok(some > 1000, `only ${some} were packed`);
});
