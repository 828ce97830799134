/** Where a primitive's words live, and the plain object by which another thread finds them. */

import { IsolithError } from '../errors.js';
import { requireShared } from '../support.js';

/** What a primitive's `handle` is: cloneable, and all that `attach` needs. */
export interface Handle {
  /** What lives there: `queue`, `ring`, `mutex` … */
  readonly isolith: string;
  readonly buffer: SharedArrayBuffer;
  /** Offset of the first byte in `buffer`. */
  readonly ptr: number;
}

/** Memory given to a primitive, all zero: 8-aligned, as long as its class says. */
export interface Storage {
  readonly buffer: SharedArrayBuffer;
  readonly byteOffset: number;
}

/** Where primitives get their memory by default, and where it goes when they are freed. */
export interface Allocator {
  /** Zeroed memory of `bytes` bytes, aligned to 64. */
  alloc(bytes: number): Storage;
  free(storage: Storage): void;
}

/** @internal A word to sleep on, and the value it must still have. */
export interface Bell {
  readonly words: Int32Array;
  readonly index: number;
  readonly value: number;
}

let allocator: Allocator | undefined;

/** Makes primitives take their memory from here (the runtime's heap); `undefined`: a buffer each. */
export function setAllocator(to: Allocator | undefined): void {
  allocator = to;
}

/** What every constructor function takes. */
export interface StorageOptions {
  /** Memory to use instead of a new SharedArrayBuffer. */
  readonly storage?: Storage | undefined;
}

/** Memory for a primitive of `bytes` bytes. */
export function allocate(bytes: number, options: StorageOptions | undefined): Storage {
  const given = options?.storage;
  if (given !== undefined) {
    const { buffer, byteOffset } = given;
    if (byteOffset % 8 !== 0 || byteOffset < 0 || byteOffset + bytes > buffer.byteLength) {
      throw new RangeError(`${bytes} bytes at ${byteOffset} do not lie 8-aligned within the ${buffer.byteLength} given`);
    }
    return given;
  }
  if (allocator !== undefined) return allocator.alloc(bytes);
  if (typeof SharedArrayBuffer === 'undefined') requireShared('isolith/sync');
  return { buffer: new SharedArrayBuffer(bytes), byteOffset: 0 };
}

/** Gives memory back that `allocate` took from the allocator; nobody may use it any more. */
export function release(storage: Storage): void {
  allocator?.free(storage);
}

/** A thing that lives in shared memory. */
export abstract class Shared {
  /** The words of the primitive, from its first. */
  protected readonly w: Int32Array;

  /** What to send to another thread, which calls `attach` on it. */
  readonly handle: Handle;

  protected constructor(isolith: string, { buffer, byteOffset }: Storage, words: number) {
    this.w = new Int32Array(buffer, byteOffset, words);
    this.handle = { isolith, buffer, ptr: byteOffset };
  }

  /** Gives the memory back to the heap it came from. Nobody on any thread may use it any more. */
  free(): void {
    release(storageOf(this.handle));
  }
}

/** The storage that a handle names, if it is one of these kinds. */
export function storageOf(handle: Handle, kind: string = handle.isolith): Storage {
  if (handle?.isolith !== kind || !(handle.buffer instanceof SharedArrayBuffer)) {
    throw new IsolithError('EINVAL', `not the handle of a ${kind}: ${String(handle?.isolith)}`);
  }
  return { buffer: handle.buffer, byteOffset: handle.ptr };
}
