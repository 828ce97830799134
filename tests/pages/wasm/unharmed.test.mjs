// Guests that trap, exhaust, recurse, spin, flood and lie leave the page and the kernel as they were.
// browsers: chromium — what workers give back, and how soon, was seen in no other engine yet
// modes: isolated bare
import { assert, assertEqual, assertRejects, test, until, within } from '/tests/pages/lib/test.mjs';
import { cat, greedy, hoarder, liar, wild } from '/tests/pages/wasm/guests.mjs';
import { createHeap } from 'isolith';
import { fs } from 'isolith/fs';
import { compile, instantiate, runWasi, spawnWasi } from 'isolith/wasm';

const heap = await createHeap();
// As many workers are kept for the next guests as ever will be.
await Promise.all([1, 2, 3].map(async () => runWasi(await cat())));
const trapped = { name: 'WasmError', code: 5002 };
const killable = {
  shared: true, timeout: 200_000,
  reason: 'what does not end by itself is ended only in a worker',
};
const preopens = { '/': '/unharmed' };

/** Ends of guests that end by themselves. */
const endings = {
  'a trap': async () => assertRejects(runWasi(await wild()), trapped),
  'recursion without end': async () => assertRejects(runWasi(await wild(), { args: ['1'] }), trapped),
  'memory taken to its limit': async () => {
    await assertRejects(runWasi(await greedy()), trapped);
    await assertRejects(runWasi(await greedy(), { limits: { memoryPages: 20 } }), trapped);
  },
  'every descriptor taken': async () => assertEqual((await runWasi(await hoarder(), { preopens })).exitCode, 33),
  'lies about pointers': async () => assertEqual(await runWasi(await liar(), { preopens }), { exitCode: 8, stdout: '', stderr: '' }),
  'fuel spent': async () => assertRejects(runWasi(await wild(), { args: ['1', '2'], fuel: 10_000 }), { code: 5011 }),
};

/** Ends of those that are ended. */
const kills = {
  'a loop without end': async () => assertRejects(runWasi(await wild(), { args: ['1', '2'], timeout: 200 }), trapped),
  'a flood that is kept': async () => {
    const { stdout } = await assertRejects(runWasi(await wild(), { args: ['1', '2', '3'], timeout: 200 }), trapped);
    assertEqual(stdout, 'before\n'.repeat(stdout.length / 7));
  },
  'a flood that nobody reads': async () => {
    const process = spawnWasi(await wild(), { args: ['1', '2', '3'] });
    const reader = process.stdout.getReader();
    await reader.read();
    process.kill();
    assertEqual(await process.wait(), { exitCode: 137 });
    await reader.cancel();
    await process.stderr.cancel();
  },
  'a flood that is taken': async () => {
    let process;
    await new Promise(async (taken) => {
      process = spawnWasi(await wild(), { args: ['1', '2', '3'], stdout: taken });
    });
    process.kill();
    assertEqual(await process.wait(), { exitCode: 137 });
    await process.stderr.cancel();
  },
  'an instance that spins': async () => {
    const instance = await instantiate(await compile(await wild()), { args: ['1', '2'], timeout: 200 });
    await assertRejects(instance.call('_start'), trapped);
    await assertRejects(instance.drop(), { code: 5005 }, 'it is gone by itself');
  },
};

/** Bytes that the kernel and all its threads have taken of its memory. */
const used = () => {
  const { pages, freeBytes } = heap.stats();
  return pages * 65536 - freeBytes;
};

/** Has guests end that way so many times; what they took must be given back but for so many bytes. */
async function assertUnharmed(end, { times, bytes }) {
  await fs.promises.mkdir('/unharmed', { recursive: true });
  await fs.promises.writeFile('/unharmed/kept', 'kept');
  // The first times what is made once is made.
  for (let n = 0; n < 2; n += 1) await within(30_000, end());
  const before = used();
  let beats = 0;
  const beat = setInterval(() => (beats += 1), 1);
  for (let n = 0; n < times; n += 1) await within(30_000, end());
  await until(() => beats > 0, { what: 'the page goes on' });
  clearInterval(beat);
  assertEqual((await within(30_000, runWasi(await cat(), { stdin: 'next' }))).stdout, 'next');
  // A thread that was ended gives back its memory when its death is certain.
  await until(() => used() - before <= bytes, { what: `${before} bytes to be taken as before`, timeout: 60_000 }).catch((error) => {
    throw new Error(`${error.message}: ${used()} are`);
  });
  heap.check();
  assertEqual(await fs.check(), []);
  assertEqual(await fs.promises.readFile('/unharmed/kept', 'utf8'), 'kept');
}

for (const [name, end] of Object.entries(endings)) {
  test(name, () => assertUnharmed(end, { times: 8, bytes: 1024 }), { timeout: 200_000 });
}
// Two more workers than before may be kept, of a little more than a MiB each; what kills leave behind would be five.
for (const [name, end] of Object.entries(kills)) test(name, () => assertUnharmed(end, { times: 5, bytes: 2_400_000 }), killable);
