// Heap rows: allocation, reads through views, strings in and out; us beside allocators in JS and in wasm.
import { MemPool } from '@thi.ng/malloc';
import { allocMemory, createHeap, freeMemory } from 'isolith';
import { heapManager } from 'isolith/heap-manager';
import OurSharedMemory from 'isolith/local-shared-memory';
import { createWasmHeapManager } from 'wasm-heap-manager';
import { LocalSharedMemory } from '../peers/local-shared-memory.mjs';

const SIZE = 64;
const LIVE = 10_000;
const READS = 4096;
const TEXT = 'sixteen letters!';

/** Keeps results alive, so that no loop is thrown away. */
let sink = 0;

/** Nanoseconds per operation of `count` operations. */
function timed(count, body) {
  const start = performance.now();
  body(count);
  return ((performance.now() - start) * 1e6) / count;
}

const ns = (name, who, more) => ({ group: 'heap', name, who, unit: 'ns', better: 'lower', n: 200_000, ...more });

async function dlmalloc() {
  const { instance } = await WebAssembly.instantiateStreaming(fetch(new URL('./dlmalloc.wasm', location.href)));
  return instance.exports;
}

const thing = () => new MemPool({ size: 64 * 1024 * 1024 });

/** wasm-heap-manager over dlmalloc, which needs sizes to free; `shared` picks the kind of its buffer. */
async function manager(shared) {
  const { malloc, free, memory } = await dlmalloc();
  if (!shared) {
    const sizes = new Map();
    const alloc = (size) => {
      const at = malloc(size);
      sizes.set(at, size);
      return at;
    };
    return createWasmHeapManager(() => memory.buffer, alloc, (at) => {
      free(at, sizes.get(at));
      sizes.delete(at);
    });
  }
  const area = new WebAssembly.Memory({ initial: 100, maximum: 100, shared: true });
  let next = 16;
  return createWasmHeapManager(() => area.buffer, (size) => (next += (size + 15) & ~15) - ((size + 15) & ~15), () => {});
}

/** Allocates and frees one block after another, with `live` others around. */
function churn(name, live) {
  const contest = (who, open, more) =>
    ns(name, who, {
      n: live ? 20_000 : 200_000,
      async setup({ state }) {
        Object.assign(state, await open());
        state.blocks = Array.from({ length: live }, () => state.alloc());
        state.turn = 1;
      },
      run: ({ state }, n) =>
        timed(n, (count) => {
          const { alloc, free, blocks } = state;
          if (!live) for (let i = 0; i < count; i++) free(alloc());
          // A block at random goes, a new one takes its place; the next sample goes on with other blocks.
          else
            for (let i = 0; i < count; i++) {
              state.turn = (Math.imul(state.turn, 1664525) + 1013904223) >>> 0;
              const at = state.turn % live;
              free(blocks[at]);
              blocks[at] = alloc();
            }
        }),
      teardown: ({ state }) => state.blocks?.forEach(state.free),
      ...more,
    });
  const limits = live
    ? [{ than: 'wasm-heap-manager 0.5.1, by address', times: 50 }, { than: '@thi.ng/malloc', times: 5 }, { than: 'dlmalloc', times: 1 }]
    : [{ than: 'LocalSharedMemory', times: 2 }, { than: 'dlmalloc', times: 1 }];
  return [
    contest('isolith, raw', async () => {
      const heap = await createHeap();
      return { alloc: () => heap.allocRaw(SIZE), free: (ptr) => heap.free(ptr) };
    }, { targets: limits }),
    contest('isolith, MemoryBlock', async () => ({ alloc: () => allocMemory(SIZE), free: (block) => freeMemory(block) }), {
      targets: limits.slice(0, live ? 2 : 1),
    }),
    contest('dlmalloc in wasm', async () => {
      const { malloc, free } = await dlmalloc();
      return { alloc: () => malloc(SIZE), free: (at) => free(at, SIZE) };
    }, { caveat: 'called bare, unshared memory, no lock, no checks' }),
    contest('@thi.ng/malloc 6.1', async () => {
      const pool = thing();
      return { alloc: () => pool.malloc(SIZE), free: (at) => pool.free(at) };
    }, live ? { n: 500 } : {}),
    contest('isolith, LocalSharedMemory', async () => {
      const memory = new OurSharedMemory(200, 1000);
      return { alloc: () => memory.malloc(SIZE), free: (ptr) => memory.free(ptr) };
    }, { targets: live ? [] : limits.slice(0, 1) }),
    ...(live
      ? [
          contest('wasm-heap-manager 0.5.1', async () => {
            const heap = await manager(false);
            return { alloc: () => heap.allocUint8Array(SIZE), free: (ref) => ref.free() };
          }, { caveat: 'over dlmalloc, unshared; frees by reference' }),
          contest('wasm-heap-manager 0.5.1, by address', async () => {
            const heap = await manager(false);
            return { alloc: () => heap.allocUint8Array(SIZE), free: (ref) => heap.free(ref.address) };
          }, { n: 500, caveat: 'over dlmalloc, unshared' }),
        ]
      : [
          ns(name, 'LocalSharedMemory style', {
            caveat: 'malloc alone: it has no free; written after its document',
            setup: ({ state }) => void (state.memory = new LocalSharedMemory()),
            run({ state: { memory } }, n) {
              const once = Math.min(n, 500_000);
              memory.reset();
              return timed(once, (count) => {
                for (let i = 0; i < count; i++) sink ^= memory.malloc(SIZE);
              });
            },
          }),
        ]),
  ];
}

/** Sums up int32 values one by one. */
function reads() {
  const name = 'read an int32 (shared memory)';
  const contest = (who, open, more) =>
    ns(name, who, {
      async setup(env) {
        env.state.read = await open(env.state);
      },
      run: ({ state: { read } }, n) =>
        timed(Math.floor(n / READS) * READS, (count) => {
          for (let done = 0; done < count; done += READS) sink ^= read();
        }),
      n: 50 * READS,
      ...more,
    });
  return [
    contest('isolith, cached view', async (state) => {
      const heap = await createHeap();
      state.block = heap.allocArray(Int32Array, READS);
      const view = state.block.array;
      return () => {
        let sum = 0;
        for (let i = 0; i < READS; i++) sum += view[i];
        return sum;
      };
    }, { targets: [{ than: 'raw typed array', times: 0.8 }, { than: 'wasm-heap-manager', times: 3 }], teardown: ({ state }) => state.block && state.block.heap.free(state.block) }),
    contest('isolith, block.array[i]', async (state) => {
      const heap = await createHeap();
      const block = (state.block = heap.allocArray(Int32Array, READS));
      return () => {
        let sum = 0;
        for (let i = 0; i < READS; i++) sum += block.array[i];
        return sum;
      };
    }, { targets: [{ than: 'wasm-heap-manager', times: 3 }], teardown: ({ state }) => state.block && state.block.heap.free(state.block) }),
    contest('isolith/heap-manager readInt32', async (state) => {
      const ref = (state.ref = heapManager.allocInt32Array(READS));
      const { address } = ref;
      return () => {
        let sum = 0;
        for (let i = 0; i < READS; i++) sum += heapManager.readInt32(address + i * 4);
        return sum;
      };
    }, { targets: [{ than: 'wasm-heap-manager', times: 3 }], teardown: ({ state }) => state.ref?.free() }),
    contest('isolith, LocalSharedMemory', async () => {
      const memory = new OurSharedMemory(200, 1000);
      const at = memory.malloc(READS * 4);
      return () => {
        let sum = 0;
        for (let i = 0; i < READS; i++) sum += memory.getInt32(at + i * 4);
        return sum;
      };
    }, { targets: [{ than: 'LocalSharedMemory style', times: 3 }] }),
    contest('raw typed array', async () => {
      const view = new Int32Array(new SharedArrayBuffer(READS * 4));
      return () => {
        let sum = 0;
        for (let i = 0; i < READS; i++) sum += view[i];
        return sum;
      };
    }, { reference: true }),
    contest('wasm-heap-manager 0.5.1', async () => {
      const heap = await manager(true);
      const { address } = heap.allocInt32Array(READS);
      return () => {
        let sum = 0;
        for (let i = 0; i < READS; i++) sum += heap.readInt32(address + i * 4);
        return sum;
      };
    }),
    contest('LocalSharedMemory style', async () => {
      const memory = new LocalSharedMemory();
      const at = memory.malloc(READS * 4);
      return () => {
        let sum = 0;
        for (let i = 0; i < READS; i++) sum += memory.getInt32(at + i * 4);
        return sum;
      };
    }, { caveat: 'written after its document' }),
  ];
}

/** A string of 16 letters into the heap, and out again. */
function strings() {
  const contest = (name, who, setup, once, more) =>
    ns(name, who, {
      n: 20_000,
      setup: async ({ state }) => Object.assign(state, await setup()),
      run: ({ state }, n) =>
        timed(n, (count) => {
          for (let i = 0; i < count; i++) once(state);
        }),
      ...more,
    });
  const here = async () => {
    const heap = await createHeap();
    return { heap, block: heap.fromString(TEXT) };
  };
  const there = async () => {
    const heap = await manager(false);
    return { heap, ref: heap.allocNullTerminatedUtf8String(TEXT) };
  };
  const managed = async () => ({ heap: heapManager, ref: heapManager.allocNullTerminatedUtf8String(TEXT) });
  const freeRef = ({ state }) => state.ref?.free();
  const caveat = 'unshared: in shared memory it throws';
  const read = (state) => {
    if (state.heap.toString(state.block).length !== TEXT.length) throw new Error('wrong answer');
  };
  const readThere = ({ heap, ref }) => {
    if (heap.readNullTerminatedUtf8String(ref.address).length !== TEXT.length) throw new Error('wrong answer');
  };
  const teardown = ({ state }) => state.block && state.heap.free(state.block);
  return [
    contest('string out, 16 letters', 'isolith', here, read, { targets: [{ than: 'wasm-heap-manager', times: 5 }], teardown }),
    contest('string out, 16 letters', 'isolith/heap-manager', managed, readThere, { targets: [{ than: 'wasm-heap-manager', times: 5 }], teardown: freeRef }),
    contest('string out, 16 letters', 'wasm-heap-manager 0.5.1', there, readThere, { caveat }),
    contest('string in and free, 16 letters', 'isolith', here, ({ heap }) => heap.free(heap.fromString(TEXT)), {
      targets: [{ than: 'wasm-heap-manager', times: 3 }],
      teardown,
    }),
    contest('string in and free, 16 letters', 'isolith/heap-manager', managed, ({ heap }) => heap.allocNullTerminatedUtf8String(TEXT).free(), {
      targets: [{ than: 'wasm-heap-manager', times: 3 }],
      teardown: freeRef,
    }),
    contest('string write in place, 16 letters', 'isolith/heap-manager', managed, ({ heap, ref }) => heap.writeNullTerminatedUtf8String(ref.address, TEXT, 17), {
      targets: [{ than: 'wasm-heap-manager', times: 3 }],
      teardown: freeRef,
    }),
    contest('string write in place, 16 letters', 'wasm-heap-manager 0.5.1', there, ({ heap, ref }) => heap.writeNullTerminatedUtf8String(ref.address, TEXT, 17), {
      caveat,
    }),
    contest('string in and free, 16 letters', 'wasm-heap-manager 0.5.1', there, ({ heap }) => heap.allocNullTerminatedUtf8String(TEXT).free(), {
      caveat: `${caveat}; over dlmalloc`,
    }),
  ];
}

export default [...churn('alloc and free 64 B', 0), ...churn('alloc and free 64 B, 10,000 live', LIVE), ...reads(), ...strings()];
