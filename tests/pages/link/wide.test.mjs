// Modules with a 64-bit memory: moved by their relocation entries and run, first, second and third, as alone.
// browsers: chromium firefox — WebKitGTK has no 64-bit memories
// needs: tests/linker/build.mjs
import { assert, assertEqual, assertRejects, test } from '/tests/pages/lib/test.mjs';
import { combine, inspect, instantiate, relocate } from 'isolith/link';

const load = async (name) => new Uint8Array(await (await fetch(`/tests/linker/target/${name}.wasm`)).arrayBuffer());
const SEEDS = [0, 1, 12345];

const wide = (pages) => new WebAssembly.Memory({ address: 'i64', initial: BigInt(pages) });

/** The text that a fixture's `run` answers: a pointer to a pointer and a length. */
function answer({ exports }, memory, seed) {
  const at = exports.run(seed);
  assertEqual(typeof at, 'bigint');
  const view = new DataView(memory.buffer);
  const from = Number(view.getBigUint64(Number(at), true));
  return new TextDecoder().decode(new Uint8Array(memory.buffer, from, view.getUint32(Number(at) + 8, true)));
}

async function alone(file) {
  const memory = wide((await inspect(file)).memories[0].initial);
  const { instance } = await WebAssembly.instantiate(file, { env: { memory } });
  return SEEDS.map((seed) => answer(instance, memory, seed));
}

test('first, second and third in one memory, each answers as alone', async () => {
  const file = await load('threads-direct');
  const expected = await alone(file);
  assert(expected[0].length > 100 && expected[0] !== expected[1], 'it answers');
  const combined = await combine([file, file, file], { base: 2 ** 20 });
  const memory = wide(combined.neededPages);
  const { instances } = await instantiate(combined, { env: { memory } });
  const seen = instances.map(() => []);
  for (const seed of SEEDS) for (const [at, one] of instances.entries()) seen[at].push(answer(one, memory, seed));
  assertEqual(seen, [expected, expected, expected]);
});

test('at an address of its own, and never beside a 32-bit one', async () => {
  const file = await load('threads-direct');
  const [offset, heapBase] = [0x500000, 0x700000];
  const moved = await relocate(file, offset, heapBase);
  const memory = wide(heapBase / 65536);
  const { instance } = await WebAssembly.instantiate(moved, { env: { memory } });
  assertEqual(SEEDS.map((seed) => answer(instance, memory, seed)), await alone(file));
  assert(instance.exports.run(0) > BigInt(offset), 'its data is up there');
  assert(new Uint8Array(memory.buffer, 0, offset).every((byte) => byte === 0), 'and nothing below');
  await assertRejects(combine([file, await load('threads-plain')]), { code: 'ERR_UNSUPPORTED_MODULE', module: 1 });
});
