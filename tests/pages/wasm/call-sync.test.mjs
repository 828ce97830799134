// Calls at once, on this thread: the same answers and the same refusals whether or not a quick way serves them.
// modes: isolated bare
import { assert, assertEqual, test } from '/tests/pages/lib/test.mjs';
import { wat } from '/tests/pages/lib/wat.mjs';
import { compile, instantiate } from 'isolith/wasm';

const SUMS = `(module
  (import "env" "say" (func $say (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "none") (result i32) (i32.const 7))
  (func (export "one") (param i32) (result i32) (local.get 0))
  (func (export "two") (param f64 i32) (result f64) (f64.add (local.get 0) (f64.convert_i32_s (local.get 1))))
  (func (export "three") (param i32 i32 i32) (result i32)
    (i32.sub (i32.mul (local.get 0) (local.get 1)) (local.get 2)))
  (func (export "four") (param i32 i32 i32 i32) (result i32) (i32.add (local.get 0) (local.get 3)))
  (func (export "single") (param f32) (result f32) (local.get 0))
  (func (export "wide") (param i64) (result i64) (local.get 0))
  (func (export "nothing") (param i32))
  (func (export "part") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "ask") (param i32) (result i32) (call $say (local.get 0)))
  (func (export "leave") (param i32) (result i32) (call $exit (local.get 0)) (i32.const 1)))`;

/** Calls, and what each must give: results, or the code of its error. */
const CALLS = [
  ['none', [], [7]],
  ['none', [1], 5007],
  ['one', [-5], [-5]],
  ['one', [2 ** 32 - 1], [-1]],
  ['one', [9n], [9]],
  ['one', [{ type: 'i32', value: 3 }], [3]],
  ['one', [], 5007],
  ['one', [1, 2], 5007],
  ['one', [1.5], 5007],
  ['one', [NaN], 5007],
  ['one', [2 ** 32], 5007],
  ['one', ['1'], 5007],
  ['one', [undefined], 5007],
  ['two', [0.5, 2], [2.5]],
  ['two', [0.5, 2.5], 5007],
  ['two', [NaN, 1], [NaN]],
  ['two', [1], 5007],
  ['three', [3, 4, 5], [7]],
  ['three', [3, 4], 5007],
  ['three', [3, 4, 0.1], 5007],
  ['four', [1, 2, 3, 4], [5]],
  ['single', [0.1], [Math.fround(0.1)]],
  ['wide', [2n ** 60n], [2n ** 60n]],
  ['wide', [5], [5]],
  ['nothing', [1], []],
  ['part', [6, 2], [3]],
  ['part', [6, 0], 5002],
  ['none', [], [7]],
  ['absent', [], 5003],
];

const config = (more = {}) => ({ inline: true, imports: { env: { say: (n) => n } }, ...more });
const outcome = (call) => {
  try {
    return call();
  } catch (error) {
    assertEqual(error.name, 'WasmError');
    return error.code;
  }
};

for (const [how, more] of [['as it is', {}], ['with fuel', { fuel: 10_000_000 }]])
  test(`calls at once and awaited calls agree, ${how}`, async () => {
    const instance = await instantiate(await compile(await wat(SUMS)), config(more));
    for (let round = 0; round < 3; round++) {
      for (const [name, args, wanted] of CALLS) {
        assertEqual(outcome(() => instance.callSync(name, ...args)), wanted, `${name}(${args.map(String)})`);
        assertEqual(await instance.call(name, ...args).catch(({ code }) => code), wanted, `awaited: ${name}(${args.map(String)})`);
      }
    }
    await instance.drop();
    assertEqual(outcome(() => instance.callSync('none')), 5005);
  });

test('a host function may call the guest again, and what it throws arrives', async () => {
  const mine = new RangeError('mine');
  let instance;
  const say = (n) => {
    if (n === 0) throw mine;
    return n + instance.callSync('one', n)[0];
  };
  instance = await instantiate(await compile(await wat(SUMS)), config({ imports: { env: { say } } }));
  assertEqual(instance.callSync('ask', 4), [8]);
  try {
    instance.callSync('ask', 0);
    assert(false, 'it throws');
  } catch (error) {
    assert(error.cause === mine, String(error));
  }
  assertEqual(instance.callSync('ask', 5), [10]);
  await instance.drop();
});

test('a function that ends the process without an error is called once and gives nothing', async () => {
  const started = async () => instantiate(await compile(await wat(SUMS)), config({ wasi: {} }));
  const [well, ill] = [await started(), await started()];
  assertEqual(well.callSync('leave', 0), []);
  assertEqual(outcome(() => ill.callSync('leave', 3)), 5002);
  for (const instance of [well, ill]) await instance.drop();
});
