/** A memory read and written by `get…` and `set…`, and whole-memory views by constructor. */
import { HeapAccess, type TypedArray, type TypedArrayConstructor, type Views } from '../bytes.js';
import { badIndex, checkCount } from '../bytes/errors.js';

/** The constructors whose arrays the platform's atomics work on. */
export type AtomicArrayConstructor =
  | Int8ArrayConstructor | Uint8ArrayConstructor | Int16ArrayConstructor | Uint16ArrayConstructor
  | Int32ArrayConstructor | Uint32ArrayConstructor | BigInt64ArrayConstructor | BigUint64ArrayConstructor;

/** The constructors whose arrays a thread can wait on. */
export type WaitArrayConstructor = Int32ArrayConstructor | BigInt64ArrayConstructor;

/** What the elements of an array of that constructor are. */
export type ElementOf<C> = C extends BigInt64ArrayConstructor | BigUint64ArrayConstructor ? bigint : number;

/** The array of that constructor. */
export type ArrayOf<C> = C extends { readonly prototype: infer T extends TypedArray } ? T : never;

/** {@link HeapAccess} over one memory, with its whole views by constructor. */
export class MemoryAccess extends HeapAccess {
  constructor(readonly memory: WebAssembly.Memory) {
    super(() => memory.buffer);
  }

  /** The view of the whole memory in which `index` is an element. Throws a RangeError that names the index. */
  element<T extends TypedArray>(Type: TypedArrayConstructor<T>, index: number): T {
    let view = viewOf(this.current, Type);
    if (!(index < view.length)) view = viewOf(this.poll(), Type);
    if (!(Number.isInteger(index) && index >= 0 && index < view.length)) throw badIndex(index, view.length);
    return view;
  }

  /** The view of the whole memory as it is now. */
  whole<T extends TypedArray>(Type: TypedArrayConstructor<T>): T {
    return viewOf(this.poll(), Type);
  }

  /** The view of the whole memory in which `[start, end)` are elements. */
  range<T extends TypedArray>(Type: TypedArrayConstructor<T>, start: number, end: number): T {
    checkCount(start, 'the start index');
    checkCount(end, 'the end index', start);
    return end === start ? this.whole(Type) : this.element(Type, end - 1);
  }
}

/** The view of that constructor. */
function viewOf<T extends TypedArray>(views: Views, Type: TypedArrayConstructor<T>): T {
  return pick(views, Type as TypedArrayConstructor) as T;
}

function pick(views: Views, Type: TypedArrayConstructor): TypedArray {
  switch (Type) {
    case Int32Array: return views.i32;
    case Uint32Array: return views.u32;
    case Uint8Array: return views.u8;
    case BigInt64Array: return views.i64;
    case BigUint64Array: return views.u64;
    case Float32Array: return views.f32;
    case Float64Array: return views.f64;
    case Int8Array: return views.i8;
    case Int16Array: return views.i16;
    case Uint16Array: return views.u16;
    case Uint8ClampedArray: return views.u8c;
    default: throw new TypeError('expected the constructor of a typed array, such as Int32Array');
  }
}

/** The key of a memory's {@link MemoryAccess}. */
export const ACCESS = Symbol('isolith.access');

/**
 * `WebAssembly.Memory` with a getter and a setter for each scalar type.
 *
 * Offsets are bytes and need not be aligned; values are little-endian. An offset outside of the
 * memory throws a RangeError that names it.
 */
export class TypedMemory extends WebAssembly.Memory {
  /** @internal */ declare readonly [ACCESS]: MemoryAccess;

  /** Reads a uint8. */
  getUint8(offset: number): number { return this[ACCESS].readUint8(offset); }
  /** Writes a uint8. */
  setUint8(offset: number, value: number): void { this[ACCESS].writeUint8(offset, value); }
  /** Reads an int8. */
  getInt8(offset: number): number { return this[ACCESS].readInt8(offset); }
  /** Writes an int8. */
  setInt8(offset: number, value: number): void { this[ACCESS].writeInt8(offset, value); }
  /** Reads a uint16. */
  getUint16(offset: number): number { return this[ACCESS].readUint16(offset); }
  /** Writes a uint16. */
  setUint16(offset: number, value: number): void { this[ACCESS].writeUint16(offset, value); }
  /** Reads an int16. */
  getInt16(offset: number): number { return this[ACCESS].readInt16(offset); }
  /** Writes an int16. */
  setInt16(offset: number, value: number): void { this[ACCESS].writeInt16(offset, value); }
  /** Reads a uint32. */
  getUint32(offset: number): number { return this[ACCESS].readUint32(offset); }
  /** Writes a uint32. */
  setUint32(offset: number, value: number): void { this[ACCESS].writeUint32(offset, value); }
  /** Reads an int32. */
  getInt32(offset: number): number { return this[ACCESS].readInt32(offset); }
  /** Writes an int32. */
  setInt32(offset: number, value: number): void { this[ACCESS].writeInt32(offset, value); }
  /** Reads a uint64. */
  getBigUint64(offset: number): bigint { return this[ACCESS].readBigUint64(offset); }
  /** Writes a uint64. */
  setBigUint64(offset: number, value: bigint): void { this[ACCESS].writeBigUint64(offset, value); }
  /** Reads an int64. */
  getBigInt64(offset: number): bigint { return this[ACCESS].readBigInt64(offset); }
  /** Writes an int64. */
  setBigInt64(offset: number, value: bigint): void { this[ACCESS].writeBigInt64(offset, value); }
  /** Reads a float32. */
  getFloat32(offset: number): number { return this[ACCESS].readFloat32(offset); }
  /** Writes a float32. */
  setFloat32(offset: number, value: number): void { this[ACCESS].writeFloat32(offset, value); }
  /** Reads a float64. */
  getFloat64(offset: number): number { return this[ACCESS].readFloat64(offset); }
  /** Writes a float64. */
  setFloat64(offset: number, value: number): void { this[ACCESS].writeFloat64(offset, value); }
}
