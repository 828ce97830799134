/** References to single numbers of a heap, one class per kind so that engines keep each access monomorphic. */
import type { WasmHeapManager } from './manager.js';
import { HeapRef } from './ref.js';

/** A reference to one number. `value` reads and writes it, as `read` and `write` do. */
export abstract class NumericRef<T extends number | bigint> extends HeapRef {
  /** The index in a view of the whole heap; -1, and so out of bounds, once freed or if unaligned. */
  protected index: number;

  constructor(address: number, manager: WasmHeapManager) {
    super(address, manager);
    const index = address / bytesOf(this);
    this.index = index > 0 && index >>> 0 === index ? index : -1;
  }

  abstract override get allocatedByteCount(): 1 | 2 | 4 | 8;
  /** The number. */
  abstract get value(): T;
  abstract set value(newValue: T);
  /** Reads the number. */
  abstract read(): T;
  /** Writes the number. */
  abstract write(newValue: T): this;
  /** Atomically reads the number. Throws a RangeError where the address is no multiple of its size. */
  abstract readAtomic(): T;
  /** Atomically writes the number. Throws a RangeError where the address is no multiple of its size. */
  abstract writeAtomic(newValue: T): this;

  /** @internal */
  override forget(): void {
    this.index = -1;
    super.forget();
  }
}

/** The size comes from the prototype, so the constructor may ask for it. */
function bytesOf(ref: NumericRef<number | bigint>): number {
  return ref.allocatedByteCount;
}

// The fast path of `read` and `write`: an index within the view that the manager knows. Everything
// else (freed, unaligned, beyond a view that may be stale) goes through the manager.

/** A reference to an int8. */
export class Int8Ref extends NumericRef<number> {
  override get allocatedByteCount(): 1 { return 1; }
  override get value(): number { return this.read(); }
  override set value(newValue: number) { this.write(newValue); }
  override read(): number {
    const { manager, index } = this, view = manager.i8;
    return index >>> 0 < view.length >>> 0 ? view[index]! : manager.readInt8(this.alive());
  }
  override write(newValue: number): this {
    const { manager, index } = this, view = manager.i8;
    if (index >>> 0 < view.length >>> 0) view[index] = newValue;
    else manager.writeInt8(this.alive(), newValue);
    return this;
  }
  override readAtomic(): number { return this.manager.readInt8Atomic(this.alive()); }
  override writeAtomic(newValue: number): this {
    this.manager.writeInt8Atomic(this.alive(), newValue);
    return this;
  }
}

/** A reference to a uint8. */
export class Uint8Ref extends NumericRef<number> {
  override get allocatedByteCount(): 1 { return 1; }
  override get value(): number { return this.read(); }
  override set value(newValue: number) { this.write(newValue); }
  override read(): number {
    const { manager, index } = this, view = manager.u8;
    return index >>> 0 < view.length >>> 0 ? view[index]! : manager.readUint8(this.alive());
  }
  override write(newValue: number): this {
    const { manager, index } = this, view = manager.u8;
    if (index >>> 0 < view.length >>> 0) view[index] = newValue;
    else manager.writeUint8(this.alive(), newValue);
    return this;
  }
  override readAtomic(): number { return this.manager.readUint8Atomic(this.alive()); }
  override writeAtomic(newValue: number): this {
    this.manager.writeUint8Atomic(this.alive(), newValue);
    return this;
  }
}

/** A reference to a uint8 that is written clamped to 0–255. */
export class Uint8ClampedRef extends NumericRef<number> {
  override get allocatedByteCount(): 1 { return 1; }
  override get value(): number { return this.read(); }
  override set value(newValue: number) { this.write(newValue); }
  override read(): number {
    const { manager, index } = this, view = manager.u8c;
    return index >>> 0 < view.length >>> 0 ? view[index]! : manager.readUint8Clamped(this.alive());
  }
  override write(newValue: number): this {
    const { manager, index } = this, view = manager.u8c;
    if (index >>> 0 < view.length >>> 0) view[index] = newValue;
    else manager.writeUint8Clamped(this.alive(), newValue);
    return this;
  }
  override readAtomic(): number { return this.manager.readUint8ClampedAtomic(this.alive()); }
  override writeAtomic(newValue: number): this {
    this.manager.writeUint8ClampedAtomic(this.alive(), newValue);
    return this;
  }
}

/** A reference to an int16. */
export class Int16Ref extends NumericRef<number> {
  override get allocatedByteCount(): 2 { return 2; }
  override get value(): number { return this.read(); }
  override set value(newValue: number) { this.write(newValue); }
  override read(): number {
    const { manager, index } = this, view = manager.i16;
    return index >>> 0 < view.length >>> 0 ? view[index]! : manager.readInt16(this.alive());
  }
  override write(newValue: number): this {
    const { manager, index } = this, view = manager.i16;
    if (index >>> 0 < view.length >>> 0) view[index] = newValue;
    else manager.writeInt16(this.alive(), newValue);
    return this;
  }
  override readAtomic(): number { return this.manager.readInt16Atomic(this.alive()); }
  override writeAtomic(newValue: number): this {
    this.manager.writeInt16Atomic(this.alive(), newValue);
    return this;
  }
}

/** A reference to a uint16. */
export class Uint16Ref extends NumericRef<number> {
  override get allocatedByteCount(): 2 { return 2; }
  override get value(): number { return this.read(); }
  override set value(newValue: number) { this.write(newValue); }
  override read(): number {
    const { manager, index } = this, view = manager.u16;
    return index >>> 0 < view.length >>> 0 ? view[index]! : manager.readUint16(this.alive());
  }
  override write(newValue: number): this {
    const { manager, index } = this, view = manager.u16;
    if (index >>> 0 < view.length >>> 0) view[index] = newValue;
    else manager.writeUint16(this.alive(), newValue);
    return this;
  }
  override readAtomic(): number { return this.manager.readUint16Atomic(this.alive()); }
  override writeAtomic(newValue: number): this {
    this.manager.writeUint16Atomic(this.alive(), newValue);
    return this;
  }
}

/** A reference to an int32. */
export class Int32Ref extends NumericRef<number> {
  override get allocatedByteCount(): 4 { return 4; }
  override get value(): number { return this.read(); }
  override set value(newValue: number) { this.write(newValue); }
  override read(): number {
    const { manager, index } = this, view = manager.i32;
    return index >>> 0 < view.length >>> 0 ? view[index]! : manager.readInt32(this.alive());
  }
  override write(newValue: number): this {
    const { manager, index } = this, view = manager.i32;
    if (index >>> 0 < view.length >>> 0) view[index] = newValue;
    else manager.writeInt32(this.alive(), newValue);
    return this;
  }
  override readAtomic(): number { return this.manager.readInt32Atomic(this.alive()); }
  override writeAtomic(newValue: number): this {
    this.manager.writeInt32Atomic(this.alive(), newValue);
    return this;
  }
}

/** A reference to a uint32. */
export class Uint32Ref extends NumericRef<number> {
  override get allocatedByteCount(): 4 { return 4; }
  override get value(): number { return this.read(); }
  override set value(newValue: number) { this.write(newValue); }
  override read(): number {
    const { manager, index } = this, view = manager.u32;
    return index >>> 0 < view.length >>> 0 ? view[index]! : manager.readUint32(this.alive());
  }
  override write(newValue: number): this {
    const { manager, index } = this, view = manager.u32;
    if (index >>> 0 < view.length >>> 0) view[index] = newValue;
    else manager.writeUint32(this.alive(), newValue);
    return this;
  }
  override readAtomic(): number { return this.manager.readUint32Atomic(this.alive()); }
  override writeAtomic(newValue: number): this {
    this.manager.writeUint32Atomic(this.alive(), newValue);
    return this;
  }
}

/** A reference to an int64. */
export class BigInt64Ref extends NumericRef<bigint> {
  override get allocatedByteCount(): 8 { return 8; }
  override get value(): bigint { return this.read(); }
  override set value(newValue: bigint) { this.write(newValue); }
  override read(): bigint {
    const { manager, index } = this, view = manager.i64;
    return index >>> 0 < view.length >>> 0 ? view[index]! : manager.readBigInt64(this.alive());
  }
  override write(newValue: bigint): this {
    const { manager, index } = this, view = manager.i64;
    if (index >>> 0 < view.length >>> 0) view[index] = newValue;
    else manager.writeBigInt64(this.alive(), newValue);
    return this;
  }
  override readAtomic(): bigint { return this.manager.readBigInt64Atomic(this.alive()); }
  override writeAtomic(newValue: bigint): this {
    this.manager.writeBigInt64Atomic(this.alive(), newValue);
    return this;
  }
}

/** A reference to a uint64. */
export class BigUint64Ref extends NumericRef<bigint> {
  override get allocatedByteCount(): 8 { return 8; }
  override get value(): bigint { return this.read(); }
  override set value(newValue: bigint) { this.write(newValue); }
  override read(): bigint {
    const { manager, index } = this, view = manager.u64;
    return index >>> 0 < view.length >>> 0 ? view[index]! : manager.readBigUint64(this.alive());
  }
  override write(newValue: bigint): this {
    const { manager, index } = this, view = manager.u64;
    if (index >>> 0 < view.length >>> 0) view[index] = newValue;
    else manager.writeBigUint64(this.alive(), newValue);
    return this;
  }
  override readAtomic(): bigint { return this.manager.readBigUint64Atomic(this.alive()); }
  override writeAtomic(newValue: bigint): this {
    this.manager.writeBigUint64Atomic(this.alive(), newValue);
    return this;
  }
}

/** A reference to a float32. */
export class Float32Ref extends NumericRef<number> {
  override get allocatedByteCount(): 4 { return 4; }
  override get value(): number { return this.read(); }
  override set value(newValue: number) { this.write(newValue); }
  override read(): number {
    const { manager, index } = this, view = manager.f32;
    return index >>> 0 < view.length >>> 0 ? view[index]! : manager.readFloat32(this.alive());
  }
  override write(newValue: number): this {
    const { manager, index } = this, view = manager.f32;
    if (index >>> 0 < view.length >>> 0) view[index] = newValue;
    else manager.writeFloat32(this.alive(), newValue);
    return this;
  }
  override readAtomic(): number { return this.manager.readFloat32Atomic(this.alive()); }
  override writeAtomic(newValue: number): this {
    this.manager.writeFloat32Atomic(this.alive(), newValue);
    return this;
  }
}

/** A reference to a float64. */
export class Float64Ref extends NumericRef<number> {
  override get allocatedByteCount(): 8 { return 8; }
  override get value(): number { return this.read(); }
  override set value(newValue: number) { this.write(newValue); }
  override read(): number {
    const { manager, index } = this, view = manager.f64;
    return index >>> 0 < view.length >>> 0 ? view[index]! : manager.readFloat64(this.alive());
  }
  override write(newValue: number): this {
    const { manager, index } = this, view = manager.f64;
    if (index >>> 0 < view.length >>> 0) view[index] = newValue;
    else manager.writeFloat64(this.alive(), newValue);
    return this;
  }
  override readAtomic(): number { return this.manager.readFloat64Atomic(this.alive()); }
  override writeAtomic(newValue: number): this {
    this.manager.writeFloat64Atomic(this.alive(), newValue);
    return this;
  }
}
