// Without shared memory guests can do no waiting and cannot be ended: what needs either is refused, and says why.
// modes: isolated bare
import { assert, assertEqual, assertRejects, test, within } from '/tests/pages/lib/test.mjs';
import { cat, exits, reactor, wild } from '/tests/pages/wasm/guests.mjs';
import { wat } from '/tests/pages/lib/wat.mjs';
import { compile, instantiate, pipeline, runWasi, spawnWasi } from 'isolith/wasm';

const unshared = { shared: false, reason: 'where memory is shared all of this works' };
const isolation = { code: 'ERR_NOT_ISOLATED', message: /needs shared memory/ };

/** Fails unless the guest's call was ended because it would have waited. */
async function assertNoWait(promise, what) {
  const error = await assertRejects(within(20_000, promise), { name: 'WasmError', code: 5002 });
  assertEqual(error.cause?.code, 'ERR_NOT_ISOLATED', `${error}, by ${error.cause}`);
  assert(error.message.includes(what) && error.message.includes('needs shared memory'), error.message);
  return error;
}

test('a deadline for a program, or for an instance with files', async () => {
  await assertRejects(runWasi(await exits(), { timeout: 1000 }), isolation);
  await assertRejects(spawnWasi(await exits(), { timeout: 1000 }).wait(), isolation);
  await assertRejects(pipeline([[await exits(), { timeout: 1000 }], [await exits()]]), isolation);
  await assertRejects(instantiate(await compile(await reactor()), { timeout: 1000 }), isolation);
}, unshared);

test('a guest with shared memory', async () => {
  const module = await wat('(module (import "env" "memory" (memory 1 1 shared)) (func (export "f")))');
  await assertRejects(instantiate(await compile(module)), isolation);
  await assertRejects(instantiate(await compile(module), { inline: true }), isolation);
}, unshared);

test('a program that waits for input: from a stream, and from who started it', async () => {
  const never = new ReadableStream({});
  await assertNoWait(runWasi(await cat(), { stdin: never }), 'waits for its streams');
  await assertNoWait(spawnWasi(await cat()).wait(), 'waits for its streams');
  assertEqual((await runWasi(await cat(), { stdin: 'all of it is here' })).stdout, 'all of it is here');
}, unshared);

test('a program whose output is more than anybody has taken yet', async () => {
  const stdin = new Uint8Array(3_000_000).fill(65);
  await assertNoWait(runWasi(await cat(), { stdin, stdout: () => {} }), 'waits for its streams');
  assertEqual((await runWasi(await cat(), { stdin, encoding: 'bytes' })).stdout, stdin, 'what is kept needs nobody');
}, unshared);

test('a program that sleeps', async () => {
  const sleeper = await wat(`(module
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_start")
      (i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const 3600000000000))
      (drop (call $poll (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))))`);
  await assertNoWait(runWasi(sleeper), 'a time to come');
}, unshared);

test('a program that has not begun can be killed, and fuel ends one that does not end', async () => {
  const process = spawnWasi(await exits());
  process.kill();
  assertEqual(await within(20_000, process.wait()), { exitCode: 137 });
  const error = await assertRejects(runWasi(await wild(), { args: ['1', '2'], fuel: 10_000 }), { code: 5011 });
  assertEqual(error.stdout, 'before\n');
}, unshared);
