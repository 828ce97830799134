/** A heap's memory as the user of any allocator sees it: allocate, wrap, view, free. */
import type { TypedArray } from '../bytes.js';
import { checkCount } from '../bytes/errors.js';
import type { ElementBytes } from '../bytes/strings.js';
import { utf32Length, utf8Length } from '../bytes/text.js';
import {
  Int8ArrayRef, Uint8ArrayRef, Uint8ClampedArrayRef, Int16ArrayRef, Uint16ArrayRef, Int32ArrayRef, Uint32ArrayRef, BigInt64ArrayRef, BigUint64ArrayRef, Float32ArrayRef, Float64ArrayRef,
  type TypedArrayRef,
} from './array-refs.js';
import { ElementArrayRef } from './element-array-ref.js';
import {
  Int8Ref, Uint8Ref, Uint8ClampedRef, Int16Ref, Uint16Ref, Int32Ref, Uint32Ref, BigInt64Ref, BigUint64Ref, Float32Ref, Float64Ref,
} from './numeric-refs.js';
import {
  Pointer32Ref, Pointer32ArrayRef, Pointer53Ref, Pointer53ArrayRef, Pointer64Ref, Pointer64ArrayRef,
} from './pointer-refs.js';
import { BaseHeapManager } from './base-manager.js';
import {
  NullTerminatedAsciiStringRef, NullTerminatedUtf16StringRef, NullTerminatedUtf32StringRef, NullTerminatedUtf8StringRef,
  type NullTerminatedStringRef,
} from './string-refs.js';

/**
 * A typed view of a heap: numbers, strings and arrays, read, written, allocated, wrapped and viewed.
 *
 * A manager belongs to one thread; managers of several threads may share one heap as long as its
 * allocator can. It takes no lock and never blocks. Errors: a RangeError names a bad address, index
 * or count; an IsolithError has the code `ENOMEM` or `ERR_USE_AFTER_FREE`.
 *
 * @example
 * const counter = manager.allocInt32(41)
 * counter.value += 1
 * manager.readInt32(counter.address) // 42
 * counter.free()
 * counter.value // throws: ERR_USE_AFTER_FREE
 */
export class WasmHeapManager extends BaseHeapManager {
  /** Allocates an int8, 0 unless a value is given. */
  allocInt8(initialValue?: number): Int8Ref { return this.own(Int8Ref, 1, 0, initialValue); }
  /** Refers to an int8 that is there. */
  wrapInt8(address: number): Int8Ref { return new Int8Ref(address, this); }
  /** Views an array in the current buffer. */
  viewInt8Array(address: number, elementCount: number): Int8Array { return this.viewOf(Int8Array, address, elementCount); }
  /** Allocates an array, of zeros or of the elements given. */
  allocInt8Array(countOrElements: number | ArrayLike<number>): Int8ArrayRef { return this.ownArray(Int8ArrayRef, 1, countOrElements); }
  /** Refers to an array that is there. */
  wrapInt8Array(address: number, elementCount: number): Int8ArrayRef { return new Int8ArrayRef(address, elementCount, this); }

  /** Allocates a uint8, 0 unless a value is given. */
  allocUint8(initialValue?: number): Uint8Ref { return this.own(Uint8Ref, 1, 0, initialValue); }
  /** Refers to a uint8 that is there. */
  wrapUint8(address: number): Uint8Ref { return new Uint8Ref(address, this); }
  /** Views an array in the current buffer. */
  viewUint8Array(address: number, elementCount: number): Uint8Array { return this.viewOf(Uint8Array, address, elementCount); }
  /** Allocates an array, of zeros or of the elements given. */
  allocUint8Array(countOrElements: number | ArrayLike<number>): Uint8ArrayRef { return this.ownArray(Uint8ArrayRef, 1, countOrElements); }
  /** Refers to an array that is there. */
  wrapUint8Array(address: number, elementCount: number): Uint8ArrayRef { return new Uint8ArrayRef(address, elementCount, this); }

  /** Allocates a uint8 that is written clamped to 0–255, 0 unless a value is given. */
  allocUint8Clamped(initialValue?: number): Uint8ClampedRef { return this.own(Uint8ClampedRef, 1, 0, initialValue); }
  /** Refers to a uint8 that is written clamped to 0–255 that is there. */
  wrapUint8Clamped(address: number): Uint8ClampedRef { return new Uint8ClampedRef(address, this); }
  /** Views an array in the current buffer. */
  viewUint8ClampedArray(address: number, elementCount: number): Uint8ClampedArray { return this.viewOf(Uint8ClampedArray, address, elementCount); }
  /** Allocates an array, of zeros or of the elements given. */
  allocUint8ClampedArray(countOrElements: number | ArrayLike<number>): Uint8ClampedArrayRef { return this.ownArray(Uint8ClampedArrayRef, 1, countOrElements); }
  /** Refers to an array that is there. */
  wrapUint8ClampedArray(address: number, elementCount: number): Uint8ClampedArrayRef { return new Uint8ClampedArrayRef(address, elementCount, this); }

  /** Allocates an int16, 0 unless a value is given. */
  allocInt16(initialValue?: number): Int16Ref { return this.own(Int16Ref, 2, 0, initialValue); }
  /** Refers to an int16 that is there. */
  wrapInt16(address: number): Int16Ref { return new Int16Ref(address, this); }
  /** Views an array in the current buffer. */
  viewInt16Array(address: number, elementCount: number): Int16Array { return this.viewOf(Int16Array, address, elementCount); }
  /** Allocates an array, of zeros or of the elements given. */
  allocInt16Array(countOrElements: number | ArrayLike<number>): Int16ArrayRef { return this.ownArray(Int16ArrayRef, 2, countOrElements); }
  /** Refers to an array that is there. */
  wrapInt16Array(address: number, elementCount: number): Int16ArrayRef { return new Int16ArrayRef(address, elementCount, this); }

  /** Allocates a uint16, 0 unless a value is given. */
  allocUint16(initialValue?: number): Uint16Ref { return this.own(Uint16Ref, 2, 0, initialValue); }
  /** Refers to a uint16 that is there. */
  wrapUint16(address: number): Uint16Ref { return new Uint16Ref(address, this); }
  /** Views an array in the current buffer. */
  viewUint16Array(address: number, elementCount: number): Uint16Array { return this.viewOf(Uint16Array, address, elementCount); }
  /** Allocates an array, of zeros or of the elements given. */
  allocUint16Array(countOrElements: number | ArrayLike<number>): Uint16ArrayRef { return this.ownArray(Uint16ArrayRef, 2, countOrElements); }
  /** Refers to an array that is there. */
  wrapUint16Array(address: number, elementCount: number): Uint16ArrayRef { return new Uint16ArrayRef(address, elementCount, this); }

  /** Allocates an int32, 0 unless a value is given. */
  allocInt32(initialValue?: number): Int32Ref { return this.own(Int32Ref, 4, 0, initialValue); }
  /** Refers to an int32 that is there. */
  wrapInt32(address: number): Int32Ref { return new Int32Ref(address, this); }
  /** Views an array in the current buffer. */
  viewInt32Array(address: number, elementCount: number): Int32Array { return this.viewOf(Int32Array, address, elementCount); }
  /** Allocates an array, of zeros or of the elements given. */
  allocInt32Array(countOrElements: number | ArrayLike<number>): Int32ArrayRef { return this.ownArray(Int32ArrayRef, 4, countOrElements); }
  /** Refers to an array that is there. */
  wrapInt32Array(address: number, elementCount: number): Int32ArrayRef { return new Int32ArrayRef(address, elementCount, this); }

  /** Allocates a uint32, 0 unless a value is given. */
  allocUint32(initialValue?: number): Uint32Ref { return this.own(Uint32Ref, 4, 0, initialValue); }
  /** Refers to a uint32 that is there. */
  wrapUint32(address: number): Uint32Ref { return new Uint32Ref(address, this); }
  /** Views an array in the current buffer. */
  viewUint32Array(address: number, elementCount: number): Uint32Array { return this.viewOf(Uint32Array, address, elementCount); }
  /** Allocates an array, of zeros or of the elements given. */
  allocUint32Array(countOrElements: number | ArrayLike<number>): Uint32ArrayRef { return this.ownArray(Uint32ArrayRef, 4, countOrElements); }
  /** Refers to an array that is there. */
  wrapUint32Array(address: number, elementCount: number): Uint32ArrayRef { return new Uint32ArrayRef(address, elementCount, this); }

  /** Allocates an int64, 0 unless a value is given. */
  allocBigInt64(initialValue?: bigint): BigInt64Ref { return this.own(BigInt64Ref, 8, 0n, initialValue); }
  /** Refers to an int64 that is there. */
  wrapBigInt64(address: number): BigInt64Ref { return new BigInt64Ref(address, this); }
  /** Views an array in the current buffer. */
  viewBigInt64Array(address: number, elementCount: number): BigInt64Array { return this.viewOf(BigInt64Array, address, elementCount); }
  /** Allocates an array, of zeros or of the elements given. */
  allocBigInt64Array(countOrElements: number | ArrayLike<bigint>): BigInt64ArrayRef { return this.ownArray(BigInt64ArrayRef, 8, countOrElements); }
  /** Refers to an array that is there. */
  wrapBigInt64Array(address: number, elementCount: number): BigInt64ArrayRef { return new BigInt64ArrayRef(address, elementCount, this); }

  /** Allocates a uint64, 0 unless a value is given. */
  allocBigUint64(initialValue?: bigint): BigUint64Ref { return this.own(BigUint64Ref, 8, 0n, initialValue); }
  /** Refers to a uint64 that is there. */
  wrapBigUint64(address: number): BigUint64Ref { return new BigUint64Ref(address, this); }
  /** Views an array in the current buffer. */
  viewBigUint64Array(address: number, elementCount: number): BigUint64Array { return this.viewOf(BigUint64Array, address, elementCount); }
  /** Allocates an array, of zeros or of the elements given. */
  allocBigUint64Array(countOrElements: number | ArrayLike<bigint>): BigUint64ArrayRef { return this.ownArray(BigUint64ArrayRef, 8, countOrElements); }
  /** Refers to an array that is there. */
  wrapBigUint64Array(address: number, elementCount: number): BigUint64ArrayRef { return new BigUint64ArrayRef(address, elementCount, this); }

  /** Allocates a float32, 0 unless a value is given. */
  allocFloat32(initialValue?: number): Float32Ref { return this.own(Float32Ref, 4, 0, initialValue); }
  /** Refers to a float32 that is there. */
  wrapFloat32(address: number): Float32Ref { return new Float32Ref(address, this); }
  /** Views an array in the current buffer. */
  viewFloat32Array(address: number, elementCount: number): Float32Array { return this.viewOf(Float32Array, address, elementCount); }
  /** Allocates an array, of zeros or of the elements given. */
  allocFloat32Array(countOrElements: number | ArrayLike<number>): Float32ArrayRef { return this.ownArray(Float32ArrayRef, 4, countOrElements); }
  /** Refers to an array that is there. */
  wrapFloat32Array(address: number, elementCount: number): Float32ArrayRef { return new Float32ArrayRef(address, elementCount, this); }

  /** Allocates a float64, 0 unless a value is given. */
  allocFloat64(initialValue?: number): Float64Ref { return this.own(Float64Ref, 8, 0, initialValue); }
  /** Refers to a float64 that is there. */
  wrapFloat64(address: number): Float64Ref { return new Float64Ref(address, this); }
  /** Views an array in the current buffer. */
  viewFloat64Array(address: number, elementCount: number): Float64Array { return this.viewOf(Float64Array, address, elementCount); }
  /** Allocates an array, of zeros or of the elements given. */
  allocFloat64Array(countOrElements: number | ArrayLike<number>): Float64ArrayRef { return this.ownArray(Float64ArrayRef, 8, countOrElements); }
  /** Refers to an array that is there. */
  wrapFloat64Array(address: number, elementCount: number): Float64ArrayRef { return new Float64ArrayRef(address, elementCount, this); }

  /** Allocates a pointer of 32 bits, 0 unless a value is given. */
  allocPointer32(initialValue?: number): Pointer32Ref { return this.own(Pointer32Ref, 4, 0, initialValue); }
  /** Refers to a pointer of 32 bits that is there. */
  wrapPointer32(address: number): Pointer32Ref { return new Pointer32Ref(address, this); }
  /** Views an array in the current buffer. */
  viewPointer32Array(address: number, elementCount: number): Uint32Array { return this.viewOf(Uint32Array, address, elementCount); }
  /** Allocates an array, of zeros or of the elements given. */
  allocPointer32Array(countOrElements: number | ArrayLike<number>): Pointer32ArrayRef { return this.ownArray(Pointer32ArrayRef, 4, countOrElements); }
  /** Refers to an array that is there. */
  wrapPointer32Array(address: number, elementCount: number): Pointer32ArrayRef { return new Pointer32ArrayRef(address, elementCount, this); }

  /** Allocates a pointer of 64 bits, at most 2^53 - 1, read as a number, 0 unless a value is given. */
  allocPointer53(initialValue?: number): Pointer53Ref { return this.own(Pointer53Ref, 8, 0, initialValue); }
  /** Refers to a pointer of 64 bits, at most 2^53 - 1, read as a number that is there. */
  wrapPointer53(address: number): Pointer53Ref { return new Pointer53Ref(address, this); }
  /** Views an array in the current buffer. */
  viewPointer53Array(address: number, elementCount: number): BigUint64Array { return this.viewOf(BigUint64Array, address, elementCount); }
  /** Allocates an array, of zeros or of the elements given. */
  allocPointer53Array(countOrElements: number | ArrayLike<bigint> | ArrayLike<number>): Pointer53ArrayRef { return this.ownArray(Pointer53ArrayRef, 8, countOrElements); }
  /** Refers to an array that is there. */
  wrapPointer53Array(address: number, elementCount: number): Pointer53ArrayRef { return new Pointer53ArrayRef(address, elementCount, this); }

  /** Allocates a pointer of 64 bits, 0 unless a value is given. */
  allocPointer64(initialValue?: bigint): Pointer64Ref { return this.own(Pointer64Ref, 8, 0n, initialValue); }
  /** Refers to a pointer of 64 bits that is there. */
  wrapPointer64(address: number): Pointer64Ref { return new Pointer64Ref(address, this); }
  /** Views an array in the current buffer. */
  viewPointer64Array(address: number, elementCount: number): BigUint64Array { return this.viewOf(BigUint64Array, address, elementCount); }
  /** Allocates an array, of zeros or of the elements given. */
  allocPointer64Array(countOrElements: number | ArrayLike<bigint>): Pointer64ArrayRef { return this.ownArray(Pointer64ArrayRef, 8, countOrElements); }
  /** Refers to an array that is there. */
  wrapPointer64Array(address: number, elementCount: number): Pointer64ArrayRef { return new Pointer64ArrayRef(address, elementCount, this); }

  // The names of wasm-heap-manager 0.1.

  /** Allocates a uint8 that is written clamped to 0–255. */
  allocClampedUint8(initialValue?: number): Uint8ClampedRef { return this.allocUint8Clamped(initialValue); }
  /** Refers to a uint8 that is there and is written clamped to 0–255. */
  wrapClampedUint8(address: number): Uint8ClampedRef { return this.wrapUint8Clamped(address); }
  /** Views an array in the current buffer. */
  viewClampedUint8Array(address: number, elementCount: number): Uint8ClampedArray { return this.viewUint8ClampedArray(address, elementCount); }
  /** Allocates an array, of zeros or of the elements given. */
  allocClampedUint8Array(countOrElements: number | ArrayLike<number>): Uint8ClampedArrayRef { return this.allocUint8ClampedArray(countOrElements); }
  /** Refers to an array that is there. */
  wrapClampedUint8Array(address: number, elementCount: number): Uint8ClampedArrayRef { return this.wrapUint8ClampedArray(address, elementCount); }

  /** Allocates room for so many elements and a terminator, or for the string given. */
  allocNullTerminatedAsciiString(maxCountOrValue: number | string): NullTerminatedAsciiStringRef {
    return this.ownString(NullTerminatedAsciiStringRef, 1, maxCountOrValue, unitLength);
  }
  /** Refers to a string that is there; without a count, it may become no longer than it is. */
  wrapNullTerminatedAsciiString(address: number, maxElementCount?: number): NullTerminatedAsciiStringRef {
    return new NullTerminatedAsciiStringRef(address, this.capacity(address, 1, maxElementCount), this);
  }

  /** Allocates room for so many elements and a terminator, or for the string given. */
  allocNullTerminatedUtf8String(maxCountOrValue: number | string): NullTerminatedUtf8StringRef {
    return this.ownString(NullTerminatedUtf8StringRef, 1, maxCountOrValue, utf8Length);
  }
  /** Refers to a string that is there; without a count, it may become no longer than it is. */
  wrapNullTerminatedUtf8String(address: number, maxElementCount?: number): NullTerminatedUtf8StringRef {
    return new NullTerminatedUtf8StringRef(address, this.capacity(address, 1, maxElementCount), this);
  }

  /** Allocates room for so many elements and a terminator, or for the string given. */
  allocNullTerminatedUtf16String(maxCountOrValue: number | string): NullTerminatedUtf16StringRef {
    return this.ownString(NullTerminatedUtf16StringRef, 2, maxCountOrValue, unitLength);
  }
  /** Refers to a string that is there; without a count, it may become no longer than it is. */
  wrapNullTerminatedUtf16String(address: number, maxElementCount?: number): NullTerminatedUtf16StringRef {
    return new NullTerminatedUtf16StringRef(address, this.capacity(address, 2, maxElementCount), this);
  }

  /** Allocates room for so many elements and a terminator, or for the string given. */
  allocNullTerminatedUtf32String(maxCountOrValue: number | string): NullTerminatedUtf32StringRef {
    return this.ownString(NullTerminatedUtf32StringRef, 4, maxCountOrValue, utf32Length);
  }
  /** Refers to a string that is there; without a count, it may become no longer than it is. */
  wrapNullTerminatedUtf32String(address: number, maxElementCount?: number): NullTerminatedUtf32StringRef {
    return new NullTerminatedUtf32StringRef(address, this.capacity(address, 4, maxElementCount), this);
  }

  /** Allocates so many elements of so many bytes each. */
  allocElementArray(bytesPerElement: number, elementCount: number): ElementArrayRef {
    checkCount(bytesPerElement, 'the element size', 1);
    checkCount(elementCount, 'the element count');
    return this.adopt(bytesPerElement * elementCount, (address) => new ElementArrayRef(address, bytesPerElement, elementCount, this));
  }
  /** Refers to so many elements of so many bytes each that are there. */
  wrapElementArray(address: number, bytesPerElement: number, elementCount: number): ElementArrayRef {
    return new ElementArrayRef(address, bytesPerElement, elementCount, this);
  }

  private ownArray<R extends TypedArrayRef<TypedArray, number | bigint>>(
    Ref: CountedRefClass<R>, bytes: number, countOrElements: number | ArrayLike<number> | ArrayLike<bigint>,
  ): R {
    const given = typeof countOrElements === 'number' ? undefined : countOrElements;
    const count = given === undefined ? (countOrElements as number) : given.length;
    checkCount(count, 'the element count');
    return this.adopt(count * bytes, (address) => {
      const ref = new Ref(address, count, this);
      if (given !== undefined) fill(ref.view, given);
      return ref;
    });
  }

  private ownString<R extends NullTerminatedStringRef>(
    Ref: CountedRefClass<R>, bytes: ElementBytes, maxCountOrValue: number | string, length: (text: string) => number,
  ): R {
    const value = typeof maxCountOrValue === 'string' ? maxCountOrValue : undefined;
    const count = value === undefined ? (maxCountOrValue as number) : length(value);
    checkCount(count, 'the maximum element count');
    return this.adopt((count + 1) * bytes, (address) => {
      const ref = new Ref(address, count + 1, this);
      if (value !== undefined) ref.write(value);
      else ref.allocatedElementsView[0] = 0;
      return ref;
    });
  }
}

type CountedRefClass<R> = new (address: number, count: number, manager: WasmHeapManager) => R;

const unitLength = (text: string): number => text.length;

/** Copies elements of the kind that `view` holds; numbers also into 64-bit elements. */
function fill(view: TypedArray, elements: ArrayLike<number> | ArrayLike<bigint>): void {
  if (view instanceof BigInt64Array || view instanceof BigUint64Array) {
    for (let i = 0; i < elements.length; i++) view[i] = BigInt(elements[i]!);
  } else view.set(elements as ArrayLike<number>);
}
