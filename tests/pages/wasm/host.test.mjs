// Host functions of guests: plain and asynchronous ones, what they throw, and what the guest does meanwhile.
// modes: isolated bare
import { assert, assertEqual, assertRejects, sleep, test, within } from '/tests/pages/lib/test.mjs';
import { wat } from '/tests/pages/lib/wat.mjs';
import { compile, instantiate } from 'isolith/wasm';

const CALLER = `(module
  (import "env" "log" (func $log (param i32 i32)))
  (import "env" "add" (func $add (param i32 i32) (result i32)))
  (import "env" "wide" (func $wide (param i64) (result i64)))
  (import "env" "pair" (func $pair (result i32 f64)))
  (memory (export "memory") 1)
  (data (i32.const 16) "from the guest")
  (func (export "hello") (call $log (i32.const 16) (i32.const 14)))
  (func (export "sum") (param i32 i32) (result i32) (call $add (local.get 0) (local.get 1)))
  (func (export "far") (param i64) (result i64) (call $wide (local.get 0)))
  (func (export "both") (result i32 f64) (call $pair))
  (func (export "twice") (param i32) (result i32)
    (i32.mul (i32.const 2) (call $add (local.get 0) (i32.const 0)))))`;

const shared = { shared: true, reason: 'a guest in a worker can wait for its page only by shared memory' };
const code = (number) => ({ name: 'WasmError', code: number });
const host = (more = {}) => ({ env: { log() {}, add: (a, b) => a + b, wide: (n) => n, pair: () => [1, 2.5], ...more } });
const guest = async (config) => instantiate(await compile(await wat(CALLER)), config);

test('host functions take numbers and bigints, and return by the signature, on this thread', async () => {
  const seen = [];
  const instance = await guest({ inline: true, imports: host({ log: (...args) => seen.push(args), wide: (n) => (seen.push(n), 7) }) });
  await instance.call('hello');
  assertEqual(seen, [[16, 14]]);
  assertEqual(await instance.call('sum', 2, 3), [5]);
  assertEqual(await instance.call('far', 2n ** 60n), [7]);
  assertEqual(seen[1], 2n ** 60n);
  assertEqual(await instance.call('both'), [1, 2.5]);
  assertEqual(instance.callSync('sum', 4, 5), [9]);
  await instance.drop();
});

test('a promise is no answer for a guest on this thread', async () => {
  const instance = await guest({ inline: true, imports: host({ add: async () => 1 }) });
  const error = await assertRejects(instance.call('sum', 1, 2), code(5002));
  assert(/promise/.test(error.message), error.message);
  await instance.drop();
});

test('what a host function throws is the cause, the very same', async () => {
  const mine = new RangeError('mine');
  const config = { imports: host({ add: () => { throw mine; } }) };
  const inline = await guest({ ...config, inline: true });
  assert((await assertRejects(inline.call('sum', 1, 2), code(5002))).cause === mine);
  await inline.drop();
});

test('results that do not fit the signature are 5007', async () => {
  const instance = await guest({ inline: true, imports: host({ add: () => 'x', pair: () => [1] }) });
  await assertRejects(instance.call('sum', 1, 2), code(5007));
  await assertRejects(instance.call('both'), code(5007));
  await instance.drop();
});

test('host functions of a worker\'s guest run on the page, awaited by the guest', async () => {
  const seen = [];
  const slow = async (a, b) => {
    await sleep(5);
    return a * b;
  };
  const instance = await guest({ imports: host({ log: (...args) => seen.push(args), add: slow }) });
  await instance.call('hello');
  assertEqual(seen, [[16, 14]]);
  assertEqual(await instance.call('sum', 6, 7), [42]);
  assertEqual(await instance.call('far', -(2n ** 62n)), [-(2n ** 62n)]);
  assertEqual(await instance.call('both'), [1, 2.5]);
  const many = await Promise.all(Array.from({ length: 50 }, (_, n) => instance.call('twice', n)));
  assertEqual(many.flat(), Array.from({ length: 50 }, () => 0), 'n * 0 each');
  await instance.drop();
}, shared);

test('while the guest waits its memory can be read, and it can be called', async () => {
  let instance;
  const texts = [];
  const log = async (at, length) => {
    texts.push(new TextDecoder().decode(await instance.memory.read(at, length)));
    await instance.memory.write(at, new TextEncoder().encode('FROM'));
    texts.push(await instance.memory.size());
    texts.push(...(await instance.call('sum', 20, 22)));
  };
  instance = await guest({ imports: host({ log }) });
  await instance.call('hello');
  assertEqual(texts, ['from the guest', 1, 42]);
  assertEqual(new TextDecoder().decode(await instance.memory.read(16, 14)), 'FROM the guest');
  await instance.drop();
}, shared);

test('large data crosses while the guest waits', async () => {
  let instance;
  const bytes = new Uint8Array(50_000).map((_, at) => at * 3);
  const log = async () => {
    await instance.memory.write(1000, bytes);
    assertEqual(await instance.memory.read(1000, bytes.length), bytes);
    await assertRejects(instance.memory.read(65536, 1), code(5006));
  };
  instance = await guest({ imports: host({ log }) });
  await instance.call('hello');
  assertEqual(await instance.memory.read(1000, bytes.length), bytes);
  await instance.drop();
}, shared);

test('what the host throws reaches the caller through the worker as itself', async () => {
  const mine = Object.assign(new RangeError('mine'), { extra: () => 'functions do not clone' });
  const instance = await guest({ imports: host({ add: async () => { throw mine; }, wide: () => 'x' }) });
  const error = await assertRejects(instance.call('sum', 1, 2), code(5002));
  assert(error.cause === mine, 'the same object');
  assert(/mine/.test(error.message), error.message);
  assertEqual((await assertRejects(instance.call('far', 1n))).cause.code, 5007);
  assertEqual(await instance.call('both'), [1, 2.5], 'it lives');
  await instance.drop();
}, shared);

test('a host function that never settles ends with the deadline, or with drop', async () => {
  const never = host({ add: () => new Promise(() => {}) });
  const late = await guest({ imports: never, timeout: 100 });
  const error = await assertRejects(within(15_000, late.call('sum', 1, 2)), code(5002));
  assertEqual(error.cause.name, 'TimeoutError');
  await assertRejects(late.call('both'), code(5005));
  const dropped = await guest({ imports: never });
  const stuck = assertRejects(dropped.call('sum', 1, 2), code(5005));
  await sleep(20);
  await within(15_000, dropped.drop());
  await stuck;
}, shared);

test('without shared memory a worker\'s guest cannot have host functions, and says so', async () => {
  await assertRejects(guest({ imports: host() }), { code: 'ERR_NOT_ISOLATED' });
}, { shared: false, reason: 'where shared memory works it can' });

test('imports other than functions: numbers for globals, memories, and what only this thread can share', async () => {
  const id = await compile(await wat(`(module
    (import "env" "base" (global $base i32)) (import "env" "wide" (global $wide i64)) (import "env" "memory" (memory 1))
    (func (export "base") (result i32) (global.get $base)) (func (export "wide") (result i64) (global.get $wide))
    (func (export "first") (result i32) (i32.load8_u (i32.const 0))))`));
  const env = { base: 1024, wide: 5 };
  const own = await instantiate(id, { imports: { env } });
  assertEqual(await own.call('base'), [1024]);
  assertEqual(await own.call('wide'), [5]);
  await own.memory.write(0, new Uint8Array([9]));
  assertEqual(await own.call('first'), [9], 'an imported memory is the instance\'s');
  await own.drop();
  const memory = new WebAssembly.Memory({ initial: 1 });
  new Uint8Array(memory.buffer)[0] = 77;
  await assertRejects(instantiate(id, { imports: { env: { ...env, memory } } }), code(5001));
  for (const config of [{ imports: { env: { ...env, memory } } }, { imports: { env }, memory }]) {
    const inline = await instantiate(id, { ...config, inline: true });
    assertEqual(await inline.call('first'), [77]);
    await inline.drop();
  }
  await assertRejects(instantiate(id, { imports: { env: { ...env, base: 'x' } }, inline: true }), code(5001));
});
