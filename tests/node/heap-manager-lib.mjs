// Heaps to test managers on: a deterministic allocator over a real WebAssembly.Memory, and seeded randomness.

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A bump allocator that counts what is freed: `live` holds the blocks, and freeing anything else
 * throws, so that a test sees every double and wild free.
 */
export function makeHeap({ shared = false, initial = 2, maximum = 64, first = 16 } = {}) {
  const memory = new WebAssembly.Memory({ initial, maximum, shared });
  const live = new Map();
  const heap = {
    memory,
    live,
    frees: 0,
    next: first,
    getHeap: () => memory.buffer,
    alloc(size) {
      const address = heap.next;
      heap.next += Math.max(8, Math.ceil(size / 8) * 8);
      while (heap.next > memory.buffer.byteLength) memory.grow(1);
      live.set(address, size);
      return address;
    },
    free(address) {
      if (!live.delete(address)) throw new Error(`the heap has no block at ${address}`);
      heap.frees++;
    },
  };
  return heap;
}

/** A manager by `create` over a heap of its own. */
export function managed(create, heapOptions, managerOptions) {
  const heap = makeHeap(heapOptions);
  return { heap, manager: create(heap.getHeap, heap.alloc, heap.free, managerOptions) };
}
