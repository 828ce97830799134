/** Heaps: blocks of bytes on a WebAssembly memory, allocated by the kernel and freed by hand. */

import { decodeUtf8, encodeUtf8, measureUtf8 } from './bytes/text.js';
import { NO_VIEWS, Views } from './bytes/views.js';
import { Block, type MemoryBlock, TypedBlock, type TypedArrayConstructor } from './block.js';
import { IsolithError } from './errors.js';
import { type Kernel, heapInstance, lastError } from './kernel.js';
import type { LinkedModule, LinkOptions } from './linked.js';
import type { WasmBytes } from './linker-module.js';
import { getKernel } from './runtime.js';
import { streamInto, type ResponseOptions } from './response.js';
import { requireShared } from './support.js';

export type { MemoryBlock } from './block.js';

/** Where an independent heap lives, and how it behaves. */
export interface HeapOptions {
  /** Pages of 64 KiB that the memory starts with; default 16. */
  readonly initial?: number;
  /** Pages that it may grow to; default 4,096 (256 MiB), because address space is what browsers run out of. */
  readonly maximum?: number;
  /** Whether other threads can be given the memory; default true where that is possible. */
  readonly shared?: boolean;
  /** Guards the bytes behind every block, fills freed ones, and remembers who allocated what. */
  readonly debug?: boolean;
}

/** Figures of a heap in bytes, summed over all its threads. */
export interface HeapStats {
  readonly bytesInUse: number;
  readonly peakBytes: number;
  readonly blocks: number;
  readonly freeBytes: number;
  readonly largestFree: number;
  readonly pages: number;
}

const LARGEST = 0xffff_ffff;
const FAILED = 0xffff_ffff;

/** Entries of `allocs()` read per call into the kernel; an entry is four 32-bit words. */
const LIST_BATCH = 1024;

/**
 * A heap on one memory. Every method works on any thread that has attached to the memory; none
 * blocks but for the allocator's lock.
 */
export class Heap {
  readonly memory: WebAssembly.Memory;
  /** The kernel under this heap; for the package's own use. */
  readonly kernel: Kernel;
  #bytes: Uint8Array;
  #stacks: Map<number, string> | undefined;
  #views = NO_VIEWS;
  #exhausted: ((bytes: number) => void) | undefined;

  constructor(kernel: Kernel, debug = false) {
    this.kernel = kernel;
    this.memory = kernel.memory;
    this.#bytes = new Uint8Array(this.memory.buffer);
    if (debug) {
      kernel.exports.isolith_heap_debug(1);
      this.#stacks = new Map();
    }
  }

  /** All bytes of the memory as it is now; take it anew after anything that may allocate. */
  get HEAP(): Uint8Array {
    const { buffer } = this.memory;
    if (this.#bytes.buffer !== buffer) this.#bytes = new Uint8Array(buffer);
    return this.#bytes;
  }

  /**
   * Allocates `bytes`, aligned to `align` (a power of two; less than 16 counts as 16). The bytes
   * are whatever was there before.
   *
   * Throws a RangeError for a size or alignment that cannot be, and `ENOMEM` with size and free
   * bytes when memory is exhausted.
   */
  alloc(bytes: number, align = 16): MemoryBlock {
    return new Block(this, this.allocRaw(bytes, align), bytes);
  }

  /** `alloc` with the arguments in the order of C's `aligned_alloc`. */
  alignedAlloc(align: number, bytes: number): MemoryBlock {
    return this.alloc(bytes, align);
  }

  /** Like `alloc`, with every byte 0. */
  calloc(bytes: number, align = 16): MemoryBlock {
    checkSize(bytes);
    checkAlign(align);
    return new Block(this, this.#made(this.kernel.exports.isolith_calloc(bytes, align), bytes), bytes);
  }

  /** The address of a fresh block: `alloc` without the object. */
  allocRaw(bytes: number, align = 16): number {
    checkSize(bytes);
    checkAlign(align);
    return this.#made(this.kernel.exports.isolith_alloc(bytes, align), bytes);
  }

  #made(ptr: number, bytes: number): number {
    if (ptr === 0) {
      this.#exhausted?.(bytes);
      throw this.outOfMemory(bytes);
    }
    this.#stacks?.set(ptr >>> 0, new Error('allocated here').stack ?? '');
    return ptr >>> 0;
  }

  /**
   * Changes a block's size, in place where that is possible, and returns the same block object. The
   * bytes that both sizes have in common stay. On failure the block is unchanged.
   */
  realloc<B extends MemoryBlock>(block: B, bytes: number): B {
    checkSize(bytes);
    const from = this.#address(block);
    const ptr = this.kernel.exports.isolith_realloc(from, bytes) >>> 0;
    if (ptr === 0) throw this.outOfMemory(bytes);
    if (ptr === FAILED) throw this.#failure(from);
    (block as unknown as Block).moved(ptr, bytes);
    return block;
  }

  /**
   * Frees a block, or the block at an address, of this heap. The block's `ptr` and `memory` become
   * null and its `size` 0; the bytes stay until something else is allocated there.
   *
   * Throws `ERR_DOUBLE_FREE`, `ERR_WILD_POINTER` (never the start of a block of this heap) and
   * `ERR_HEAP_CORRUPT` (the header before, or the guard behind the block was overwritten).
   */
  free(block: MemoryBlock | number): void {
    const ptr = this.#address(block);
    if (this.kernel.exports.isolith_free(ptr) !== 0) throw this.#failure(ptr);
    this.#stacks?.delete(ptr);
    if (typeof block === 'object') (block as unknown as Block).gone();
  }

  /** Bytes that the block at `ptr` was asked for. */
  sizeof(ptr: number): number {
    const size = this.kernel.exports.isolith_sizeof(checkAddress(ptr)) >>> 0;
    if (size === FAILED) throw this.#failure(ptr);
    return size;
  }

  /** Every live block in order of address; consistent per block while other threads go on. */
  allocs(): { ptr: number; size: number }[] {
    return this.listBlocks().map(({ ptr, size }) => ({ ptr, size }));
  }

  /** Like `allocs`, with what each takes of the memory (header and padding included). */
  listBlocks(): { ptr: number; size: number; footprint: number; serial: number }[] {
    const out = this.allocRaw(LIST_BATCH * 16);
    try {
      const blocks = [];
      for (let from = 0; ; ) {
        const count = this.kernel.exports.isolith_heap_list(from, out, LIST_BATCH);
        const words = new Uint32Array(this.memory.buffer, out, count * 4).slice();
        for (let at = 0; at < words.length; at += 4) {
          const [ptr, size, footprint, serial] = words.subarray(at, at + 4) as unknown as [number, number, number, number];
          if (ptr !== out) blocks.push({ ptr, size, footprint, serial });
          from = ptr + 16;
        }
        if (count < LIST_BATCH) return blocks;
      }
    } finally {
      this.free(out);
    }
  }

  /** What was allocated and not freed, with the stack of the allocation: heaps with `debug` only. */
  leaks(): { ptr: number; size: number; stack: string }[] {
    return this.allocs().map(({ ptr, size }) => ({ ptr, size, stack: this.#stacks?.get(ptr) ?? '' }));
  }

  /** The heap's figures; the allocator's lock is held for a moment. */
  stats(): HeapStats {
    const at = this.kernel.exports.isolith_heap_stats() >>> 0;
    const [bytesInUse, peakBytes, blocks, freeBytes, largestFree, pages] = Array.from(
      new BigUint64Array(this.memory.buffer, at, 6),
      Number,
    ) as [number, number, number, number, number, number];
    return { bytesInUse, peakBytes, blocks, freeBytes, largestFree, pages };
  }

  /** Checks the whole heap; throws `ERR_HEAP_CORRUPT` with the first damage. No other thread may use it meanwhile. */
  check(): void {
    if (this.kernel.exports.isolith_heap_check() !== 0) throw lastError(this.kernel);
  }

  /** Calls `handler` with the size before an allocation fails with `ENOMEM`. */
  onOutOfMemory(handler: ((bytes: number) => void) | undefined): void {
    this.#exhausted = handler;
  }

  /** The string as UTF-8 in a block of exactly its length, without a terminator. */
  fromString(text: string): MemoryBlock {
    const measured = measureUtf8(text);
    const block = this.alloc(measured.length);
    encodeUtf8(this.HEAP, block.ptr ?? 0, text, measured);
    return block;
  }

  /** The block's bytes as UTF-8 text; bytes that are not UTF-8 become U+FFFD. */
  toString(block?: MemoryBlock): string {
    if (block === undefined) return '[object Heap]';
    const { ptr, size } = block;
    if (ptr === null) throw new IsolithError('ERR_USE_AFTER_FREE', 'the block was already freed');
    if (this.#views.u8.buffer !== this.memory.buffer) this.#views = new Views(this.memory.buffer);
    return decodeUtf8(this.#views, ptr, ptr + size);
  }

  /** A block with a copy of the bytes. */
  fromArrayBuffer(source: ArrayBufferLike | ArrayBufferView): MemoryBlock {
    const bytes = ArrayBuffer.isView(source)
      ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
      : new Uint8Array(source);
    const block = this.alloc(bytes.length);
    liveBytes(block).set(bytes);
    return block;
  }

  /**
   * Streams a response's body into a block, chunk by chunk, without a second full copy.
   *
   * Rejects, and frees what it had taken, when the body fails, the signal aborts or memory is
   * exhausted. A response with an error status is stored like any other, as `fetch` leaves it.
   */
  fromResponse(response: Response, options: ResponseOptions = {}): Promise<MemoryBlock> {
    return streamInto(this, response, options);
  }

  /** A typed-array view of `length` elements at `ptr`; out of range or unaligned is a RangeError. */
  view<T>(Type: TypedArrayConstructor<T>, ptr: number, length: number): T {
    return new Type(this.memory.buffer, checkAddress(ptr), length);
  }

  /** A zeroed block of `length` elements, with its typed array. */
  allocArray<T>(Type: TypedArrayConstructor<T>, length: number): TypedBlock<T> {
    const bytes = length * Type.BYTES_PER_ELEMENT;
    checkSize(bytes);
    return new TypedBlock(this, this.calloc(bytes).ptr ?? 0, bytes, Type);
  }

  /**
   * Places compiled modules into a block of this heap's memory, joined to its allocator, and gives
   * their exports. Pages only; for workers see `pool.kernel`. Frees nothing by itself: `unload()`.
   *
   * Rejects with `LinkError` for a module that cannot be moved exactly, `ERR_UNDEFINED_SYMBOL` for an
   * import that nobody has, `ENOMEM`, and whatever start functions throw; then nothing is kept.
   */
  async link(modules: WasmBytes | readonly WasmBytes[], options?: LinkOptions): Promise<LinkedModule> {
    if (!linker) throw new IsolithError('ERR_NOT_SUPPORTED', 'modules are linked on the page; workers run them by pool.kernel');
    return linker(this, modules, options);
  }

  /** Ends this thread's use of the heap: its cached memory goes back, for other threads to use. */
  destroy(): void {
    if (this === runtimeHeap) throw new IsolithError('ERR_NOT_SUPPORTED', "the runtime's own heap cannot be destroyed");
    this.kernel.exports.isolith_thread_leave();
  }

  /** The error for an allocation that did not succeed. */
  outOfMemory(bytes: number): IsolithError {
    const { freeBytes, largestFree } = this.stats();
    return new IsolithError(
      'ENOMEM',
      `cannot allocate ${bytes} bytes: ${freeBytes} bytes are free, ${largestFree} in one piece, and the memory cannot grow enough`,
    );
  }

  #address(block: MemoryBlock | number): number {
    if (typeof block === 'number') return checkAddress(block);
    if (!(block instanceof Block)) throw new TypeError('expected a block of this heap or its address');
    if (block.ptr === null) throw new IsolithError('ERR_DOUBLE_FREE', 'the block was already freed');
    if (block.heap.memory !== this.memory) {
      throw new IsolithError('ERR_WILD_POINTER', `the block at ${block.ptr} belongs to another heap`);
    }
    return block.ptr;
  }

  #failure(ptr: number): IsolithError {
    const { code, message } = lastError(this.kernel);
    return new IsolithError(code, `${message} (address ${ptr})`);
  }
}

/** A block's bytes; throws after it was freed. */
export function liveBytes(block: MemoryBlock): Uint8Array {
  if (block.memory === null) throw new IsolithError('ERR_USE_AFTER_FREE', 'the block was already freed');
  return block.memory;
}

function checkSize(bytes: number): void {
  if (!Number.isInteger(bytes) || bytes < 0 || bytes > LARGEST) {
    throw new RangeError(`a size is a whole number of bytes from 0 to ${LARGEST}, not ${bytes}`);
  }
}

function checkAlign(align: number): void {
  if (!Number.isInteger(align) || align < 1 || align > 1 << 30 || (align & (align - 1)) !== 0) {
    throw new RangeError(`an alignment is a power of two up to 2^30, not ${align}`);
  }
}

function checkAddress(ptr: number): number {
  if (!Number.isInteger(ptr) || ptr < 0 || ptr > LARGEST) {
    throw new RangeError(`an address is a whole number from 0 to ${LARGEST}, not ${ptr}`);
  }
  return ptr;
}

type Linker = (heap: Heap, modules: WasmBytes | readonly WasmBytes[], options?: LinkOptions) => Promise<LinkedModule>;
let linker: Linker | undefined;

/** Gives this thread's heaps what links modules; workers, whose script is one file, have none. */
export function setLinker(link: Linker): void {
  linker = link;
}

let runtimeHeap: Heap | undefined;

/** The runtime's own heap on this thread. */
export function getHeap(): Heap {
  return (runtimeHeap ??= new Heap(getKernel()));
}

/** The heap without options is the runtime's own; with options an independent one on its own memory. */
export async function createHeap(options?: HeapOptions): Promise<Heap> {
  if (options === undefined) return getHeap();
  const { module, shared: shareable } = getKernel();
  const shared = options.shared ?? shareable;
  if (shared) requireShared('a shared heap');
  await module.compile(shared);
  const initial = Math.max(options.initial ?? 16, module.initialPages);
  const maximum = Math.max(options.maximum ?? 4096, initial);
  const memory = new WebAssembly.Memory({ initial, maximum, shared });
  return new Heap(heapInstance(module, memory, shared), options.debug);
}

/** Joins the heap that lives on `memory`, from any thread, without disturbing it. */
export async function attachHeap(memory: WebAssembly.Memory): Promise<Heap> {
  const kernel = getKernel();
  if (memory === kernel.memory) return getHeap();
  const shared = !(memory.buffer instanceof ArrayBuffer);
  await kernel.module.compile(shared);
  return new Heap(heapInstance(kernel.module, memory, shared));
}

/** Allocates on the runtime's heap: see `Heap.alloc`. */
export function allocMemory(bytes: number, align?: number): MemoryBlock {
  return getHeap().alloc(bytes, align);
}

/** Frees a block of the runtime's heap: see `Heap.free`. */
export function freeMemory(block: MemoryBlock): void {
  getHeap().free(block);
}
