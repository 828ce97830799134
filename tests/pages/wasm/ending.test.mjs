// Guests that loop for ever are gone for good when they are ended: their threads are, and no core stays busy.
// modes: isolated bare
import { living, untilGone } from '/tests/pages/lib/living.mjs';
import { assert, assertEqual, assertRejects, test, within } from '/tests/pages/lib/test.mjs';
import { wat } from '/tests/pages/lib/wat.mjs';
import { threads } from '/tests/pages/wasm/guests.mjs';
import { compile, instantiate, runWasi, spawnWasi } from 'isolith/wasm';

const shared = { shared: true, reason: 'without shared memory programs run on the page', timeout: 60_000 };
const code = (number) => ({ name: 'WasmError', code: number });

/** Loops of every kind: none calls anything. */
const LOOPS = {
  'an empty loop': '(loop $on (br $on))',
  'a loop in a loop': '(loop $out (loop $in (br_if $in (i32.load (i32.const 0)))) (br $out))',
  'a loop that looks at memory': '(loop $on (br_if $on (i32.eqz (i32.load (i32.const 0)))))',
};
const program = (body) => wat(`(module (memory (export "memory") 1) (func (export "_start") ${body}))`);

for (const [what, body] of Object.entries(LOOPS)) {
  test(`a program in ${what} is gone when it was killed or has run out of time`, async () => {
    const before = await living();
    const bytes = await program(body);
    const running = [1, 2, 3].map(() => spawnWasi(bytes));
    const late = assertRejects(within(20_000, runWasi(bytes, { timeout: 100 })), code(5002));
    await late;
    for (const process of running) process.kill();
    for (const process of running) assertEqual(await within(15_000, process.wait()), { exitCode: 137 });
    await untilGone(before, { what: 'the end of the four programs' });
  }, shared);
}

test('siblings that spin are gone with their process', async () => {
  const before = await living();
  await assertRejects(within(15_000, runWasi(await threads(), { args: ['t', '1', '2', '3', '4'] })), code(5002));
  await untilGone(before, { what: 'the end of the threads' });
}, shared);

test('an instance that spins is gone when its time is up, or when it is dropped and was interruptible', async () => {
  const before = await living();
  const id = await compile(await wat('(module (func (export "spin") (loop $on (br $on))) (func (export "one") (result i32) (i32.const 1)))'));
  const guests = await Promise.all([{ timeout: 500 }, { timeout: 500, limits: { memoryPages: 4 } }, { interruptible: true }, { interruptible: true }].map((config) => instantiate(id, config)));
  for (const guest of guests) {
    assertEqual(await guest.call('one'), [1]);
    await assertRejects(guest.fuelRemaining(), code(5011), 'that it can be interrupted is no fuel');
  }
  const ends = guests.map((guest, at) => assertRejects(within(20_000, guest.call('spin')), code(at < 2 ? 5002 : 5005)));
  await Promise.all(ends.slice(0, 2));
  await Promise.all(guests.slice(2).map((guest) => guest.drop()));
  await Promise.all(ends);
  await untilGone(before, { what: 'the end of the instances' });
}, { timeout: 60_000 });

test('a program that is interruptible computes what it would, over many epochs', async () => {
  const count = 60_000_000;
  const bytes = await wat(`(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory (export "memory") 1)
    (func (export "_start") (local $n i32) (local $sum i32)
      (loop $on
        (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (local.get $n)))
        (br_if $on (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const ${count}))))
      (call $exit (i32.and (i32.shr_u (local.get $sum) (i32.const 9)) (i32.const 127)))))`);
  let sum = 0;
  for (let n = 0; n < count; n += 1) sum = (Math.imul(sum, 31) + n) | 0;
  const expected = (sum >>> 9) & 127;
  for (const interruptible of [true, false]) assertEqual((await within(30_000, runWasi(bytes, { interruptible }))).exitCode, expected);
  assert(expected !== 0, 'an exit code that says something');
}, shared);
