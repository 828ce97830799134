// Linker rows: combining and relocating modules, beside the same recipe on walrus, as wasm-share-memory has it.
import { combine, getHeapBase, relocate } from 'isolith/link';

const PAGE = 65536;
const bytesOf = async (name) => new Uint8Array(await (await fetch(new URL(`./${name}.wasm`, location.href))).arrayBuffer());

/** The peer: one module at a time, its file copied in and out. */
async function walrus() {
  const { instance } = await WebAssembly.instantiate(await bytesOf('walrus'), {});
  const { memory, reserve, output, get_heap_base: heapBase, relocate: move } = instance.exports;
  const give = (file) => {
    const at = reserve(file.length);
    new Uint8Array(memory.buffer).set(file, at);
    return at;
  };
  const getHeapBase = (file) => heapBase(give(file), file.length) >>> 0;
  const relocate = (file, offset, base) => {
    const length = move(give(file), file.length, offset, base);
    return new Uint8Array(memory.buffer, output(), length).slice();
  };
  const combine = (files) => {
    // Its way: each behind the one before, and a common heap behind the last.
    const offsets = [];
    let end = 0;
    for (const file of files) {
      offsets.push(end);
      end += Math.ceil(getHeapBase(file) / PAGE) * PAGE;
    }
    return files.map((file, at) => relocate(file, offsets[at], end));
  };
  return { getHeapBase, relocate, combine };
}

const ours = {
  getHeapBase,
  relocate,
  combine: async (files) => (await combine(files)).modules,
};

/** No linker: the result, made once by ours, copied; what any that answers with a new file has to do at least. */
async function copying() {
  const made = new Map();
  return {
    getHeapBase,
    relocate: async (file, offset, base) => {
      if (!made.has(file)) made.set(file, await relocate(file, offset, base));
      return made.get(file).slice();
    },
  };
}

/** One measure: `run(linker, files)` gives the modules made, which must be modules. */
function contest(name, files, n, run, targets, floor = false) {
  const row = (who, open, more) => ({
    group: 'link', name, who, unit: 'ms', better: 'lower', n,
    async setup({ state }) {
      state.linker = await open();
      state.files = await Promise.all(files.map(bytesOf));
      for (const made of await run(state.linker, state.files)) if (!WebAssembly.validate(made)) throw new Error('no valid module');
    },
    async run({ state }, n) {
      const start = performance.now();
      for (let round = 0; round < n; round++) {
        const made = await run(state.linker, state.files);
        if (made.length !== files.length || made.some(({ length }) => length === 0)) throw new Error('wrong answer');
      }
      return (performance.now() - start) / n;
    },
    ...more,
  });
  return [
    row('isolith', async () => ours, targets ? { targets } : {}),
    row("wasm-share-memory's recipe on walrus 0.26", walrus, {
      caveat: 'the package is not in the registry: its documented recipe, rebuilt on the library it uses',
    }),
    ...(floor ? [row('heap base by isolith, then a copy of the result', copying, { reference: true })] : []),
  ];
}

const relocated = async ({ getHeapBase, relocate }, [file]) => [await relocate(file, 0x10_0000, 0x10_0000 + (await getHeapBase(file)) + PAGE)];

export default [
  ...contest("combine of the document's three modules", ['common-recipe', 'a-recipe', 'b-recipe'], 20, ({ combine }, files) => combine(files), [{ than: 'best peer', times: 5 }]),
  ...contest('heap base and relocate, 105 KB', ['pointers-recipe'], 5, relocated, [{ than: 'best peer', times: 5 }]),
  ...contest('heap base and relocate, 1.6 MB of code', ['large'], 2, relocated, [{ than: 'best peer', times: 5 }]),
  // Both mostly copy here, and leave out what speaks to debuggers.
  ...contest('heap base and relocate, 1.6 MB of data and debugging data', ['kernel-large'], 3, relocated, undefined, true),
];
