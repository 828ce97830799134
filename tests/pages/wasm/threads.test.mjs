// Threads of WASI programs: they share memory, and the end of any of them that exits or traps is the end of all.
// modes: isolated bare
import { assertEqual, assertRejects, test, within } from '/tests/pages/lib/test.mjs';
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

test('a thread that exits ends siblings that wait for ever', async () => {
  assertEqual((await within(15_000, runWasi(await threads(), { args: args('x', 3) }))).exitCode, 7);
}, shared);

test('a thread that traps ends siblings that spin', async () => {
  await assertRejects(within(15_000, runWasi(await threads(), { args: args('t', 3) })), code(5002));
}, shared);

test('the return of the first thread ends siblings that spin', async () => {
  assertEqual((await within(15_000, runWasi(await threads(), { args: args('m', 2) }))).exitCode, 0);
}, shared);

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
