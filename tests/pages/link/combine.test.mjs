// isolith/link in pages: the document's example word for word, and every fixture at every place as under wasmtime.
// modes: isolated bare csp
// needs: tests/linker/build.mjs
import { assertEqual, assertRejects, test } from '/tests/pages/lib/test.mjs';
import { combine, getHeapBase, inspect, instantiate, LinkError, meter, relocate } from 'isolith/link';

const load = async (name) => new Uint8Array(await (await fetch(`/tests/linker/target/${name}.wasm`)).arrayBuffer());
const answers = await (await fetch('/tests/linker/answers.json')).json();
/** One of each language, linker layout and memory: with names and without, threads or not. */
const FIXTURES = ['pointers-nameless', 'kernel-imported', 'kernel-threads', 'threads-first', 'threads-threads', 'threads-pic'];

/** The text that a fixture's `run` answers: a pointer to a pointer and a length. */
function answer({ exports }, memory, seed) {
  const at = exports.run(seed);
  const { buffer } = memory;
  const [ptr, length] = new Uint32Array(buffer, at, 2);
  return new TextDecoder().decode(new Uint8Array(buffer, ptr, length).slice());
}

test("the document's example", async () => {
  const [libcommon, liba, libb] = await Promise.all(['common-recipe', 'a-recipe', 'b-recipe'].map(load));
  const { modules, neededPages } = await combine([libcommon, liba, libb]);
  const memory = new WebAssembly.Memory({
    initial: neededPages,
  });
  const { instance: icommon } = await WebAssembly.instantiate(modules[0], {
    env: { memory },
  });
  const { instance: ia } = await WebAssembly.instantiate(modules[1], {
    env: { memory },
  });
  const { instance: ib } = await WebAssembly.instantiate(modules[2], {
    env: { memory },
  });
  const object = icommon.exports.create_object(1337n);
  const value = ia.exports.get_value(object);
  assertEqual(value, 1337n);
  ib.exports.double(object);
  const doubled = ia.exports.get_value(object);
  assertEqual(doubled, 2674n);
});

test('first, second and third beside others, each module answers as alone', async () => {
  const files = new Map(await Promise.all(FIXTURES.map(async (name) => [name, await load(name)])));
  for (const [index, name] of FIXTURES.entries()) {
    for (const place of [0, 1, 2]) {
      const names = [1, 2].map((step) => FIXTURES[(index + step) % FIXTURES.length]);
      names.splice(place, 0, name);
      const combined = await combine(names.map((name) => files.get(name)), { shared: false });
      const { instances, memory } = await instantiate(combined);
      const seen = names.map(() => []);
      for (const seed of answers.seeds) for (const [at, one] of instances.entries()) seen[at].push(answer(one, memory, seed));
      assertEqual(seen, names.map((name) => answers[name]), names.join());
    }
  }
}, { timeout: 60_000 });

test('one table, one allocator, side modules', async () => {
  const files = await Promise.all(['common-imported', 'pointers-imported', 'threads-first'].map(load));
  const { instances, memory, table } = await instantiate(await combine(files, { oneAllocator: true }));
  assertEqual(table instanceof WebAssembly.Table, true);
  const object = instances[0].exports.create_object(5n);
  assertEqual(new BigInt64Array(memory.buffer, object, 1)[0], 5n);
  assertEqual(answers.seeds.map((seed) => answer(instances[1], memory, seed)), answers['pointers-imported']);
  const sides = await Promise.all(['side-one-side', 'main-plain', 'side-two-side'].map(load));
  const linked = await instantiate(await combine(sides));
  assertEqual(typeof linked.instances[1].exports.main_run(4), 'number');
});

test('the other operations, and a refusal with its byte', async () => {
  const file = await load('kernel-imported');
  const base = await getHeapBase(file);
  assertEqual(await getHeapBase(await relocate(file, 0x10000, 0x800000)), 0x800000);
  assertEqual((await inspect(file)).relocation.end, base);
  const { module, fuel } = await meter(file);
  assertEqual(WebAssembly.Module.exports(new WebAssembly.Module(module)).some(({ name }) => name === fuel), true);
  await assertRejects(combine([file, file.subarray(0, 5000)]), { name: 'LinkError', code: 'ERR_MALFORMED_MODULE', module: 1 });
  const error = await relocate(await load('kernel-absolute'), 0x10000, 0x800000).catch((error) => error);
  assertEqual([error instanceof LinkError, error.code, error.offset > 100], [true, 'ERR_NOT_RELOCATABLE', true]);
});
