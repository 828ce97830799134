/** `isolith/local-shared-memory`: a WebAssembly.Memory with an allocator, typed access and atomics. */
import './start.js';
import type { TypedArray, TypedArrayConstructor } from './bytes.js';
import { checkCount, unaligned } from './bytes/errors.js';
import { IsolithError } from './errors.js';
import { attachAllocator, type Allocator } from './heap-instance.js';
import { ElementMemory } from './local-shared-memory/elements.js';
import { ACCESS, MemoryAccess, type ArrayOf } from './local-shared-memory/typed.js';
import { getKernel } from './runtime.js';

export type { ArrayOf, AtomicArrayConstructor, ElementOf, WaitArrayConstructor } from './local-shared-memory/typed.js';
export type { WaitAsyncResult } from './local-shared-memory/elements.js';

/** What `allocs()` tells of a block. */
export interface Allocation {
  /** Where the block's bytes start. */
  readonly byteOffset: number;
  /** The bytes asked for. */
  readonly byteLength: number;
  /** The bytes taken from the memory, header and padding included. */
  readonly bufferSize: number;
  /** A copy of the bytes, made when it is asked for; shared where the memory is. */
  readonly buffer: ArrayBufferLike;
}

const ALLOCATOR = Symbol('isolith.allocator');

/**
 * A `WebAssembly.Memory` that allocates, to be used wherever a memory is expected.
 *
 * Several threads may use one shared memory at once: post it to a worker and `attach` it there. The
 * first pages belong to the allocator. A block's header of at most 16 bytes lies before its offset.
 *
 * @example
 * const memory = new LocalSharedMemory(100, 1000)
 * const ptr = memory.malloc(24)
 * memory.setInt32(ptr, 12345)
 * memory.add(Int32Array, ptr / 4, 1)
 * memory.getInt32(ptr) // 12346
 * memory.free(ptr)
 */
export default class LocalSharedMemory extends ElementMemory {
  /** @internal */ declare readonly [ALLOCATOR]: Allocator;

  /**
   * @param initial pages of 64 KiB at first; as many as the allocator itself needs, at least.
   * @param maximum pages to which the memory may grow by itself as blocks are allocated.
   * @param shared false for a memory of this thread alone, which needs no cross-origin isolation.
   *
   * Throws `ERR_NOT_STARTED` where the runtime could not start.
   */
  constructor(initial = 1000, maximum: number = initial, shared = true) {
    checkCount(initial, 'initial');
    checkCount(maximum, 'maximum', initial);
    const pages = Math.max(initial, getKernel().module.initialPages);
    super({ initial: pages, maximum: Math.max(maximum, pages), shared });
    equip(this);
  }

  /**
   * Makes a memory that another thread sent a LocalSharedMemory of this thread, in place, and joins
   * the heap on it. A memory without a heap gets one; nobody else may be using its bytes.
   */
  static attach(memory: WebAssembly.Memory): LocalSharedMemory {
    if (memory instanceof LocalSharedMemory) return memory;
    if (!(memory instanceof WebAssembly.Memory)) throw new TypeError('attach takes a WebAssembly.Memory');
    equip(memory);
    return Object.setPrototypeOf(memory, LocalSharedMemory.prototype) as LocalSharedMemory;
  }

  /**
   * Allocates a block and answers its offset, a multiple of `alignBytes` (a power of two).
   *
   * The bytes are whatever was there before. Throws a RangeError for a size or alignment that cannot
   * be, and `ENOMEM` where the memory cannot grow enough.
   */
  malloc(byteLength: number, alignBytes = 16): number {
    return this[ALLOCATOR].heap.allocRaw(byteLength, alignBytes);
  }
  /** Frees the block at an offset, or of an array that this memory allocated. Throws `ERR_DOUBLE_FREE` or `ERR_WILD_POINTER`. */
  free(block: number | TypedArray): void {
    this[ALLOCATOR].free(typeof block === 'number' ? offsetOf(block) : block.byteOffset);
  }
  /** Changes a block's size, in place where that is possible; answers its offset, which may be new. On failure the block is unchanged. */
  realloc(offset: number, byteLength: number): number {
    checkCount(byteLength, 'the size in bytes');
    const { heap } = this[ALLOCATOR];
    const moved = byteLength > 0xffff_ffff ? 0 : this[ALLOCATOR].realloc(offsetOf(offset), byteLength);
    if (moved === 0) throw heap.outOfMemory(byteLength);
    return moved;
  }
  /** The bytes that the block at an offset was asked for. Throws `ERR_WILD_POINTER` where no block starts. */
  sizeof(offset: number): number {
    return this[ALLOCATOR].sizeof(offsetOf(offset));
  }
  /** All live blocks in order of their offsets. */
  allocs(): Allocation[] {
    return this[ALLOCATOR].allocs().map(({ ptr, size, bufferSize }) => describe(this, ptr, size, bufferSize));
  }

  /** Copies bytes, overlapping or not; answers `target`. */
  memcpy(target: number, source: number, byteLength: number): number {
    checkCount(byteLength, 'the size in bytes');
    const access = this[ACCESS];
    access.reach(source, byteLength);
    access.reach(target, byteLength).u8.copyWithin(target, source, source + byteLength);
    return target;
  }
  /** Sets bytes to `value`; answers `offset`. */
  memset(offset: number, value: number, byteLength: number): number {
    checkCount(byteLength, 'the size in bytes');
    this[ACCESS].reach(offset, byteLength).u8.fill(value, offset, offset + byteLength);
    return offset;
  }

  /** A copy of bytes that is never shared, for what refuses shared memory. Without a length: of the block at the offset. */
  arrayBuffer(offset = 0, length: number = this.lengthAt(offset)): ArrayBuffer {
    const copy = new Uint8Array(length);
    copy.set(this.arrayView(Uint8Array, offset, length));
    return copy.buffer;
  }
  /** A copy of bytes that is shared. Throws `ENOTSUP` where the platform has none. */
  sharedArrayBuffer(offset = 0, length: number = this.lengthAt(offset)): SharedArrayBuffer {
    const { buffer } = this[ACCESS].reach(offset, length);
    if (!(buffer instanceof ArrayBuffer)) return buffer.slice(offset, offset + length);
    if (typeof SharedArrayBuffer === 'undefined') throw new IsolithError('ENOTSUP', 'this page has no shared memory');
    const copy = new SharedArrayBuffer(length);
    new Uint8Array(copy).set(this.arrayView(Uint8Array, offset, length));
    return copy;
  }
  /** A DataView of bytes in place. Without a length: of the block at the offset. */
  dataView(offset = 0, length: number = this.lengthAt(offset)): DataView {
    checkCount(length, 'the length');
    this[ACCESS].reach(offset, length);
    return new DataView(this.buffer, offset, length);
  }
  /**
   * A typed array of `length` elements in place. Without a length: of the block at the offset.
   *
   * Throws a RangeError where the offset is no multiple of the element's size. A view of an unshared
   * memory is empty once that memory has grown.
   */
  arrayView<C extends TypedArrayConstructor>(Type: C, offset = 0, length?: number): ArrayOf<C> {
    const size = Type.BYTES_PER_ELEMENT;
    const count = length ?? Math.floor(this.lengthAt(offset) / size);
    checkCount(count, 'the length');
    this[ACCESS].reach(offset, count * size);
    if (offset % size !== 0) throw unaligned(offset, size, `a ${Type.name}`);
    return new Type(this.buffer, offset, count) as ArrayOf<C>;
  }

  /** Allocates an Int8Array of a length, zeroed, or with the elements given. */
  Int8Array(of: number | ArrayLike<number>): Int8Array { return this.make(Int8Array, of); }
  /** Allocates a Uint8Array of a length, zeroed, or with the elements given. */
  Uint8Array(of: number | ArrayLike<number>): Uint8Array { return this.make(Uint8Array, of); }
  /** Allocates a Uint8ClampedArray of a length, zeroed, or with the elements given. */
  Uint8ClampedArray(of: number | ArrayLike<number>): Uint8ClampedArray { return this.make(Uint8ClampedArray, of); }
  /** Allocates an Int16Array of a length, zeroed, or with the elements given. */
  Int16Array(of: number | ArrayLike<number>): Int16Array { return this.make(Int16Array, of); }
  /** Allocates a Uint16Array of a length, zeroed, or with the elements given. */
  Uint16Array(of: number | ArrayLike<number>): Uint16Array { return this.make(Uint16Array, of); }
  /** Allocates an Int32Array of a length, zeroed, or with the elements given. */
  Int32Array(of: number | ArrayLike<number>): Int32Array { return this.make(Int32Array, of); }
  /** Allocates a Uint32Array of a length, zeroed, or with the elements given. */
  Uint32Array(of: number | ArrayLike<number>): Uint32Array { return this.make(Uint32Array, of); }
  /** Allocates a BigInt64Array of a length, zeroed, or with the elements given. */
  BigInt64Array(of: number | ArrayLike<bigint>): BigInt64Array { return this.make(BigInt64Array, of); }
  /** Allocates a BigUint64Array of a length, zeroed, or with the elements given. */
  BigUint64Array(of: number | ArrayLike<bigint>): BigUint64Array { return this.make(BigUint64Array, of); }
  /** Allocates a Float32Array of a length, zeroed, or with the elements given. */
  Float32Array(of: number | ArrayLike<number>): Float32Array { return this.make(Float32Array, of); }
  /** Allocates a Float64Array of a length, zeroed, or with the elements given. */
  Float64Array(of: number | ArrayLike<number>): Float64Array { return this.make(Float64Array, of); }

  private make<C extends TypedArrayConstructor>(Type: C, of: number | ArrayLike<number> | ArrayLike<bigint>): ArrayOf<C> {
    const count = typeof of === 'number' ? of : of.length;
    checkCount(count, 'the length');
    const offset = this.malloc(count * Type.BYTES_PER_ELEMENT);
    const view: TypedArray = this.arrayView(Type, offset, count);
    // The elements are what the public method of that name takes: bigints for 64-bit arrays.
    if (typeof of === 'number') (view as Int32Array).fill(isBig(view) ? (0n as unknown as number) : 0);
    else (view as Int32Array).set(of as ArrayLike<number>);
    return view as ArrayOf<C>;
  }

  /** The bytes from an offset on, unless told otherwise: all of the memory from 0, else those of the block. */
  private lengthAt(offset: number): number {
    return offset === 0 ? this.buffer.byteLength : this.sizeof(offset);
  }
}

function isBig(view: TypedArray): boolean {
  return view instanceof BigInt64Array || view instanceof BigUint64Array;
}

function offsetOf(offset: number): number {
  if (!(offset >>> 0 === offset)) throw new RangeError(`offset ${String(offset)} is no address of a memory`);
  return offset;
}

/** Gives a memory its allocator and views, out of sight of those who list its properties. */
function equip(memory: WebAssembly.Memory): void {
  const allocator = attachAllocator(memory);
  Object.defineProperty(memory, ACCESS, { value: new MemoryAccess(memory) });
  Object.defineProperty(memory, ALLOCATOR, { value: allocator });
}

function describe(memory: WebAssembly.Memory, byteOffset: number, byteLength: number, bufferSize: number): Allocation {
  return {
    byteOffset,
    byteLength,
    bufferSize,
    get buffer() { return memory.buffer.slice(byteOffset, byteOffset + byteLength); },
  };
}
