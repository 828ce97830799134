/** The heaps that structs live on, all seen as a heap manager, and the blocks of structs on them. */
import { FREED_BASE, useAfterFree } from '../bytes/errors.js';
import { IsolithError } from '../errors.js';
import { WasmHeapManager } from '../heap-manager/manager.js';
import { HeapRef } from '../heap-manager/ref.js';

/** A heap that allocates blocks, as `createHeap()` makes and tasks are given. */
export interface BlockHeap {
  readonly memory: WebAssembly.Memory;
  alloc(bytes: number, align?: number): { readonly ptr: number | null };
  free(ptr: number): void;
}

/** A memory that allocates by itself, as a LocalSharedMemory does. */
export interface AllocatingMemory extends WebAssembly.Memory {
  malloc(bytes: number, align?: number): number;
  free(ptr: number): void;
}

/** Where structs can live; on a plain memory they can only be found by address. */
export type StructHeap = WasmHeapManager | BlockHeap | AllocatingMemory | WebAssembly.Memory;

const managers = new WeakMap<object, WasmHeapManager>();

/** The manager of a heap: the same one each time. */
export function managerOf(heap: StructHeap): WasmHeapManager {
  if (heap instanceof WasmHeapManager) return heap;
  let manager = managers.get(heap);
  if (manager === undefined) managers.set(heap, (manager = makeManager(heap)));
  return manager;
}

function makeManager(heap: Exclude<StructHeap, WasmHeapManager>): WasmHeapManager {
  const options = { trackAllocations: false };
  if (heap instanceof WebAssembly.Memory) {
    if ('malloc' in heap) return new WasmHeapManager(() => heap.buffer, (size) => heap.malloc(size), (ptr) => heap.free(ptr), options);
    const refuse = (): never => {
      throw new IsolithError('ENOTSUP', 'a plain WebAssembly.Memory cannot allocate or free: pass its heap');
    };
    return new WasmHeapManager(() => heap.buffer, refuse, refuse, options);
  }
  if (!(heap?.memory instanceof WebAssembly.Memory)) throw new TypeError('expected a heap, a heap manager or a WebAssembly.Memory');
  return new WasmHeapManager(() => heap.memory.buffer, (size) => heap.alloc(size).ptr ?? 0, (ptr) => heap.free(ptr), options);
}

/**
 * A block that holds structs. All views of its parts read `base` through it, so that after `free`
 * every one of them, and not just the one that was freed, throws `ERR_USE_AFTER_FREE`.
 */
export class Region extends HeapRef {
  /** The block's address; {@link FREED_BASE} once freed. */
  base: number;
  /** The view to which the block belongs, which alone may free it. */
  root: object | undefined = undefined;

  constructor(address: number, override readonly allocatedByteCount: number, manager: WasmHeapManager) {
    super(address, manager);
    this.base = address;
  }

  override alive(): number {
    if (!(this.address > 0)) throw useAfterFree('the block of this struct');
    return this.address;
  }
  override forget(): void {
    this.base = FREED_BASE;
    super.forget();
  }
}
