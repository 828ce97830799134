// Guests that wait in workers: for time, for input, for the disk; and what ends them meanwhile.
import { assert, assertEqual, crash, test, testAcrossCrashes } from '/tests/pages/lib/test.mjs';
import { wat } from '/tests/pages/lib/wat.mjs';
import { compile, instantiate, runWasi, spawnWasi } from 'isolith/wasm';
import { mkdir, readFile } from 'isolith/fs';

const shared = { shared: true, reason: 'without shared memory guests run on the page and cannot wait' };

const IMPORTS = Object.entries({
  fd_read: 'i32 i32 i32 i32', fd_write: 'i32 i32 i32 i32', fd_sync: 'i32', poll_oneoff: 'i32 i32 i32 i32', clock_time_get: 'i32 i64 i32',
  path_open: 'i32 i32 i32 i32 i32 i64 i64 i32 i32',
}).map(([name, types]) => `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param ${types}) (result i32)))`).join('\n')
  + '(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))';

/** Sleeps for 30 ms of the monotonic clock, then for 30 of the wall clock; exits with 1 if it was less. */
const SLEEPER = `(module ${IMPORTS} (memory (export "memory") 1)
  (func $now (result i64) (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 512))) (i64.load (i32.const 512)))
  (func $nap (param $clock i32) (local $before i64)
    (i32.store (i32.const 16) (local.get $clock))
    (i64.store (i32.const 24) (i64.const 30000000))
    (local.set $before (call $now))
    (if (call $poll_oneoff (i32.const 0) (i32.const 128) (i32.const 1) (i32.const 256)) (then (call $proc_exit (i32.const 2))))
    (if (i32.ne (i32.load (i32.const 256)) (i32.const 1)) (then (call $proc_exit (i32.const 3))))
    (if (i64.lt_u (i64.sub (call $now) (local.get $before)) (i64.const 30000000)) (then (call $proc_exit (i32.const 1)))))
  (func (export "_start") (call $nap (i32.const 1)) (call $nap (i32.const 0))))`;

/** Waits until there is input or a minute has passed, and says which: "i" or "c". */
const WAITER = `(module ${IMPORTS} (memory (export "memory") 1)
  (func (export "_start")
    (i32.store8 (i32.const 8) (i32.const 1))
    (i32.store (i32.const 64) (i32.const 1))
    (i64.store (i32.const 72) (i64.const 60000000000))
    (if (call $poll_oneoff (i32.const 0) (i32.const 128) (i32.const 2) (i32.const 256)) (then (call $proc_exit (i32.const 2))))
    (i32.store8 (i32.const 512) (select (i32.const 105) (i32.const 99) (i32.load8_u (i32.const 138))))
    (i32.store (i32.const 520) (i32.const 512)) (i32.store (i32.const 524) (i32.const 1))
    (drop (call $fd_write (i32.const 1) (i32.const 520) (i32.const 1) (i32.const 528)))
    ;; Then it reads until nothing is left.
    (loop $on
      (i32.store (i32.const 520) (i32.const 1024)) (i32.store (i32.const 524) (i32.const 64))
      (drop (call $fd_read (i32.const 0) (i32.const 520) (i32.const 1) (i32.const 528)))
      (br_if $on (i32.load (i32.const 528))))))`;

/** Writes "kept" to the file "f" and answers when it is on the disk. */
const KEEPER = `(module ${IMPORTS} (memory (export "memory") 1) (data (i32.const 64) "fkept")
  (func (export "keep") (result i32)
    (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16))
      (then (return (i32.const 1))))
    (i32.store (i32.const 0) (i32.const 65)) (i32.store (i32.const 4) (i32.const 4))
    (if (call $fd_write (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8)) (then (return (i32.const 2))))
    (call $fd_sync (i32.load (i32.const 16)))))`;

test('a guest sleeps as long as it says', async () => {
  assertEqual((await runWasi(await wat(SLEEPER))).exitCode, 0);
}, shared);

test('a guest that waits for input or time hears of input', async () => {
  const process = await spawnWasi(await wat(WAITER));
  const output = process.stdout.getReader();
  const input = process.stdin.getWriter();
  await new Promise((resolve) => setTimeout(resolve, 50));
  await input.write(new TextEncoder().encode('x'));
  const { value } = await output.read();
  assertEqual(new TextDecoder().decode(value), 'i');
  await input.close();
  const { exitCode } = await process.wait();
  assertEqual(exitCode, 0);
}, shared);

test('a guest that waits is ended at once', async () => {
  const process = await spawnWasi(await wat(WAITER));
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.kill();
  const { exitCode } = await process.wait();
  assert(exitCode !== 0, 'it was killed');
}, shared);

testAcrossCrashes('what a guest has synchronised outlives the browser', [
  async () => {
    await mkdir('/kept', { recursive: true });
    const instance = await instantiate(await compile(await wat(KEEPER)), { preopens: { '/': '/kept' } });
    assertEqual(await instance.call('keep'), [0]);
    await crash();
  },
  async () => assertEqual(await readFile('/kept/f', 'utf8'), 'kept'),
], { timeout: 30_000 });
