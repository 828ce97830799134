// Task data and results against structuredClone: every kind, what is refused, and what is moved.
// modes: isolated bare
import { assert, assertEqual, assertRejects, assertThrows, test } from '/tests/pages/lib/test.mjs';
import { picture } from '/tests/pages/lib/picture.mjs';
import { createPool } from 'isolith';

const twice = { deep: [1] };
const cycle = { twice, list: [twice, , null, undefined, -0, NaN], map: new Map(), set: new Set() };
cycle.self = cycle;
cycle.map.set(cycle, twice).set('map', cycle.map);
cycle.set.add(cycle.set).add(twice);
const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer;
const holes = [1, , 3, , ,];
holes.named = 'named';
class Point {
  #hidden = 1;
  x = 1;
  get sum() { return this.#hidden + this.x; }
  method() {}
}
class Posing {
  constructor(as, own) {
    Object.defineProperty(this, Symbol.toStringTag, { value: as });
    Object.assign(this, own);
  }
}
const causes = new TypeError('outer', { cause: new RangeError('inner', { cause: 'text' }) });
const own = Object.assign(new Error('with fields'), { code: 'ECODE', extra: 1 });
const accessor = Object.defineProperty(new Error(), 'message', { get: () => 'from a getter' });
const lazy = { get a() { delete this.b; return 1; }, b: 2, c: 3 };
const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`key ${n}`, { n, text: `value ${n}`, flag: n % 2 === 0, none: null }]));

/** Values by what is special about them. */
const VALUES = {
  undefined: undefined, null: null, true: true, false: false, zero: 0, 'minus zero': -0, one: 1, fraction: 0.1, NaN: NaN, infinite: -Infinity,
  'beyond int32': 2 ** 31, 'beyond safe': 2 ** 60, bigint: 5n, 'large bigint': -(2n ** 200n),
  'no text': '', ascii: 'ascii', latin: 'naïve', wide: '漢字 🎈', 'lone surrogates': '\ud800a\udc00\udbff', 'byte order mark': '\ufeffbom\0end', long: '漢'.repeat(200_000),
  'cycles and identity': cycle, empty: [[], {}, new Map(), new Set()], 'holes and names': holes, 'only holes': new Array(5), match: 'abc'.match(/b/),
  'a property __proto__': JSON.parse('{"__proto__": {"a": 1}}'), 'no prototype': Object.assign(Object.create(null), { a: 1 }),
  'class instance': new Point(), 'array subclass': new (class List extends Array {})(1, 2, 3), getter: { get computed() { return 'value'; } },
  'getter that deletes': lazy, 'not enumerable': Object.defineProperty({ a: 1 }, 'hidden', { value: 2 }), symbols: { [Symbol('s')]: 1, a: 1 },
  'lone surrogates in keys': { '\ud800': '\udfff' }, 'numbers as keys': { 2: 'b', 1: 'a', z: 0 }, 'for JSON': many, 'for JSON with minus zero': { ...many, last: -0 }, 'for JSON with undefined': { ...many, last: undefined },
  'for JSON, twice the same': { ...many, again: many['key 1'] }, 'for JSON with surrogates': { ...many, '\udc00': '\ud800' },
  date: new Date(1e12), 'invalid date': new Date(NaN), regexp: Object.assign(/a\/b\n/dgimsuy, { lastIndex: 3 }),
  map: new Map([[twice, cycle], [NaN, -0]]), set: new Set([1, '1', twice]), 'map with names': Object.assign(new Map([[1, 2]]), { named: 1 }),
  'boxed boolean': Object(false), 'boxed number': Object(-0), 'boxed text': Object('\ud800s'), 'boxed bigint': Object(9n),
  buffer, 'no bytes': new ArrayBuffer(0), 'data view': new DataView(buffer, 2, 3), 'views of one buffer': [new Uint16Array(buffer, 2, 2), new Uint8Array(buffer), buffer],
  'a small view of a large buffer': new Uint8Array(300_000).subarray(7, 10), floats: new Float64Array([NaN, -0, 0.5]), bigints: new BigInt64Array([-1n]),
  clamped: new Uint8ClampedArray([300]), 'large view': new Uint8Array(300_000).fill(7), 'shared by two objects': [{ v: new Int8Array(buffer, 1) }, { v: new Int8Array(buffer, 1) }],
  'every view': [Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array].map((Type) => new Type(3)),
  error: new RangeError('far'), 'error with causes': causes, 'error without message': new Error(), 'error with fields': own, 'error subclass': new (class Mine extends TypeError {})('sub'),
  'error renamed': Object.assign(new Error('m'), { name: 'SyntaxError' }), 'error of unknown name': Object.assign(new Error('m'), { name: 'Custom' }), 'error with an accessor': accessor,
  'aggregate error': new AggregateError([new Error('a')], 'all'), 'error in a cycle': Object.assign(new Error('c'), { cause: cycle }),
  'an object called Map': new Posing('Map', { a: 1 }), 'an object called Error': new Posing('Error', { name: 'RangeError', message: 'none' }), 'an object called Date': new Posing('Date', { a: 1 }),
  'an object called Uint8Array': new Posing('Uint8Array', { a: 1 }),
};

test('task data arrives as structuredClone would copy it, and comes back so', async () => {
  const pool = createPool(1);
  const { run } = pool.module('/tests/pages/lib/picture.mjs');
  const wrong = [];
  for (const [name, value] of Object.entries(VALUES)) {
    // A getter that changes its object is run once for each copy.
    const fresh = () => (value === lazy ? Object.defineProperties({}, Object.getOwnPropertyDescriptors(lazy)) : value);
    const expected = picture(structuredClone(fresh()));
    const [there, back] = await Promise.all([run('pictured', fresh()), pool.run((x) => x, fresh())].map((it) => it.catch(String)));
    if (there !== expected) wrong.push(`${name} is ${there} there, expected ${expected}`.slice(0, 600));
    if (picture(back) !== expected) wrong.push(`${name} is ${picture(back)} back, expected ${expected}`.slice(0, 600));
  }
  assertEqual(wrong, []);
  await pool.destroy();
});

test('causes of errors travel where structuredClone lets them, whatever way they take', async () => {
  const pool = createPool(1);
  const clone = structuredClone(causes);
  const blob = (await pool.run((x) => x, [causes, new Blob([])]))[0];
  assertEqual(picture(blob.cause), picture(clone.cause), 'by message');
  const { cause } = await pool.run((x) => x, causes);
  // Shared memory carries it everywhere; WebKit's own clone makes something else of it.
  if (clone.cause instanceof RangeError) assertEqual([cause instanceof RangeError, cause.message, cause.cause], [true, 'inner', 'text']);
  const thrown = await assertRejects(pool.run(() => { throw new TypeError('outer', { cause: new RangeError('inner') }); }), { name: 'TypeError' });
  assertEqual([thrown.cause instanceof RangeError, thrown.cause.message], [true, 'inner']);
  await pool.destroy();
});

test('what is thrown arrives as what it was: classes, codes, fields, and what is no error', async () => {
  const pool = createPool(1);
  const mine = await assertRejects(pool.run(() => { throw Object.assign(new (class Mine extends RangeError { name = 'Mine'; })('m'), { code: 7, list: [1] }); }));
  assertEqual([mine.name, mine.message, mine.code, mine.list], ['Mine', 'm', 7, [1]]);
  const all = await assertRejects(pool.run(() => Promise.any([Promise.reject(new TypeError('one'))])));
  assertEqual([all instanceof AggregateError, all.errors[0] instanceof TypeError], [true, true]);
  const dom = await assertRejects(pool.run(() => { throw new DOMException('d', 'NotFoundError'); }));
  assertEqual([dom instanceof DOMException, dom.name, dom.code], [true, 'NotFoundError', 8]);
  for (const value of ['text', 5, null, undefined, { a: 1 }]) {
    assertEqual(await pool.run((x) => { throw x; }, value).then(() => 'resolved', (it) => [it]), [value]);
  }
  assertEqual(await pool.run(() => { throw () => 1; }).catch(String), '() => 1');
  await pool.destroy();
});

test('what structuredClone refuses is refused, as data and as result, and the pool goes on', async () => {
  const pool = createPool(1);
  const detached = new ArrayBuffer(8);
  const view = new Uint8Array(detached);
  structuredClone(0, { transfer: [detached] });
  const REFUSED = {
    function: () => 1, symbol: Symbol('s'), inside: { a: [{ f() {} }] }, promise: [Promise.resolve()], 'weak map': [new WeakMap()], detached, 'view of detached': [view],
    node: document.body, 'boxed symbol': Object(Symbol('s')), 'getter that throws': { get x() { throw new RangeError('getter'); } }, port: new MessageChannel().port1,
  };
  for (const [name, value] of Object.entries(REFUSED)) {
    assertThrows(() => structuredClone(value), {}, name);
    const error = await assertRejects(pool.run((x) => x, value), { code: 'ERR_NOT_SERIALIZABLE', message: /the task's data/ }, name);
    assert(error.cause !== undefined, `${name} has a cause`);
  }
  const results = [() => () => 1, () => Symbol('s'), () => [{ f() {} }], () => [Promise.resolve(1)], () => new WeakMap(), () => ({ get x() { throw new Error('getter'); } }), async () => globalThis];
  for (const task of results) await assertRejects(pool.run(task), { code: 'ERR_NOT_SERIALIZABLE', message: /the task's result/ }, String(task));
  assertEqual([pool.pendingTasks, await pool.run((x) => x, 1)], [0, 1]);
  await pool.destroy();
});

test('deeply nested data is copied, or refused where a worker cannot read it', async () => {
  const pool = createPool(1);
  const count = (it) => { let n = 0; for (; it !== undefined; it = Array.isArray(it) ? it[0] : it.value) n++; return n; };
  for (const depth of [100, 1000, 3000, 6000, 10_000, 100_000]) {
    let value = [];
    for (let n = 0; n < depth; n++) value = n % 2 ? { value } : [value];
    for (const data of [value, [value, new Blob([])]]) {
      const there = pool.run(count, data).then((n) => n - (data === value ? 0 : 1), (error) => error.code ?? String(error.stack));
      const back = pool.run((x) => x, data).then((it) => count(data === value ? it : it[0]), (error) => error.code ?? String(error.stack));
      const fair = depth <= 1000 ? [depth + 1] : [depth + 1, 'ERR_NOT_SERIALIZABLE', 'ERR_WORKER_CRASHED'];
      for (const answer of [await there, await back]) assert(fair.includes(answer), `${depth} levels: ${answer}`);
      assertEqual(await pool.run((x) => x, depth), depth, 'the pool goes on');
    }
  }
  await pool.destroy();
});

test('transfer lists do what structuredClone does with them', async () => {
  const pool = createPool(1);
  const length = (it) => (it?.byteLength ?? it?.buffer?.byteLength ?? -1);
  for (const data of [5, 'text', undefined, null, { a: 1 }]) {
    const apart = new ArrayBuffer(8);
    assertEqual(await pool.run((x) => x, data, { transfer: [apart] }), data);
    assertEqual(apart.byteLength, 0, 'what is not in the data is moved all the same');
  }
  const one = new ArrayBuffer(64);
  assertEqual(await pool.run((views) => [views[0].buffer === views[1].buffer, views[0].length, views[1].byteOffset], [new Uint8Array(one), new Uint8Array(one, 8)], { transfer: [one] }), [true, 64, 8]);
  assertEqual(one.byteLength, 0);
  const kept = new ArrayBuffer(8);
  await assertRejects(pool.run(length, kept, { transfer: [kept, kept] }), { code: 'ERR_NOT_SERIALIZABLE' });
  assertEqual(kept.byteLength, 8, 'a refused list moves nothing');
  await assertRejects(pool.run(length, kept, { transfer: [one] }), { code: 'ERR_NOT_SERIALIZABLE' });
  await assertRejects(pool.run(length, { f: () => 1 }, { transfer: [kept] }), { code: 'ERR_NOT_SERIALIZABLE' });
  await assertRejects(pool.run(length, kept, { transfer: ['text'] }), {});
  assertEqual([kept.byteLength, pool.pendingTasks], [8, 0]);
  // While the pool is busy the same holds at once.
  const busy = pool.run(() => new Promise((resolve) => { globalThis.go = resolve; }));
  const waiting = [new ArrayBuffer(16), new ArrayBuffer(32)];
  const later = waiting.map((it) => pool.run((x) => x.byteLength, it, { transfer: [it] }));
  assertEqual(waiting.map(length), [0, 0]);
  await assertRejects(pool.run(length, kept, { transfer: [kept, kept] }), { code: 'ERR_NOT_SERIALIZABLE' });
  const dropped = new ArrayBuffer(8);
  const control = new AbortController();
  const aborted = pool.run(length, dropped, { transfer: [dropped], signal: control.signal });
  control.abort();
  await assertRejects(aborted, { name: 'AbortError' });
  pool.resize(2);
  await pool.run(() => 0);
  assertEqual(await Promise.all(later), [16, 32]);
  busy.catch(() => {});
  await pool.destroy();
});

test('a result that cannot be moved rejects its task alone', async () => {
  const pool = createPool(1);
  await assertRejects(pool.run((_, ctx) => { const it = new ArrayBuffer(8); ctx.transfer([it, it]); return it; }), { code: 'ERR_NOT_SERIALIZABLE' });
  await assertRejects(pool.run((_, ctx) => { ctx.transfer(['text']); return 1; }), { code: 'ERR_NOT_SERIALIZABLE' });
  const [port, buffer] = await pool.run((_, ctx) => { const { port1 } = new MessageChannel(); const it = new ArrayBuffer(8); ctx.transfer([port1, it]); return [port1, it]; });
  assertEqual([port instanceof MessagePort, buffer.byteLength], [true, 8]);
  assertEqual(await pool.run((x) => x, 2), 2);
  await pool.destroy();
});
