/** References to arrays of a heap, one class per kind so that engines keep each access monomorphic. */
import type { TypedArray } from '../bytes.js';
import { badIndex, checkCount, unaligned } from '../bytes/errors.js';
import type { WasmHeapManager } from './manager.js';
import { HeapRef } from './ref.js';

/** A reference to an array of numbers. An index that is no integer of the array throws a RangeError. */
export abstract class TypedArrayRef<T extends TypedArray, V extends number | bigint> extends HeapRef {
  /** The number of elements. */
  readonly elementCount: number;
  /** The index of the first element in a view of the whole heap. */
  protected readonly base: number;
  /** `elementCount`, and 0 once freed, so that the hot path needs one test for both. */
  protected limit: number;
  /** The last view given out; it stays good until the buffer of an unshared memory is detached. */
  protected lastView: T | undefined = undefined;

  /** @param address a multiple of the element's size. */
  constructor(address: number, elementCount: number, manager: WasmHeapManager) {
    super(address, manager);
    checkCount(elementCount, 'the element count');
    this.elementCount = elementCount;
    const size = bytesPerElementOf(this);
    this.base = address / size;
    this.limit = address > 0 ? elementCount : 0;
    if (address % size !== 0) throw unaligned(address, size, `a ${this.constructor.name}`);
  }

  /** The bytes of one element. */
  abstract get bytesPerElement(): 1 | 2 | 4 | 8;
  override get allocatedByteCount(): number { return this.elementCount * this.bytesPerElement; }

  /**
   * The array itself. The same object as long as it is good, so reading through `view` costs what a
   * typed array costs; a view that was kept while an unshared memory grew is empty: ask again.
   */
  get view(): T {
    const view = this.lastView;
    if (view !== undefined && view.length === this.elementCount && this.address > 0) return view;
    const made = this.manager.keep(this.makeView(), this);
    if (this.manager.viewsLast) this.lastView = made;
    return made;
  }
  /** Makes a view of the array in the current buffer. */
  protected abstract makeView(): T;

  /** Reads the element at `index`. */
  abstract readAt(index: number): V;
  /** Writes the element at `index`. */
  abstract writeAt(index: number, value: V): this;
  /** Atomically reads the element at `index`. */
  abstract readAtomicAt(index: number): V;
  /** Atomically writes the element at `index`. */
  abstract writeAtomicAt(index: number, value: V): this;

  /** The address of the element at `index`. */
  protected at(index: number): number {
    const address = this.alive();
    if (!(Number.isInteger(index) && index >= 0 && index < this.elementCount)) throw badIndex(index, this.elementCount);
    return address + index * this.bytesPerElement;
  }
  /** @internal */
  override forget(): void {
    this.lastView = undefined;
    this.limit = 0;
    super.forget();
  }
}

/** The size comes from the prototype, so the constructor may ask for it. */
function bytesPerElementOf(ref: TypedArrayRef<TypedArray, number | bigint>): number {
  return ref.bytesPerElement;
}

// The fast path of `readAt` and `writeAt`: an index below `limit`, and within the view that the
// manager knows. The address was found aligned at construction.

/** A reference to an array, each element an int8. */
export class Int8ArrayRef extends TypedArrayRef<Int8Array, number> {
  override get bytesPerElement(): 1 { return 1; }
  protected override makeView(): Int8Array { return this.manager.viewInt8Array(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { manager } = this, view = manager.i8, at = this.base + index;
    return index >>> 0 === index && index < this.limit && at < view.length >>> 0 ? view[at]! : manager.readInt8(this.at(index));
  }
  override writeAt(index: number, value: number): this {
    const { manager } = this, view = manager.i8, at = this.base + index;
    if (index >>> 0 === index && index < this.limit && at < view.length >>> 0) view[at] = value;
    else manager.writeInt8(this.at(index), value);
    return this;
  }
  override readAtomicAt(index: number): number { return this.manager.readInt8Atomic(this.at(index)); }
  override writeAtomicAt(index: number, value: number): this {
    this.manager.writeInt8Atomic(this.at(index), value);
    return this;
  }
}

/** A reference to an array, each element a uint8. */
export class Uint8ArrayRef extends TypedArrayRef<Uint8Array, number> {
  override get bytesPerElement(): 1 { return 1; }
  protected override makeView(): Uint8Array { return this.manager.viewUint8Array(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { manager } = this, view = manager.u8, at = this.base + index;
    return index >>> 0 === index && index < this.limit && at < view.length >>> 0 ? view[at]! : manager.readUint8(this.at(index));
  }
  override writeAt(index: number, value: number): this {
    const { manager } = this, view = manager.u8, at = this.base + index;
    if (index >>> 0 === index && index < this.limit && at < view.length >>> 0) view[at] = value;
    else manager.writeUint8(this.at(index), value);
    return this;
  }
  override readAtomicAt(index: number): number { return this.manager.readUint8Atomic(this.at(index)); }
  override writeAtomicAt(index: number, value: number): this {
    this.manager.writeUint8Atomic(this.at(index), value);
    return this;
  }
}

/** A reference to an array, each element a uint8 that is written clamped to 0–255. */
export class Uint8ClampedArrayRef extends TypedArrayRef<Uint8ClampedArray, number> {
  override get bytesPerElement(): 1 { return 1; }
  protected override makeView(): Uint8ClampedArray { return this.manager.viewUint8ClampedArray(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { manager } = this, view = manager.u8c, at = this.base + index;
    return index >>> 0 === index && index < this.limit && at < view.length >>> 0 ? view[at]! : manager.readUint8Clamped(this.at(index));
  }
  override writeAt(index: number, value: number): this {
    const { manager } = this, view = manager.u8c, at = this.base + index;
    if (index >>> 0 === index && index < this.limit && at < view.length >>> 0) view[at] = value;
    else manager.writeUint8Clamped(this.at(index), value);
    return this;
  }
  override readAtomicAt(index: number): number { return this.manager.readUint8ClampedAtomic(this.at(index)); }
  override writeAtomicAt(index: number, value: number): this {
    this.manager.writeUint8ClampedAtomic(this.at(index), value);
    return this;
  }
}

/** A reference to an array, each element an int16. */
export class Int16ArrayRef extends TypedArrayRef<Int16Array, number> {
  override get bytesPerElement(): 2 { return 2; }
  protected override makeView(): Int16Array { return this.manager.viewInt16Array(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { manager } = this, view = manager.i16, at = this.base + index;
    return index >>> 0 === index && index < this.limit && at < view.length >>> 0 ? view[at]! : manager.readInt16(this.at(index));
  }
  override writeAt(index: number, value: number): this {
    const { manager } = this, view = manager.i16, at = this.base + index;
    if (index >>> 0 === index && index < this.limit && at < view.length >>> 0) view[at] = value;
    else manager.writeInt16(this.at(index), value);
    return this;
  }
  override readAtomicAt(index: number): number { return this.manager.readInt16Atomic(this.at(index)); }
  override writeAtomicAt(index: number, value: number): this {
    this.manager.writeInt16Atomic(this.at(index), value);
    return this;
  }
}

/** A reference to an array, each element a uint16. */
export class Uint16ArrayRef extends TypedArrayRef<Uint16Array, number> {
  override get bytesPerElement(): 2 { return 2; }
  protected override makeView(): Uint16Array { return this.manager.viewUint16Array(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { manager } = this, view = manager.u16, at = this.base + index;
    return index >>> 0 === index && index < this.limit && at < view.length >>> 0 ? view[at]! : manager.readUint16(this.at(index));
  }
  override writeAt(index: number, value: number): this {
    const { manager } = this, view = manager.u16, at = this.base + index;
    if (index >>> 0 === index && index < this.limit && at < view.length >>> 0) view[at] = value;
    else manager.writeUint16(this.at(index), value);
    return this;
  }
  override readAtomicAt(index: number): number { return this.manager.readUint16Atomic(this.at(index)); }
  override writeAtomicAt(index: number, value: number): this {
    this.manager.writeUint16Atomic(this.at(index), value);
    return this;
  }
}

/** A reference to an array, each element an int32. */
export class Int32ArrayRef extends TypedArrayRef<Int32Array, number> {
  override get bytesPerElement(): 4 { return 4; }
  protected override makeView(): Int32Array { return this.manager.viewInt32Array(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { manager } = this, view = manager.i32, at = this.base + index;
    return index >>> 0 === index && index < this.limit && at < view.length >>> 0 ? view[at]! : manager.readInt32(this.at(index));
  }
  override writeAt(index: number, value: number): this {
    const { manager } = this, view = manager.i32, at = this.base + index;
    if (index >>> 0 === index && index < this.limit && at < view.length >>> 0) view[at] = value;
    else manager.writeInt32(this.at(index), value);
    return this;
  }
  override readAtomicAt(index: number): number { return this.manager.readInt32Atomic(this.at(index)); }
  override writeAtomicAt(index: number, value: number): this {
    this.manager.writeInt32Atomic(this.at(index), value);
    return this;
  }
}

/** A reference to an array, each element a uint32. */
export class Uint32ArrayRef extends TypedArrayRef<Uint32Array, number> {
  override get bytesPerElement(): 4 { return 4; }
  protected override makeView(): Uint32Array { return this.manager.viewUint32Array(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { manager } = this, view = manager.u32, at = this.base + index;
    return index >>> 0 === index && index < this.limit && at < view.length >>> 0 ? view[at]! : manager.readUint32(this.at(index));
  }
  override writeAt(index: number, value: number): this {
    const { manager } = this, view = manager.u32, at = this.base + index;
    if (index >>> 0 === index && index < this.limit && at < view.length >>> 0) view[at] = value;
    else manager.writeUint32(this.at(index), value);
    return this;
  }
  override readAtomicAt(index: number): number { return this.manager.readUint32Atomic(this.at(index)); }
  override writeAtomicAt(index: number, value: number): this {
    this.manager.writeUint32Atomic(this.at(index), value);
    return this;
  }
}

/** A reference to an array, each element an int64. */
export class BigInt64ArrayRef extends TypedArrayRef<BigInt64Array, bigint> {
  override get bytesPerElement(): 8 { return 8; }
  protected override makeView(): BigInt64Array { return this.manager.viewBigInt64Array(this.alive(), this.elementCount); }
  override readAt(index: number): bigint {
    const { manager } = this, view = manager.i64, at = this.base + index;
    return index >>> 0 === index && index < this.limit && at < view.length >>> 0 ? view[at]! : manager.readBigInt64(this.at(index));
  }
  override writeAt(index: number, value: bigint): this {
    const { manager } = this, view = manager.i64, at = this.base + index;
    if (index >>> 0 === index && index < this.limit && at < view.length >>> 0) view[at] = value;
    else manager.writeBigInt64(this.at(index), value);
    return this;
  }
  override readAtomicAt(index: number): bigint { return this.manager.readBigInt64Atomic(this.at(index)); }
  override writeAtomicAt(index: number, value: bigint): this {
    this.manager.writeBigInt64Atomic(this.at(index), value);
    return this;
  }
}

/** A reference to an array, each element a uint64. */
export class BigUint64ArrayRef extends TypedArrayRef<BigUint64Array, bigint> {
  override get bytesPerElement(): 8 { return 8; }
  protected override makeView(): BigUint64Array { return this.manager.viewBigUint64Array(this.alive(), this.elementCount); }
  override readAt(index: number): bigint {
    const { manager } = this, view = manager.u64, at = this.base + index;
    return index >>> 0 === index && index < this.limit && at < view.length >>> 0 ? view[at]! : manager.readBigUint64(this.at(index));
  }
  override writeAt(index: number, value: bigint): this {
    const { manager } = this, view = manager.u64, at = this.base + index;
    if (index >>> 0 === index && index < this.limit && at < view.length >>> 0) view[at] = value;
    else manager.writeBigUint64(this.at(index), value);
    return this;
  }
  override readAtomicAt(index: number): bigint { return this.manager.readBigUint64Atomic(this.at(index)); }
  override writeAtomicAt(index: number, value: bigint): this {
    this.manager.writeBigUint64Atomic(this.at(index), value);
    return this;
  }
}

/** A reference to an array, each element a float32. */
export class Float32ArrayRef extends TypedArrayRef<Float32Array, number> {
  override get bytesPerElement(): 4 { return 4; }
  protected override makeView(): Float32Array { return this.manager.viewFloat32Array(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { manager } = this, view = manager.f32, at = this.base + index;
    return index >>> 0 === index && index < this.limit && at < view.length >>> 0 ? view[at]! : manager.readFloat32(this.at(index));
  }
  override writeAt(index: number, value: number): this {
    const { manager } = this, view = manager.f32, at = this.base + index;
    if (index >>> 0 === index && index < this.limit && at < view.length >>> 0) view[at] = value;
    else manager.writeFloat32(this.at(index), value);
    return this;
  }
  override readAtomicAt(index: number): number { return this.manager.readFloat32Atomic(this.at(index)); }
  override writeAtomicAt(index: number, value: number): this {
    this.manager.writeFloat32Atomic(this.at(index), value);
    return this;
  }
}

/** A reference to an array, each element a float64. */
export class Float64ArrayRef extends TypedArrayRef<Float64Array, number> {
  override get bytesPerElement(): 8 { return 8; }
  protected override makeView(): Float64Array { return this.manager.viewFloat64Array(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { manager } = this, view = manager.f64, at = this.base + index;
    return index >>> 0 === index && index < this.limit && at < view.length >>> 0 ? view[at]! : manager.readFloat64(this.at(index));
  }
  override writeAt(index: number, value: number): this {
    const { manager } = this, view = manager.f64, at = this.base + index;
    if (index >>> 0 === index && index < this.limit && at < view.length >>> 0) view[at] = value;
    else manager.writeFloat64(this.at(index), value);
    return this;
  }
  override readAtomicAt(index: number): number { return this.manager.readFloat64Atomic(this.at(index)); }
  override writeAtomicAt(index: number, value: number): this {
    this.manager.writeFloat64Atomic(this.at(index), value);
    return this;
  }
}
