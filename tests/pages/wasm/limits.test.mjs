// What holds a guest: fuel, limits and deadlines; and that neither the page nor other guests notice its end.
// modes: isolated bare
import { assert, assertEqual, assertRejects, test, within } from '/tests/pages/lib/test.mjs';
import { wat } from '/tests/pages/lib/wat.mjs';
import { compile, instantiate } from 'isolith/wasm';

const GUEST = `(module
  (memory (export "memory") 1 100)
  (table (export "table") 2 funcref)
  (global $steps (mut i32) (i32.const 0))
  (func (export "spin") (loop $on (global.set $steps (i32.add (global.get $steps) (i32.const 1))) (br $on)))
  (func (export "steps") (result i32) (global.get $steps))
  (func (export "count") (param i32) (result i32) (local i32)
    (loop $on (local.set 1 (i32.add (local.get 1) (i32.const 1))) (br_if $on (i32.lt_u (local.get 1) (local.get 0))))
    (local.get 1))
  (func $deep (export "deep") (result i32) (i32.add (i32.const 1) (call $deep)))
  (func (export "fill") (param i32) (memory.fill (i32.const 0) (i32.const 7) (local.get 0)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "more") (param i32) (result i32) (table.grow (ref.null func) (local.get 0)))
  (func (export "trap") unreachable)
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))`;

let id;
const guest = async (config) => instantiate((id ??= await compile(await wat(GUEST))), config);
const code = (number) => ({ name: 'WasmError', code: number });

for (const inline of [false, true]) {
  for (const meter of ['coarse', 'exact']) {
    const where = `${meter}, ${inline ? 'on this thread' : 'in a worker'}`;

    test(`fuel stops a loop without end with 5011; refilled, the instance runs on (${where})`, async () => {
      const instance = await guest({ fuel: 10_000, meter, inline });
      assertEqual(await instance.fuelRemaining(), 10_000);
      const spent = await assertRejects(within(10_000, instance.call('spin')), code(5011));
      assertEqual(spent.cause.name, 'RuntimeError');
      assertEqual(await instance.fuelRemaining(), 0);
      await assertRejects(instance.call('add', 1, 2), code(5011), 'nothing runs without fuel');
      assertEqual((await instance.memory.read(0, 4)).length, 4, 'it can be looked at');
      await instance.addFuel(1000);
      assertEqual(await instance.fuelRemaining(), 1000);
      assertEqual(await instance.call('add', 1, 2), [3]);
      const [steps] = await instance.call('steps');
      assert(steps > 500 && steps < 10_000, `it went ${steps} rounds`);
      assert((await instance.fuelRemaining()) < 1000);
      await instance.addFuel(5n);
      await instance.drop();
    });

    test(`the same work costs the same, bulk work by its length, and recursion too (${where})`, async () => {
      const instance = await guest({ fuel: 2n ** 40n, meter, inline });
      const cost = async (name, ...args) => {
        const before = await instance.fuelRemaining();
        await instance.call(name, ...args);
        return before - (await instance.fuelRemaining());
      };
      assertEqual(await cost('count', 1000), await cost('count', 1000));
      assert((await cost('count', 2000)) > (await cost('count', 1000)) + 1000);
      assertEqual((await cost('fill', 8000)) - (await cost('fill', 0)), 1000);
      await instance.drop();
      const small = await guest({ fuel: 500, meter, inline });
      await assertRejects(small.call('deep'), code(5011));
      await small.drop();
    });
  }
}

test('a trap is a trap also where fuel is counted', async () => {
  const instance = await guest({ fuel: 1000 });
  await assertRejects(instance.call('trap'), code(5002));
  const deep = await guest({ fuel: 2n ** 60n });
  const error = await assertRejects(deep.call('deep'), code(5002));
  assert(/overflowed the stack/.test(error.message), error.message);
  await instance.drop();
  await deep.drop();
});

test('fuel that was not asked for cannot be told or added, nonsense is 5007', async () => {
  const instance = await guest();
  await assertRejects(instance.fuelRemaining(), code(5011));
  await assertRejects(instance.addFuel(1), code(5011));
  await assertRejects(instance.addFuel(-1), code(5007));
  await assertRejects(guest({ fuel: 1.5 }), code(5007));
  await instance.drop();
});

test('a start function pays, and counters of the module are left alone', async () => {
  const text = `(module (global $g (mut i64) (i64.const 3)) (export "__isolith_fuel" (global $g))
    (func $s (loop $on (br $on))) (start $s)
    (func (export "get") (result i64) (global.get $g)))`;
  const spinning = await compile(await wat(text));
  await assertRejects(within(10_000, instantiate(spinning, { fuel: 1000 })), code(5011));
  const calm = await compile(await wat(text.replace('(br $on)', '')));
  const instance = await instantiate(calm, { fuel: 1000 });
  assertEqual(await instance.call('get'), [3]);
  const names = (await instance.getExports()).map(({ name }) => name);
  assertEqual(names.sort(), ['__isolith_fuel', 'get'], 'what metering adds is not told');
  await instance.drop();
});

test('limits hold memory and table; what starts beyond them is 5001', async () => {
  const instance = await guest({ limits: { memoryPages: 3, tableElements: 4 } });
  assertEqual(await instance.call('grow', 3), [-1]);
  assertEqual(await instance.call('grow', 2), [1]);
  await assertRejects(instance.memory.grow(1), code(5006));
  assertEqual(await instance.call('more', 3), [-1]);
  assertEqual(await instance.call('more', 2), [2]);
  await instance.drop();
  await assertRejects(guest({ limits: { memoryPages: 0 } }), code(5001));
  const imported = await compile(await wat('(module (import "env" "memory" (memory 2)) (func (export "grow") (result i32) (memory.grow (i32.const 1))))'));
  await assertRejects(instantiate(imported, { limits: { memoryPages: 1 } }), code(5001));
  const bound = await instantiate(imported, { limits: { memoryPages: 2 } });
  assertEqual(await bound.call('grow'), [-1]);
  await bound.drop();
});

for (const inline of [false, true]) {
  test(`the stack has a limit that is the same everywhere, ${inline ? 'on this thread' : 'in a worker'}`, async () => {
    const id = await compile(await wat(`(module
      (func $down (export "down") (param i32) (result i32)
        (if (result i32) (local.get 0) (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 0))))
      (func (export "loop") (param i32) (result i32) (local $sum i32)
        (loop $on
          (local.set $sum (i32.add (local.get $sum) (call $down (i32.const 5))))
          (br_if $on (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get $sum))
      (func $tail (export "tail") (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 9))))
        (return_call $tail (i32.sub (local.get 0) (i32.const 1)))))`));
    // A frame of one local is 40 bytes, and there are n + 1 of them.
    const instance = await instantiate(id, { inline, limits: { stackBytes: 40 * 101 } });
    assertEqual(await instance.call('down', 100), [100]);
    const error = await assertRejects(instance.call('down', 101), code(5002));
    assert(/overflowed the stack/.test(error.message), error.message);
    assertEqual(await instance.call('down', 100), [100], 'the next call has all of it');
    assertEqual(await instance.call('loop', 1000), [5000], 'what has returned is given back');
    assertEqual(await instance.call('tail', 100_000), [9]);
    await instance.drop();
    const paying = await instantiate(id, { inline, fuel: 1_000_000, meter: 'exact', limits: { stackBytes: 4096 } });
    await assertRejects(paying.call('down', 200), code(5002));
    assertEqual(await paying.call('down', 50), [50]);
    await paying.drop();
  });
}

test('a deadline ends a guest that spins: the call is 5002, the instance 5005, others go on', async () => {
  const other = await guest();
  const instance = await guest({ timeout: 500 });
  assertEqual(await instance.call('add', 1, 2), [3], 'what is in time is not touched');
  const queued = [];
  const stuck = assertRejects(within(10_000, instance.call('spin')), code(5002));
  queued.push(assertRejects(within(10_000, instance.call('add', 1, 1))));
  assertEqual(await other.call('add', 20, 22), [42], 'meanwhile');
  const error = await stuck;
  assertEqual(error.cause.name, 'TimeoutError');
  assert(/spin took longer than its timeout of 500 ms/.test(error.message), error.message);
  await Promise.all(queued);
  await assertRejects(instance.call('add', 1, 2), code(5005));
  await assertRejects(instance.memory.size(), code(5005));
  assertEqual(await other.call('add', 20, 22), [42]);
  await other.drop();
});

test('guests that trap, recurse, spin and fill memory leave the page and each other unharmed', async () => {
  const wild = await Promise.all([guest(), guest(), guest({ timeout: 50 }), guest()]);
  const ends = [
    assertRejects(wild[0].call('trap'), code(5002)),
    assertRejects(wild[1].call('deep'), code(5002)),
    assertRejects(wild[2].call('spin'), code(5002)),
    wild[3].call('grow', 99).then(() => assertRejects(wild[3].call('fill', 101 * 65536), code(5002))),
  ];
  const calm = await guest();
  for (let n = 0; n < 50; n += 1) assertEqual(await calm.call('add', n, 1), [n + 1]);
  await Promise.all(ends);
  await Promise.all([0, 1, 3].map((at) => wild[at].drop()));
  await calm.drop();
});

test('workers are used again, and remember nothing of the last guest', async () => {
  for (let n = 0; n < 8; n += 1) {
    const instance = await guest({ fuel: 1000 });
    assertEqual(await instance.call('steps'), [0]);
    assertEqual(await instance.fuelRemaining() <= 1000, true);
    assertEqual(await instance.memory.read(0, 8), new Uint8Array(8));
    await instance.memory.write(0, new Uint8Array(8).fill(n + 1));
    await instance.drop();
  }
});
