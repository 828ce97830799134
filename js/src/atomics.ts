/** Shared memory outside the heap, its integer views, and `Atomics` by the names of the document. */

import { requireShared } from './support.js';

/** A typed array that atomic operations work on. */
export type IntegerArray = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;

/** A typed array of 64-bit integers. */
export type BigIntegerArray = BigInt64Array | BigUint64Array;

/** Memory of `bytes` bytes, all 0, that workers can be given without a copy. */
export function createSharedMemory(bytes: number): SharedArrayBuffer {
  requireShared('createSharedMemory');
  if (!Number.isInteger(bytes) || bytes < 0) throw new RangeError(`a size is a whole number of bytes, not ${bytes}`);
  return new SharedArrayBuffer(bytes);
}

const viewOf =
  <T>(Type: new (buffer: ArrayBufferLike, byteOffset?: number, length?: number) => T) =>
  (memory: ArrayBufferLike | WebAssembly.Memory, byteOffset?: number, length?: number): T =>
    new Type(memory instanceof WebAssembly.Memory ? memory.buffer : memory, byteOffset, length);

/** Views of a buffer or memory: `(memory, byteOffset?, length?)`. */
export const createInt8View = viewOf(Int8Array);
export const createUint8View = viewOf(Uint8Array);
export const createInt16View = viewOf(Int16Array);
export const createUint16View = viewOf(Uint16Array);
export const createInt32View = viewOf(Int32Array);
export const createUint32View = viewOf(Uint32Array);
export const createBigInt64View = viewOf(BigInt64Array);
export const createBigUint64View = viewOf(BigUint64Array);

/** An atomic read-modify-write: returns what was there before. */
interface Modify {
  (view: IntegerArray, index: number, value: number): number;
  (view: BigIntegerArray, index: number, value: bigint): bigint;
}

/** Reads one element. */
export const load = Atomics.load.bind(Atomics) as {
  (view: IntegerArray, index: number): number;
  (view: BigIntegerArray, index: number): bigint;
};
/** Writes one element and returns the value written. */
export const store = Atomics.store.bind(Atomics) as Modify;
export const add = Atomics.add.bind(Atomics) as Modify;
export const sub = Atomics.sub.bind(Atomics) as Modify;
export const and = Atomics.and.bind(Atomics) as Modify;
export const or = Atomics.or.bind(Atomics) as Modify;
export const xor = Atomics.xor.bind(Atomics) as Modify;
export const exchange = Atomics.exchange.bind(Atomics) as Modify;
/** Writes `replacement` if the element is `expected`; returns what was there before. */
export const compareExchange = Atomics.compareExchange.bind(Atomics) as {
  (view: IntegerArray, index: number, expected: number, replacement: number): number;
  (view: BigIntegerArray, index: number, expected: bigint, replacement: bigint): bigint;
};
/** Blocks while the element is `value`, up to `timeout` ms; throws on a page's main thread. */
export const wait = Atomics.wait.bind(Atomics);
/** Like `wait`, but answers with a promise where it would block; works on every thread. */
export const waitAsync = Atomics.waitAsync?.bind(Atomics);
/** Wakes up to `count` waiters of the element; returns how many. */
export const notify = Atomics.notify.bind(Atomics);
