// Guests through the API of the document: compile, instantiate, call, memory, exports, ids, and the errors by number.
// modes: isolated bare
import { assert, assertEqual, assertRejects, test } from '/tests/pages/lib/test.mjs';
import { wat } from '/tests/pages/lib/wat.mjs';
import * as wasm from 'isolith/wasm';
import { writeFile } from 'isolith';

const SAMPLE = `(module
  (memory (export "memory") 2 6)
  (global (export "counter") (mut i64) (i64.const 7))
  (table (export "table") 3 funcref)
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "divmod") (param i32 i32) (result i32 i32)
    (i32.div_s (local.get 0) (local.get 1)) (i32.rem_s (local.get 0) (local.get 1)))
  (func (export "wide") (param i64) (result i64) (local.get 0))
  (func (export "half") (param f64) (result f64) (f64.div (local.get 0) (f64.const 2)))
  (func (export "single") (param f32) (result f32) (local.get 0))
  (func (export "mixed") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
    (local.get 3) (local.get 2) (local.get 1) (local.get 0))
  (func (export "none"))
  (func (export "trap") unreachable)
  (func $deep (export "deep") (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))
  (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "sum") (param i32 i32) (result i32) (local i32)
    (block $done (loop $on
      (br_if $done (i32.eqz (local.get 1)))
      (local.set 2 (i32.add (local.get 2) (i32.load8_u (local.get 0))))
      (local.set 0 (i32.add (local.get 0) (i32.const 1)))
      (local.set 1 (i32.sub (local.get 1) (i32.const 1)))
      (br $on)))
    (local.get 2)))`;

let bytes;
const sample = async (config) => {
  bytes ??= await wat(SAMPLE);
  const id = await wasm.compile(bytes);
  return { id, instance: await wasm.instantiate(id, config) };
};
const code = (number) => ({ name: 'WasmError', code: number, message: new RegExp(`^\\[${number}\\] .`) });

for (const config of [{}, { inline: true }]) {
  const where = config.inline ? 'on this thread' : 'in a worker';

  test(`calls convert by the signature, ${where}`, async () => {
    const { id, instance } = await sample(config);
    assertEqual(await instance.call('add', 10, 32), [42]);
    assertEqual(await instance.call('add', 0xffffffff, 1), [0]);
    assertEqual(await instance.call('divmod', 42, 5), [8, 2]);
    assertEqual(await instance.call('half', 3), [1.5], 'an integer for a float');
    assertEqual(await instance.call('half', -0), [-0]);
    assertEqual(await instance.call('half', NaN), [NaN]);
    assertEqual(await instance.call('half', 9007199254740991n), [9007199254740991 / 2]);
    assertEqual(await instance.call('single', 3.14159), [Math.fround(3.14159)]);
    assertEqual(await instance.call('mixed', 1, 2n, 3, 4), [4, 3, 2, 1]);
    assertEqual(await instance.call('none'), []);
    const { i32, i64, f32, f64 } = wasm.types;
    assertEqual(await instance.call('mixed', i32(-1), i64(5n), f32(0.1), f64(0.1)), [0.1, Math.fround(0.1), 5, -1]);
    assertEqual(instance.moduleId, id);
    await instance.drop();
    await wasm.dropModule(id);
  });

  test(`64-bit integers are exact both ways, ${where}`, async () => {
    const { id, instance } = await sample(config);
    for (const value of [0n, -1n, 2n ** 53n, -(2n ** 53n)]) assertEqual(await instance.call('wide', value), [Number(value)]);
    for (const value of [2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]) assertEqual(await instance.call('wide', value), [value]);
    assertEqual(await instance.call('wide', 2n ** 64n - 1n), [-1], 'unsigned as the same bits');
    assertEqual(await instance.call('wide', 9007199254740991), [9007199254740991]);
    const always = await wasm.instantiate(id, { ...config, bigint: 'always' });
    assertEqual(await always.call('wide', 5), [5n]);
    await always.drop();
    await instance.drop();
  });

  test(`arguments that do not fit are 5007, ${where}`, async () => {
    const { instance } = await sample(config);
    const { types } = wasm;
    const wrong = [
      ['add', 1], ['add', 1, 2, 3], ['add', '1', 2], ['add', null, 2], ['add', undefined, 2], ['add', true, 2], ['add', 1.5, 2],
      ['add', 2 ** 32, 1], ['add', -(2 ** 31) - 1, 1], ['add', NaN, 1], ['add', 2n ** 40n, 1], ['add', types.f64(1), 2],
      ['wide', 2n ** 64n], ['wide', -(2n ** 63n) - 1n], ['wide', 0.5], ['wide', 2 ** 60], ['wide', types.i32(1)], ['half', 2n ** 70n + 1n], ['half', {}],
    ];
    for (const [name, ...args] of wrong) await assertRejects(instance.call(name, ...args), code(5007), `${name}(${String(args)})`);
    assertEqual(await instance.call('add', 1, 2), [3], 'it lives');
    await instance.drop();
  });

  test(`memory is read, written and grown, ${where}`, async () => {
    const { instance } = await sample(config);
    const { memory } = instance;
    const text = new TextEncoder().encode('Hello, WASM!');
    await memory.write(100, text);
    assertEqual(await memory.read(100, text.length), text);
    assertEqual(await instance.call('sum', 100, text.length), [text.reduce((a, b) => a + b, 0)]);
    await memory.write(200, text.subarray(7, 11));
    assertEqual(new TextDecoder().decode(await memory.read(200, 5)), 'WASM\0');
    const large = new Uint8Array(100_000).map((_, at) => at * 7);
    await memory.write(20_000, large);
    assertEqual(await memory.read(20_000, large.length), large);
    assertEqual(large.length, 100_000, 'what is written stays with the caller');
    assertEqual(await memory.size(), 2);
    assertEqual(await memory.grow(3), 2);
    assertEqual(await memory.size(), 5);
    assertEqual(await memory.read(5 * 65536 - 1, 1), new Uint8Array(1));
    assertEqual(await memory.read(5 * 65536, 0), new Uint8Array(0));
    await assertRejects(memory.grow(2), code(5006));
    for (const [offset, length] of [[999999999, 1024], [5 * 65536, 1], [-1, 1], [0.5, 1], [0, -1], [0, NaN], [2 ** 53, 1]]) {
      await assertRejects(memory.read(offset, length), code(5006), `${offset} ${length}`);
    }
    await assertRejects(memory.write(5 * 65536 - 3, text), code(5006));
    assertEqual(await memory.read(5 * 65536 - 3, 3), new Uint8Array(3), 'nothing is half written');
    await instance.drop();
  });

  test(`exports are told with their types, ${where}`, async () => {
    const { instance } = await sample(config);
    const exports = await instance.getExports();
    const of = (name) => exports.find((one) => one.name === name);
    assertEqual(of('add'), { name: 'add', kind: 'func', params: ['i32', 'i32'], results: ['i32'] });
    assertEqual(of('mixed').results, ['f64', 'f32', 'i64', 'i32']);
    assertEqual(of('memory'), { name: 'memory', kind: 'memory', initial: 2, maximum: 6, shared: false, wide: false });
    assertEqual(of('counter'), { name: 'counter', kind: 'global', type: 'i64', mutable: true });
    assertEqual(of('table').kind, 'table');
    assertEqual(exports.filter(({ kind }) => kind === 'func').length, 11);
    await instance.drop();
  });

  test(`traps are 5002 with the engine's error as cause, ${where}`, async () => {
    const { instance } = await sample(config);
    const trap = await assertRejects(instance.call('trap'), code(5002));
    assert(/trap/.test(trap.message), trap.message);
    assertEqual(trap.cause.name, 'RuntimeError');
    assert(trap.cause.stack.length > 0, 'the wasm stack');
    await assertRejects(instance.call('divmod', 1, 0), code(5002));
    await assertRejects(instance.call('peek', 2 ** 31), code(5002));
    const deep = await assertRejects(instance.call('deep', 1), code(5002));
    assert(/overflowed the stack/.test(deep.message), deep.message);
    assertEqual(await instance.call('add', 1, 2), [3], 'it lives');
    await instance.drop();
  });

  test(`names that are no function are 5003, dropped instances 5005, ${where}`, async () => {
    const { id, instance } = await sample(config);
    await assertRejects(instance.call('nonexistent'), code(5003));
    const memory = await assertRejects(instance.call('memory'), code(5003));
    assert(/but a memory/.test(memory.message));
    await assertRejects(instance.call('toString'), code(5003));
    const open = instance.call('add', 1, 1);
    assertEqual(await open, [2]);
    await instance.drop();
    for (const late of [() => instance.call('add', 1, 1), () => instance.memory.size(), () => instance.getExports(), () => instance.drop(), () => instance.fuelRemaining()]) {
      await assertRejects(late(), code(5005));
    }
    await wasm.dropModule(id);
    await assertRejects(wasm.instantiate(id, config), code(5004));
    await assertRejects(wasm.dropModule(id), code(5004));
  });

  test(`what disposes of an instance drops it, ${where}`, async () => {
    if (typeof Symbol.dispose !== 'symbol' || typeof Symbol.asyncDispose !== 'symbol') return;
    for (const symbol of [Symbol.asyncDispose, Symbol.dispose]) {
      const { id, instance } = await sample(config);
      assertEqual(await instance.call('add', 1, 2), [3]);
      await instance[symbol]();
      await assertRejects(instance.call('add', 1, 2), code(5005));
      await instance[symbol]();
      await wasm.dropModule(id);
    }
    let block;
    try {
      block = Object.getPrototypeOf(async () => {}).constructor('made', 'await using it = await made(); return [it, await it.call("add", 1, 2)];');
    } catch (error) {
      assertEqual(error.name, 'SyntaxError', 'engines without the declaration');
      return;
    }
    const [gone, sum] = await block(async () => (await sample(config)).instance);
    assertEqual(sum, [3]);
    await assertRejects(gone.call('add', 1, 2), code(5005));
  });

  test(`vectors cannot be passed or returned, and the error says so, ${where}`, async () => {
    const id = await wasm.compile(await wat(`(module
      (func (export "take") (param v128))
      (func (export "give") (result v128) (v128.const i32x4 1 2 3 4))
      (func (export "one") (result i32) (i32.const 1)))`));
    const instance = await wasm.instantiate(id, config);
    const taken = await assertRejects(instance.call('take', 1), code(5007));
    assert(/vectors/.test(taken.message), taken.message);
    await assertRejects(instance.call('give'), code(5007));
    assertEqual(await instance.call('one'), [1], 'it lives');
    await instance.drop();
    await wasm.dropModule(id);
  });

  test(`an instance without memory says so, ${where}`, async () => {
    const id = await wasm.compile(await wat('(module (func (export "f")))'));
    const instance = await wasm.instantiate(id, config);
    await assertRejects(instance.memory.size(), code(5003));
    await instance.drop();
  });
}

test('the low-level functions take ids', async () => {
  const { id, instance } = await sample();
  assertEqual(await wasm.call(instance.id, 'add', [1, 2]), [3]);
  assertEqual((await wasm.getExports(instance.id)).length, (await instance.getExports()).length);
  await wasm.memory.write(instance.id, 5, new Uint8Array([1, 2, 3]));
  assertEqual(await wasm.memory.read(instance.id, 5, 3), new Uint8Array([1, 2, 3]));
  assertEqual(await wasm.memory.grow(instance.id, 1), 2);
  assertEqual(await wasm.memory.size(instance.id), 3);
  await instance.drop();
  await assertRejects(wasm.call(instance.id, 'add', [1, 2]), code(5005));
  await assertRejects(wasm.memory.size('instance-0'), code(5005));
  await assertRejects(wasm.getExports('?'), code(5005));
  await wasm.dropModule(id);
});

test('modules come from bytes of any kind, responses, addresses and files', async () => {
  bytes ??= await wat(SAMPLE);
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/wasm' }));
  const plain = URL.createObjectURL(new Blob([bytes], { type: 'text/plain' }));
  await writeFile('/api-module.wasm', bytes);
  const padded = new Uint8Array(bytes.length + 20);
  padded.set(bytes, 10);
  const sources = [bytes.buffer, padded.subarray(10, 10 + bytes.length), new DataView(bytes.buffer), await fetch(url), new URL(url), await fetch(plain)];
  const ids = [...(await Promise.all(sources.map((source) => wasm.compile(source)))), await wasm.compileFile('/api-module.wasm'), await wasm.compileFile('./api-module.wasm')];
  assertEqual(new Set(ids).size, ids.length, 'each has an id of its own');
  for (const id of ids) {
    const instance = await wasm.instantiate(id);
    assertEqual(await instance.call('add', 20, 22), [42]);
    await instance.drop();
    await wasm.dropModule(id);
  }
});

test('what is no module is 5000, what cannot be loaded 5008', async () => {
  bytes ??= await wat(SAMPLE);
  const broken = bytes.slice();
  broken[broken.length - 3] ^= 0x55;
  for (const wrong of [new Uint8Array(0), new Uint8Array([0, 0x61, 0x73]), new TextEncoder().encode('<html>'), bytes.slice(0, 60), broken]) {
    await assertRejects(wasm.compile(wrong), code(5000));
  }
  const component = new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);
  const refused = await assertRejects(wasm.compile(component), code(5000));
  assert(/component/.test(refused.message) && /preview 2/.test(refused.message), refused.message);
  await assertRejects(wasm.compile('text'), code(5000));
  await assertRejects(wasm.compile(new URL('/nowhere.wasm', location.href)), code(5008));
  await assertRejects(wasm.compile(await fetch('/nowhere.wasm')), code(5008));
  await assertRejects(wasm.compileFile('/nowhere.wasm'), code(5008));
}, { pageErrors: /404|nowhere/ });

test('instances are independent, and calls on several run at once', async () => {
  const id = await wasm.compile(await wat(`(module (global $n (mut i32) (i32.const 0))
    (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))`));
  const workers = await Promise.all([1, 2, 3].map(() => wasm.instantiate(id)));
  const counts = await Promise.all(workers.flatMap((one, n) => Array.from({ length: n + 1 }, () => one.call('next'))));
  assertEqual(counts.flat(), [1, 1, 2, 1, 2, 3]);
  await Promise.all(workers.map((one) => one.drop()));
  await wasm.dropModule(id);
});

test('thousands of calls in flight are answered in order', async () => {
  const { instance } = await sample();
  const sums = await Promise.all(Array.from({ length: 3000 }, (_, n) => instance.call('add', n, n)));
  assertEqual(sums.flat(), Array.from({ length: 3000 }, (_, n) => 2 * n));
  await instance.drop();
});

test('a dropped instance ends what it does', async () => {
  const id = await wasm.compile(await wat('(module (func (export "spin") (loop $on (br $on))))'));
  const instance = await wasm.instantiate(id);
  const stuck = assertRejects(instance.call('spin'), code(5005));
  await instance.drop();
  await stuck;
});

test('start functions run once, and their traps are 5001', async () => {
  const id = await wasm.compile(await wat(`(module (global $n (mut i32) (i32.const 1)) (start $s)
    (func $s (global.set $n (i32.const 5))) (func (export "n") (result i32) (global.get $n)))`));
  const instance = await wasm.instantiate(id);
  assertEqual(await instance.call('n'), [5]);
  await instance.drop();
  const trapping = await wasm.compile(await wat('(module (start $s) (func $s unreachable))'));
  await assertRejects(wasm.instantiate(trapping), code(5001));
  await assertRejects(wasm.instantiate(trapping, { inline: true }), code(5001));
});

test('imports that are missing are named', async () => {
  const id = await wasm.compile(await wat('(module (import "a" "f" (func)) (import "b" "g" (global i32)))'));
  const error = await assertRejects(wasm.instantiate(id), code(5001));
  assert(/a\.f \(func\)/.test(error.message) && /b\.g \(global\)/.test(error.message), error.message);
});

test('settings that make no sense are refused', async () => {
  const { id, instance } = await sample();
  for (const config of [{ timeout: 0 }, { timeout: 'soon' }, { timeout: 5, inline: true }, { meter: 'fine' }, { bigint: 'never' }, { limits: { memoryPages: -1 } }]) {
    await assertRejects(wasm.instantiate(id, config), code(5001), JSON.stringify(config));
  }
  await instance.drop();
});
