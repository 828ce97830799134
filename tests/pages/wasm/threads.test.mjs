// Threads of WASI programs: they share memory, and the end of any of them that exits or traps is the end of all.
// modes: isolated bare
import { living, untilGone } from '/tests/pages/lib/living.mjs';
import { assertEqual, assertRejects, test, within } from '/tests/pages/lib/test.mjs';
import { wat } from '/tests/pages/lib/wat.mjs';
import { cat, threads } from '/tests/pages/wasm/guests.mjs';
import { compile, instantiate, runWasi, spawnWasi } from 'isolith/wasm';

const shared = { shared: true, reason: 'threads share memory' };
const code = (number) => ({ name: 'WasmError', code: number });
const args = (letter, count) => [letter, ...Array.from({ length: count }, (_, n) => String(n))];

test('threads add up in one memory, whatever its import is called', async () => {
  for (const count of [1, 4]) {
    assertEqual(await within(15_000, runWasi(await threads(), { args: args('r', count) })), { exitCode: count, stdout: '', stderr: '' });
  }
}, shared);

test('a thread is started also by the name that older tools import', async () => {
  const text = `(module
    (import "wasi" "thread_spawn" (func $spawn (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
    (import "env" "memory" (memory 1 1 shared)) (export "memory" (memory 0))
    (func (export "wasi_thread_start") (param i32 i32) (call $proc_exit (local.get 1)))
    (func (export "_start")
      (if (i32.le_s (call $spawn (i32.const 41)) (i32.const 0)) (then (unreachable)))
      (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))`;
  assertEqual((await within(15_000, runWasi(await wat(text)))).exitCode, 41);
}, shared);

test('a thread that exits ends siblings that wait for ever', async () => {
  assertEqual((await within(15_000, runWasi(await threads(), { args: args('x', 3) }))).exitCode, 7);
}, shared);

test('a thread that traps ends siblings that spin', async () => {
  await assertRejects(within(15_000, runWasi(await threads(), { args: args('t', 3) })), code(5002));
}, shared);

test('the return of the first thread ends siblings that spin', async () => {
  assertEqual((await within(15_000, runWasi(await threads(), { args: args('m', 2) }))).exitCode, 0);
}, shared);

/** Calls that a thread never comes back from: input that does not come, and a sleep of an hour. */
const STUCK = {
  'fd_read': '(i32.store (i32.const 100) (i32.const 200)) (i32.store (i32.const 104) (i32.const 1)) (drop (call $fd_read (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 300)))',
  'poll_oneoff': '(i64.store (i32.const 124) (i64.const 3600000000000)) (drop (call $poll_oneoff (i32.const 100) (i32.const 200) (i32.const 1) (i32.const 300)))',
};

/** Two threads: one says that it is there and is stuck in `call`, the other sees that and then does `end`. */
function stuckModule(call, end, stuckIsFirst) {
  const stuck = `(i32.atomic.store (i32.const 0) (i32.const 1)) (drop (memory.atomic.notify (i32.const 0) (i32.const 1))) ${STUCK[call]} (unreachable)`;
  const ending = `(loop $look (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))) (br_if $look (i32.eqz (i32.atomic.load (i32.const 0))))) ${end}`;
  const spawn = '(if (i32.le_s (call $spawn (i32.const 0)) (i32.const 0)) (then (unreachable)))';
  return wat(`(module
    (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
    (import "any" "name" (memory 1 1 shared)) (export "memory" (memory 0))
    (func (export "wasi_thread_start") (param i32 i32) ${stuckIsFirst ? ending : stuck})
    (func (export "_start") ${spawn} ${stuckIsFirst ? stuck : ending}))`);
}

for (const call of Object.keys(STUCK)) {
  test(`a thread that is stuck in ${call} ends when another thread exits, returns from the start or traps`, async () => {
    const before = await living();
    const run = async (end, stuckIsFirst) => within(15_000, runWasi(await stuckModule(call, end, stuckIsFirst), { stdin: new ReadableStream() }));
    const exit = '(call $proc_exit (i32.const 99)) (unreachable)';
    for (const stuckIsFirst of [false, true]) {
      assertEqual((await run(exit, stuckIsFirst)).exitCode, 99);
      await assertRejects(run('(unreachable)', stuckIsFirst), code(5002));
    }
    assertEqual((await run('', false)).exitCode, 0);
    // Of ten threads only those are still there that are kept for the next guests.
    await untilGone(before, { what: 'the end of the stuck threads' });
  }, { ...shared, timeout: 90_000 });
}

test('a program with threads can be killed, and others run after it', async () => {
  const process = spawnWasi(await threads(), { args: args('x', 1).concat([]) });
  process.kill();
  assertEqual(await within(15_000, process.wait()), { exitCode: 137 });
  assertEqual((await runWasi(await cat(), { stdin: 'after' })).stdout, 'after');
}, shared);

test('threads are for programs, and need shared memory', async () => {
  const id = await compile(await threads());
  await assertRejects(instantiate(id), code(5001));
  await assertRejects(runWasi(id, { inline: true, args: ['r'] }), code(5001));
}, shared);

test('without shared memory it says so', async () => {
  await assertRejects(runWasi(await threads(), { args: ['r'] }), { code: 'ERR_NOT_ISOLATED' });
}, { shared: false, reason: 'where memory is shared it runs' });
