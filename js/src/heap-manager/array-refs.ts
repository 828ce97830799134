/** References to arrays of a heap, one class per kind so that engines keep each access monomorphic. */
import { NO_VIEWS, type TypedArray } from '../bytes.js';
import { badIndex, checkCount, unaligned } from '../bytes/errors.js';
import type { WasmHeapManager } from './manager.js';
import { HeapRef } from './ref.js';

/** A reference to an array of numbers. An index that is no integer of the array throws a RangeError. */
export abstract class TypedArrayRef<T extends TypedArray, V extends number | bigint> extends HeapRef {
  /** The number of elements. */
  readonly elementCount: number;
  /** The array as a view; empty where it must be asked for: at first, once freed, once detached, and while polling always. */
  protected abstract cells: T;

  /** @param address a multiple of the element's size. */
  constructor(address: number, elementCount: number, manager: WasmHeapManager) {
    super(address, manager);
    checkCount(elementCount, 'the element count');
    this.elementCount = elementCount;
    const size = bytesPerElementOf(this);
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
    const { cells } = this;
    if (cells.length === this.elementCount && cells.length > 0) return cells;
    const made = this.manager.keep(this.makeView(), this);
    if (this.manager.viewsLast) this.cells = made;
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
  /** The array in the current buffer, once `index` is known to be of it. */
  protected reach(index: number): T {
    this.at(index);
    return this.view;
  }
  /** @internal */
  override forget(): void {
    this.cells = this.cells.subarray(0, 0) as T;
    super.forget();
  }
}

/** The size comes from the prototype, so the constructor may ask for it. */
function bytesPerElementOf(ref: TypedArrayRef<TypedArray, number | bigint>): number {
  return ref.bytesPerElement;
}

// The fast path of `readAt` and `writeAt`: an index within `cells`, which is empty where an element
// cannot be had just so. One test tells of a bad index, a free and a detached buffer.

/** A reference to an array, each element an int8. */
export class Int8ArrayRef extends TypedArrayRef<Int8Array, number> {
  protected override cells: Int8Array = NO_VIEWS.i8;
  override get bytesPerElement(): 1 { return 1; }
  protected override makeView(): Int8Array { return this.manager.viewInt8Array(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { cells } = this;
    return index >>> 0 === index && index < cells.length >>> 0 ? cells[index]! : this.reach(index)[index]!;
  }
  override writeAt(index: number, value: number): this {
    const { cells } = this;
    if (index >>> 0 === index && index < cells.length >>> 0) cells[index] = value;
    else this.reach(index)[index] = value;
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
  protected override cells: Uint8Array = NO_VIEWS.u8;
  override get bytesPerElement(): 1 { return 1; }
  protected override makeView(): Uint8Array { return this.manager.viewUint8Array(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { cells } = this;
    return index >>> 0 === index && index < cells.length >>> 0 ? cells[index]! : this.reach(index)[index]!;
  }
  override writeAt(index: number, value: number): this {
    const { cells } = this;
    if (index >>> 0 === index && index < cells.length >>> 0) cells[index] = value;
    else this.reach(index)[index] = value;
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
  protected override cells: Uint8ClampedArray = NO_VIEWS.u8c;
  override get bytesPerElement(): 1 { return 1; }
  protected override makeView(): Uint8ClampedArray { return this.manager.viewUint8ClampedArray(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { cells } = this;
    return index >>> 0 === index && index < cells.length >>> 0 ? cells[index]! : this.reach(index)[index]!;
  }
  override writeAt(index: number, value: number): this {
    const { cells } = this;
    if (index >>> 0 === index && index < cells.length >>> 0) cells[index] = value;
    else this.reach(index)[index] = value;
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
  protected override cells: Int16Array = NO_VIEWS.i16;
  override get bytesPerElement(): 2 { return 2; }
  protected override makeView(): Int16Array { return this.manager.viewInt16Array(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { cells } = this;
    return index >>> 0 === index && index < cells.length >>> 0 ? cells[index]! : this.reach(index)[index]!;
  }
  override writeAt(index: number, value: number): this {
    const { cells } = this;
    if (index >>> 0 === index && index < cells.length >>> 0) cells[index] = value;
    else this.reach(index)[index] = value;
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
  protected override cells: Uint16Array = NO_VIEWS.u16;
  override get bytesPerElement(): 2 { return 2; }
  protected override makeView(): Uint16Array { return this.manager.viewUint16Array(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { cells } = this;
    return index >>> 0 === index && index < cells.length >>> 0 ? cells[index]! : this.reach(index)[index]!;
  }
  override writeAt(index: number, value: number): this {
    const { cells } = this;
    if (index >>> 0 === index && index < cells.length >>> 0) cells[index] = value;
    else this.reach(index)[index] = value;
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
  protected override cells: Int32Array = NO_VIEWS.i32;
  override get bytesPerElement(): 4 { return 4; }
  protected override makeView(): Int32Array { return this.manager.viewInt32Array(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { cells } = this;
    return index >>> 0 === index && index < cells.length >>> 0 ? cells[index]! : this.reach(index)[index]!;
  }
  override writeAt(index: number, value: number): this {
    const { cells } = this;
    if (index >>> 0 === index && index < cells.length >>> 0) cells[index] = value;
    else this.reach(index)[index] = value;
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
  protected override cells: Uint32Array = NO_VIEWS.u32;
  override get bytesPerElement(): 4 { return 4; }
  protected override makeView(): Uint32Array { return this.manager.viewUint32Array(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { cells } = this;
    return index >>> 0 === index && index < cells.length >>> 0 ? cells[index]! : this.reach(index)[index]!;
  }
  override writeAt(index: number, value: number): this {
    const { cells } = this;
    if (index >>> 0 === index && index < cells.length >>> 0) cells[index] = value;
    else this.reach(index)[index] = value;
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
  protected override cells: BigInt64Array = NO_VIEWS.i64;
  override get bytesPerElement(): 8 { return 8; }
  protected override makeView(): BigInt64Array { return this.manager.viewBigInt64Array(this.alive(), this.elementCount); }
  override readAt(index: number): bigint {
    const { cells } = this;
    return index >>> 0 === index && index < cells.length >>> 0 ? cells[index]! : this.reach(index)[index]!;
  }
  override writeAt(index: number, value: bigint): this {
    const { cells } = this;
    if (index >>> 0 === index && index < cells.length >>> 0) cells[index] = value;
    else this.reach(index)[index] = value;
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
  protected override cells: BigUint64Array = NO_VIEWS.u64;
  override get bytesPerElement(): 8 { return 8; }
  protected override makeView(): BigUint64Array { return this.manager.viewBigUint64Array(this.alive(), this.elementCount); }
  override readAt(index: number): bigint {
    const { cells } = this;
    return index >>> 0 === index && index < cells.length >>> 0 ? cells[index]! : this.reach(index)[index]!;
  }
  override writeAt(index: number, value: bigint): this {
    const { cells } = this;
    if (index >>> 0 === index && index < cells.length >>> 0) cells[index] = value;
    else this.reach(index)[index] = value;
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
  protected override cells: Float32Array = NO_VIEWS.f32;
  override get bytesPerElement(): 4 { return 4; }
  protected override makeView(): Float32Array { return this.manager.viewFloat32Array(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { cells } = this;
    return index >>> 0 === index && index < cells.length >>> 0 ? cells[index]! : this.reach(index)[index]!;
  }
  override writeAt(index: number, value: number): this {
    const { cells } = this;
    if (index >>> 0 === index && index < cells.length >>> 0) cells[index] = value;
    else this.reach(index)[index] = value;
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
  protected override cells: Float64Array = NO_VIEWS.f64;
  override get bytesPerElement(): 8 { return 8; }
  protected override makeView(): Float64Array { return this.manager.viewFloat64Array(this.alive(), this.elementCount); }
  override readAt(index: number): number {
    const { cells } = this;
    return index >>> 0 === index && index < cells.length >>> 0 ? cells[index]! : this.reach(index)[index]!;
  }
  override writeAt(index: number, value: number): this {
    const { cells } = this;
    if (index >>> 0 === index && index < cells.length >>> 0) cells[index] = value;
    else this.reach(index)[index] = value;
    return this;
  }
  override readAtomicAt(index: number): number { return this.manager.readFloat64Atomic(this.at(index)); }
  override writeAtomicAt(index: number, value: number): this {
    this.manager.writeFloat64Atomic(this.at(index), value);
    return this;
  }
}
