// A guest whose fuel is spent goes on where it stood when it is given more, and ends when it is not.
// modes: isolated bare
import { assert, assertEqual, assertRejects, context, sleep, test, within } from '/tests/pages/lib/test.mjs';
import { wat } from '/tests/pages/lib/wat.mjs';
import { compile, instantiate, pipeline, runWasi, spawnWasi } from 'isolith/wasm';

const GUEST = `(module
  (memory (export "memory") 1)
  (table 1 funcref)
  (global $rounds (mut i32) (i32.const 0))
  (func (export "spin") (loop $on (global.set $rounds (i32.add (global.get $rounds) (i32.const 1))) (br $on)))
  (func (export "rounds") (result i32) (global.get $rounds))
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func (export "count") (param i32) (result i32) (local i32)
    (loop $on (local.set 1 (i32.add (local.get 1) (i32.const 1))) (br_if $on (i32.lt_u (local.get 1) (local.get 0))))
    (local.get 1))
  (func (export "fill") (param i32) (memory.fill (i32.const 0) (i32.const 7) (local.get 0)))
  (func (export "one") (result i32) (i32.const 1)))`;

/** Counts to its number of arguments times 1,000, and exits with how many of those it did. */
const PROGRAM = `(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32)
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (loop $on (br_if $on (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.mul (i32.load (i32.const 0)) (i32.const 1000)))))
    (call $exit (i32.div_u (local.get $n) (i32.const 1000)))))`;

let id;
const guest = async (config) => instantiate((id ??= await compile(await wat(GUEST))), config);
const code = (number) => ({ name: 'WasmError', code: number });
const shared = { shared: true, reason: 'a guest in a worker can wait for its page only by shared memory' };

/** What a call costs a guest that has plenty. */
async function costOf(meter, name, ...args) {
  const rich = await guest({ fuel: 2n ** 40n, meter, inline: true });
  const before = await rich.fuelRemaining();
  const result = await rich.call(name, ...args);
  const cost = before - (await rich.fuelRemaining());
  await rich.drop();
  return { cost, result };
}

for (const meter of ['coarse', 'exact']) {
  test(`a guest on this thread is given more until it is through, for the same fuel and the same result (${meter})`, async () => {
    for (const [name, argument] of [['fib', 15], ['count', 5000]]) {
      const { cost, result } = await costOf(meter, name, argument);
      let given = 0;
      let asked = 0;
      const onFuel = (missing) => {
        assert(missing > 0, 'it lacks some');
        asked += 1;
        given += 100;
        return 100;
      };
      const instance = await guest({ fuel: 0, meter, inline: true, onFuel });
      assertEqual(await instance.call(name, argument), result);
      assertEqual(given - (await instance.fuelRemaining()), cost);
      assert(asked >= cost / 100, `it asked ${asked} times`);
      await instance.drop();
    }
  });

  test(`a guest in a worker waits for a promise of more, and can be looked at meanwhile (${meter})`, async () => {
    const { cost, result } = await costOf(meter, 'count', 3000);
    let instance;
    let given = 0;
    const onFuel = async () => {
      assertEqual(await instance.fuelRemaining(), 0);
      assertEqual((await instance.memory.read(0, 4)).length, 4);
      given += 1000;
      // What is added by hand counts as what is returned.
      if (given === 2000) await instance.addFuel(1000);
      else return 1000n;
    };
    instance = await guest({ fuel: 10, meter, onFuel });
    assertEqual(await within(20_000, instance.call('count', 3000)), result);
    assertEqual(10 + given - (await instance.fuelRemaining()), cost);
    await instance.drop();
  }, shared);

  test(`a call that waits for addFuel goes on where it stood (${meter})`, async () => {
    const { cost, result } = await costOf(meter, 'fib', 12);
    const instance = await guest({ fuel: 0, meter, onFuel: 'wait' });
    let isOver = false;
    const call = instance.call('fib', 12).finally(() => (isOver = true));
    let given = 0;
    for (; !isOver && given < 10 * cost; given += 500) {
      await instance.addFuel(500);
      await sleep(1);
    }
    assertEqual(await within(20_000, call), result);
    assertEqual(given - (await instance.fuelRemaining()), cost, 'what was not needed is still there');
    await instance.drop();
  }, shared);
}

test('bulk work is not had for less than its price', async () => {
  const given = [];
  const onFuel = (missing) => {
    given.push(missing);
    return missing > 1 ? missing - 1 : missing;
  };
  const instance = await guest({ fuel: 0, inline: true, onFuel });
  await instance.call('fill', 8000);
  assert(given.some((missing) => missing > 900), `asked for ${given}`);
  assertEqual(await instance.fuelRemaining(), 0);
  await instance.drop();
});

test('nothing, 0, nonsense and what is thrown end the call with 5011, and the instance lives on', async () => {
  const mine = new Error('no more');
  const thrower = () => {
    throw mine;
  };
  for (const inline of context.shared ? [true, false] : [true]) {
    for (const [onFuel, isCause] of [
      [() => undefined, (cause) => cause.name === 'RuntimeError'],
      [() => 0, (cause) => cause.name === 'RuntimeError'],
      [() => 0n, (cause) => cause.name === 'RuntimeError'],
      [() => -5, (cause) => cause.code === 5007],
      [thrower, (cause) => cause === mine],
    ]) {
      const instance = await guest({ fuel: 50, inline, onFuel });
      const error = await assertRejects(within(20_000, instance.call('spin')), code(5011));
      assert(isCause(error.cause), `the cause is ${error.cause}`);
      assertEqual(await instance.fuelRemaining(), 0);
      await instance.addFuel(1000);
      assertEqual(await instance.call('one'), [1]);
      await instance.drop();
    }
  }
  const inline = await guest({ fuel: 50, inline: true, onFuel: async () => 100 });
  const error = await assertRejects(inline.call('spin'), code(5011));
  assert(/promise/.test(error.cause.message), error.cause.message);
  await inline.drop();
});

test('what waits for fuel ends with its deadline, with drop, and by 0', async () => {
  const late = await guest({ fuel: 100, onFuel: 'wait', timeout: 200 });
  assertEqual((await assertRejects(within(20_000, late.call('spin')), code(5002))).cause.name, 'TimeoutError');
  await assertRejects(late.addFuel(1), code(5005));
  const dropped = await guest({ fuel: 100, onFuel: 'wait' });
  const stuck = assertRejects(within(20_000, dropped.call('spin')), code(5005));
  await sleep(20);
  await dropped.drop();
  await stuck;
  const tired = await guest({ fuel: 100, onFuel: 'wait' });
  const spent = assertRejects(within(20_000, tired.call('spin')), code(5011));
  let isOver = false;
  void spent.then(() => (isOver = true));
  while (!isOver) {
    await tired.addFuel(0);
    await sleep(5);
  }
  await spent;
  await tired.addFuel(1000);
  assertEqual(await tired.call('one'), [1]);
  await tired.drop();
}, shared);

test('programs are given more too, and killed while they wait', async () => {
  const module = await wat(PROGRAM);
  let asked = 0;
  const more = () => {
    asked += 1;
    return 1000;
  };
  assertEqual((await runWasi(module, { args: ['a', 'b', 'c'], fuel: 0, onFuel: more })).exitCode, 3);
  assert(asked >= 3, `it asked ${asked} times`);
  await assertRejects(runWasi(module, { args: ['a'], fuel: 10, onFuel: () => 0 }), code(5011));
});

test('a program that waits for fuel is killed', async () => {
  const module = await wat(PROGRAM);
  let asked;
  const wait = new Promise((resolve) => (asked = resolve));
  const process = spawnWasi(module, { args: ['a'], fuel: 10, onFuel: () => (asked(), new Promise(() => {})) });
  await within(20_000, wait);
  process.kill();
  assertEqual(await within(20_000, process.wait()), { exitCode: 137 });
  const both = await pipeline([[module, { args: ['a', 'b'], fuel: 10, onFuel: async () => 5000 }], [module, { args: ['a'] }]]);
  assertEqual(both.exitCodes, [2, 1]);
}, shared);

test('what cannot be asked is refused', async () => {
  await assertRejects(guest({ onFuel: () => 1 }), code(5001), 'without fuel');
  await assertRejects(guest({ fuel: 1, onFuel: 'more' }), code(5001));
  await assertRejects(guest({ fuel: 1, onFuel: 'wait', inline: true }), code(5001));
  await assertRejects(runWasi(await wat(PROGRAM), { fuel: 1, onFuel: 'wait' }), code(5001));
});

test('without shared memory a guest in a worker cannot ask, and says so', async () => {
  await assertRejects(guest({ fuel: 1, onFuel: 'wait' }), { code: 'ERR_NOT_ISOLATED' });
  await assertRejects(guest({ fuel: 1, onFuel: () => 1 }), { code: 'ERR_NOT_ISOLATED' });
}, { shared: false, reason: 'where memory is shared it can' });
