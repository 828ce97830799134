/** `isolith/heap-manager`: typed access to the heap of any WebAssembly module, and to our own. */
import './start.js';
import { IsolithError } from './errors.js';
import { getHeap } from './heap.js';
import { WasmHeapManager } from './heap-manager/manager.js';
import type {
  AllocatorMethod, DeallocatorMethod, HeapGetterCallback, WasmHeapManagerOptions,
} from './heap-manager/options.js';

export * from './heap-manager/array-refs.js';
export * from './heap-manager/data-type.js';
export * from './heap-manager/element-array-ref.js';
export * from './heap-manager/manager.js';
export * from './heap-manager/numeric-refs.js';
export * from './heap-manager/options.js';
export * from './heap-manager/pointer-refs.js';
export * from './heap-manager/ref.js';
export * from './heap-manager/string-refs.js';
export * from './struct.js';
export type { PollingMode, TypedArray } from './bytes.js';

/**
 * The manager of the runtime's own heap on this thread. Managers of all threads share that heap;
 * each tracks what it allocated itself. Throws `ERR_NOT_STARTED` at use where the runtime could not start.
 */
export const heapManager: WasmHeapManager = new WasmHeapManager(
  () => getHeap().memory.buffer,
  (size) => getHeap().allocRaw(size),
  (address) => getHeap().free(address),
);

/**
 * Makes a manager of the heap that `heapGetter` answers.
 *
 * @param heapGetter answers the current buffer, e.g. `() => memory.buffer`; called now, and later
 *   as `options.pollingMode` says.
 * @param allocate allocates so many bytes; an answer of 0 is an error `ENOMEM` for the caller.
 * @param deallocate frees the block at an address.
 * @example
 * const { memory, malloc, free } = instance.exports
 * const manager = createWasmHeapManager(() => memory.buffer, malloc, free)
 */
export function createWasmHeapManager(
  heapGetter: HeapGetterCallback,
  allocate: AllocatorMethod,
  deallocate: DeallocatorMethod,
  options?: Partial<WasmHeapManagerOptions>,
): WasmHeapManager {
  const manager = new WasmHeapManager(heapGetter, allocate, deallocate, options);
  manager.poll();
  return manager;
}

/** What a manager needs of an Emscripten module. */
export interface EmscriptenModule {
  /** The view of the module's heap, which Emscripten replaces when the heap grows. */
  readonly HEAPU8: Uint8Array;
  _malloc(size: number): number;
  _free(address: number): void;
  /** The module's memory, where it is exported: it also shows growth by another thread. */
  readonly wasmMemory?: WebAssembly.Memory;
}

/**
 * Makes a manager of an Emscripten module's heap.
 *
 * Throws an IsolithError (`EINVAL`) that names the member which the module lacks; Emscripten leaves
 * out what `EXPORTED_FUNCTIONS` and `EXPORTED_RUNTIME_METHODS` do not list.
 */
export function wrapEmscriptenModuleHeap(
  emscriptenModule: EmscriptenModule,
  options?: Partial<WasmHeapManagerOptions>,
): WasmHeapManager {
  if (typeof emscriptenModule !== 'object' && typeof emscriptenModule !== 'function' || emscriptenModule === null) {
    throw new IsolithError('EINVAL', 'the Emscripten module is no object');
  }
  for (const member of ['HEAPU8', '_malloc', '_free'] as const) {
    if (!emscriptenModule[member]) {
      throw new IsolithError('EINVAL', `the Emscripten module has no ${member}: export it when the module is built`);
    }
  }
  return createWasmHeapManager(
    () => (emscriptenModule.wasmMemory ?? emscriptenModule.HEAPU8).buffer,
    (size) => emscriptenModule._malloc(size),
    (address) => emscriptenModule._free(address),
    options,
  );
}
