/** The kernel's allocator on any memory, at once: for classes whose constructors cannot wait. */

import { IsolithError } from './errors.js';
import { heapInstance, lastError } from './kernel.js';
import { Heap } from './heap.js';
import { getKernel } from './runtime.js';

/** An allocator by addresses; what fails throws an IsolithError or answers 0 where memory is exhausted. */
export interface Allocator {
  /** Address of a fresh block aligned to `align`, 0 when memory is exhausted. */
  alloc(bytes: number, align: number): number;
  /** Address of a fresh block whose bytes are all 0, 0 when memory is exhausted. */
  calloc(bytes: number, align: number): number;
  free(ptr: number): void;
  /** The block's new address, 0 when memory is exhausted (the block is then unchanged). */
  realloc(ptr: number, bytes: number): number;
  sizeof(ptr: number): number;
  allocs(): { ptr: number; size: number; bufferSize: number }[];
  readonly heap: Heap;
}

const FAILED = 0xffff_ffff;

/**
 * Joins the heap on `memory`, or begins one. Synchronous; compiles nothing where the runtime runs on
 * the same kind of memory. Throws a RangeError where the memory is too small for a heap.
 */
export function attachAllocator(memory: WebAssembly.Memory): Allocator {
  const { module } = getKernel();
  const shared = !(memory.buffer instanceof ArrayBuffer);
  const pages = memory.buffer.byteLength / 65536;
  if (pages < module.initialPages) {
    throw new RangeError(`a heap needs at least ${module.initialPages} pages of 64 KiB, and this memory has ${pages}`);
  }
  const kernel = heapInstance(module, memory, shared);
  const { exports } = kernel;
  const heap = new Heap(kernel);
  const failure = (ptr: number): IsolithError => {
    const { code, message } = lastError(kernel);
    return new IsolithError(code, `${message} (address ${ptr})`);
  };
  return {
    heap,
    alloc: (bytes, align) => exports.isolith_alloc(bytes, align) >>> 0,
    calloc: (bytes, align) => exports.isolith_calloc(bytes, align) >>> 0,
    free(ptr) {
      if (exports.isolith_free(ptr) !== 0) throw failure(ptr);
    },
    realloc(ptr, bytes) {
      const moved = exports.isolith_realloc(ptr, bytes) >>> 0;
      if (moved === FAILED) throw failure(ptr);
      return moved;
    },
    sizeof(ptr) {
      const size = exports.isolith_sizeof(ptr) >>> 0;
      if (size === FAILED) throw failure(ptr);
      return size;
    },
    allocs: () => heap.listBlocks().map(({ ptr, size, footprint }) => ({ ptr, size, bufferSize: footprint })),
  };
}
