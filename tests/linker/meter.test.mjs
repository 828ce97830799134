// Metered modules answer as before, spend the same every time, and stop when they are spent.

import assert from 'node:assert/strict';
import test from 'node:test';
import binaryen from 'binaryen';
import { LinkError, meter } from '../../pkg/dist/link.js';
import { build } from './build.mjs';
import { alone, fixture, textOf } from './support.mjs';

build();

const MODES = ['coarse', 'exact'];
const PLENTY = 1n << 60n;

function wat(text) {
  const module = binaryen.parseText(text);
  module.setFeatures(binaryen.Features.All & ~binaryen.Features.GC);
  const bytes = module.emitBinary();
  module.dispose();
  return bytes;
}

/** An instance that pays, and what a call of it costs. */
async function metered(bytes, options, imports = {}) {
  const made = await meter(bytes, options);
  const { instance } = await WebAssembly.instantiate(made.module, imports);
  const fuel = instance.exports[made.fuel];
  fuel.value = PLENTY;
  const spend = (call) => {
    const before = fuel.value;
    call();
    return Number(before - fuel.value);
  };
  return { ...made, instance, fuel, spend, exports: instance.exports };
}

for (const mode of MODES) {
  for (const name of ['pointers-stock', 'kernel-stock', 'threads-first']) {
    test(`${name} metered ${mode} answers as before and spends the same twice`, async () => {
      const bytes = fixture(name);
      const seeds = [1, 77];
      const runs = [];
      for (const _ of [1, 2]) {
        const { instance, spend } = await metered(bytes, { mode });
        const answers = [];
        const spent = seeds.map((seed) => spend(() => answers.push(textOf(instance, undefined, seed))));
        assert.deepEqual(answers, alone(bytes, seeds));
        assert.ok(spent.every((fuel) => fuel > 100));
        runs.push(spent);
      }
      assert.deepEqual(runs[0], runs[1]);
    });
  }

  test(`a loop without end stops (${mode}), the instance lives on and takes a refill`, async () => {
    const { exports, fuel } = await metered(wat(`(module
      (global $n (mut i32) (i32.const 0)) (export "n" (global $n))
      (func (export "spin") (loop $on (global.set $n (i32.add (global.get $n) (i32.const 1))) (br $on)))
      (func (export "tight") (loop $on (br $on)))
      (func $down (export "down") (call $down))
      (func (export "fine") (result i32) (i32.const 5)))`), { mode });
    for (const name of ['spin', 'tight', 'down']) {
      fuel.value = 1000n;
      assert.throws(() => exports[name](), WebAssembly.RuntimeError, name);
      assert.ok(fuel.value < 0n);
    }
    assert.ok(exports.n.value > 50);
    fuel.value = 10n;
    assert.equal(exports.fine(), 5);
    assert.ok(fuel.value >= 0n);
  });

  test(`bulk instructions pay by length (${mode})`, async () => {
    const { exports, spend } = await metered(wat(`(module
      (memory 10) (table 100 funcref) (data $d "0123456789abcdef") (elem $e func $f $f $f)
      (func $f)
      (func (export "fill") (param i32) (memory.fill (i32.const 0) (i32.const 1) (local.get 0)))
      (func (export "copy") (param i32) (memory.copy (i32.const 0) (i32.const 9) (local.get 0)))
      (func (export "init") (param i32) (local f64) (memory.init $d (i32.const 0) (i32.const 0) (local.get 0)))
      (func (export "tables") (param i32) (table.fill (i32.const 0) (ref.func $f) (local.get 0))
        (table.copy (i32.const 0) (i32.const 1) (local.get 0)))
      (func (export "elements") (param i32) (table.init $e (i32.const 0) (i32.const 0) (local.get 0))))`), { mode });
    const more = (name, length) => spend(() => exports[name](length)) - spend(() => exports[name](0));
    assert.equal(more('fill', 80000), 10000);
    assert.equal(more('copy', 800), 100);
    assert.equal(more('init', 16), 2);
    assert.equal(more('tables', 50), 100);
    assert.equal(more('elements', 3), 3);
  });

  test(`calls of the host have their price (${mode})`, async () => {
    const text = '(module (import "h" "f" (func $f)) (func (export "go") (call $f) (call $f)))';
    const cost = async (hostCall) => {
      const { exports, spend } = await metered(wat(text), { mode, hostCall }, { h: { f() {} } });
      return spend(() => exports.go());
    };
    assert.equal(await cost(100) - await cost(0), 200);
  });

  test(`the start function pays, and names that are taken are left alone (${mode})`, async () => {
    const { exports, fuel, start, spend } = await metered(wat(`(module
      (global $g i32 (i32.const 3)) (export "__isolith_fuel" (global $g))
      (func $s (loop $on (br $on))) (start $s)
      (func (export "__isolith_start") (nop)))`), { mode });
    assert.equal(exports.__isolith_fuel.value, 3);
    fuel.value = 500n;
    assert.throws(() => exports[start](), WebAssembly.RuntimeError);
    assert.ok(fuel.value < 0n);
    fuel.value = PLENTY;
    assert.equal(spend(() => exports.__isolith_start()), 0);
  });
}

test('exact pays for the instructions of the blocks that run, and no others', async () => {
  const { exports, spend } = await metered(wat(`(module
    (func (export "if") (param i32) (result i32)
      (if (result i32) (local.get 0) (then (i32.const 1)) (else (i32.add (i32.const 1) (i32.const 1)))))
    (func (export "sum") (param i32) (result i32) (local i32)
      (loop $on
        (local.set 1 (i32.add (local.get 1) (local.get 0)))
        (br_if $on (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 1)))`), { mode: 'exact' });
  assert.equal(spend(() => exports.if(1)), 2 + 1);
  assert.equal(spend(() => exports.if(0)), 2 + 3);
  // Nine instructions a round, one at the end.
  for (const rounds of [1, 2, 1000]) assert.equal(spend(() => exports.sum(rounds)), 9 * rounds + 1);
});

test('limits hold the growth of memory and table', async () => {
  const bytes = wat(`(module (memory (export "m") 1) (table (export "t") 2 funcref)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "more") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))`);
  const { exports } = await metered(bytes, { memoryPages: 3, tableElements: 5 });
  assert.equal(exports.grow(3), -1);
  assert.equal(exports.grow(2), 1);
  assert.equal(exports.more(4), -1);
  assert.equal(exports.more(3), 2);
  await assert.rejects(meter(bytes, { memoryPages: 0 }), { code: 'ERR_LAYOUT_OVERFLOW' });
});

for (const mode of MODES) {
  test(`functions with loops are left in every way with their fuel paid (${mode})`, async () => {
    const round = '(loop $on (br_if $on (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100))))';
    const ways = {
      end: `${round} (i32.const 7)`,
      return: `${round} (return (i32.const 7))`,
      br: `(block (block ${round} (br 2 (i32.const 7)))) (i32.const 1)`,
      br_if: `${round} (drop (br_if 0 (i32.const 7) (i32.const 1))) (i32.const 1)`,
      br_table: `(block $a ${round} (br_table 1 1 (i32.const 7) (i32.const 0))) (i32.const 1)`,
      call: `${round} (call $work) (drop) (call $host) (i32.const 7)`,
      indirect: `${round} (drop (call_indirect (type $f) (i32.const 0))) (i32.const 7)`,
      tail: `${round} (return_call $seven)`,
    };
    const functions = Object.entries(ways).map(([name, body]) => `(func (export "${name}") (type $f) (local $i i32) ${body})`);
    const { exports, spend } = await metered(wat(`(module (type $f (func (result i32))) (import "h" "f" (func $host))
      (table 1 funcref) (elem (i32.const 0) $work)
      (func $seven (type $f) (i32.const 7))
      (func $work (type $f) (local $i i32) ${round} (i32.const 7))
      ${functions.join('\n')})`), { mode }, { h: { f() {} } });
    for (const name of Object.keys(ways)) {
      const cost = spend(() => assert.equal(exports[name](), 7, name));
      const rounds = name === 'call' || name === 'indirect' ? 2 : 1;
      assert.ok(cost >= rounds * 600, `${name} costs ${cost}`);
      assert.ok(cost < rounds * 1000, `${name} costs ${cost}`);
      assert.equal(spend(() => exports[name]()), cost, `${name} costs the same again`);
    }
  });

  test(`the host sees what is left, and may add to it, while it is called from a loop (${mode})`, async () => {
    let fuel;
    const seen = [];
    const host = () => {
      seen.push(fuel.value);
      fuel.value += 1000n;
    };
    const made = await metered(wat(`(module (import "h" "f" (func $host))
      (func (export "go") (local $i i32)
        (loop $on (call $host) (br_if $on (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20))))))`), { mode, hostCall: 0 }, { h: { f: host } });
    fuel = made.fuel;
    fuel.value = 100n;
    made.exports.go();
    assert.equal(seen.length, 20);
    for (let at = 1; at < 20; at += 1) assert.equal(seen[at] - seen[at - 1], seen[1] - seen[0]);
    assert.ok(seen[1] - seen[0] < 1000n && seen[1] - seen[0] > 980n);
  });
}

test('functions that catch exceptions pay too', async () => {
  const { exports, spend } = await metered(wat(`(module (tag $t) (func $throws (throw $t))
    (func (export "go") (result i32) (local $i i32)
      (loop $on
        (try (do (call $throws)) (catch $t))
        (br_if $on (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 50))))
      (local.get $i)))`), { mode: 'coarse' });
  assert.ok(spend(() => assert.equal(exports.go(), 50)) > 50 * 6);
});

test('limits alone add nothing to what runs', async () => {
  const bytes = wat(`(module (memory (export "m") 1) (func $s) (start $s)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`);
  const { module, fuel, start, points } = await meter(bytes, { mode: 'off', memoryPages: 2 });
  assert.deepEqual([fuel, start, points], ['', undefined, 0]);
  const { exports } = (await WebAssembly.instantiate(module)).instance;
  assert.deepEqual(Object.keys(exports), ['m', 'grow']);
  assert.equal(exports.grow(2), -1);
  assert.equal(exports.grow(1), 1);
});

test('code that names the counter before there is one is refused', async () => {
  const bytes = wat('(module (global $a (mut i64) (i64.const 0)) (func (export "f") (global.set $a (i64.const 99))))');
  const at = Buffer.from(bytes).indexOf(Uint8Array.of(0x24, 0));
  bytes[at + 1] = 1;
  const error = await meter(bytes).catch((error) => error);
  assert.ok(error instanceof LinkError);
  assert.equal(error.code, 'ERR_MALFORMED_MODULE');
  assert.equal(error.offset, at);
});

for (const mode of MODES) {
  test(`a spent module calls its refill and goes on (${mode}), beside tables and a name of its own`, async () => {
    const text = `(module
      (table $own 2 funcref) (export "__isolith_refill" (table $own))
      (func (export "count") (param i32) (result i32) (local i32)
        (loop $on (local.set 1 (i32.add (local.get 1) (i32.const 1))) (br_if $on (i32.lt_u (local.get 1) (local.get 0))))
        (local.get 1)))`;
    const { spend, exports: rich } = await metered(wat(text), { mode });
    const cost = spend(() => rich.count(500));
    const { refill, fuel, exports } = await metered(wat(text), { mode, refill: true });
    assert.equal(refill, '__isolith_refill_');
    let given = 0n;
    const more = () => {
      given += 100n;
      fuel.value += 100n;
    };
    const pass = new WebAssembly.Module(wat('(module (import "m" "f" (func $f)) (export "f" (func $f)))'));
    exports[refill].set(0, new WebAssembly.Instance(pass, { m: { f: more } }).exports.f);
    fuel.value = 0n;
    // A hundred pays for any stretch of this code.
    assert.equal(exports.count(500), 500);
    assert.equal(Number(given - fuel.value), cost);
    exports[refill].set(0, new WebAssembly.Instance(pass, { m: { f: () => {} } }).exports.f);
    fuel.value = 10n;
    assert.throws(() => exports.count(500), WebAssembly.RuntimeError);
    assert.ok(fuel.value < 0n);
  });
}
