/** References to pointers and arrays of pointers, which can free what they point to. */
import { NO_VIEWS, type TypedArray } from '../bytes.js';
import { TypedArrayRef } from './array-refs.js';
import { NumericRef } from './numeric-refs.js';

/** Options of freeing a pointer reference. */
export interface FreePointerOptions {
  /** Also free the block that the pointer points to. */
  freePointedAddress?: boolean;
}

/** Options of freeing an array of pointers. */
export interface FreePointerArrayOptions {
  /** Also free the block that each element points to. */
  freeElements?: boolean;
}

/** A reference to one pointer. */
export abstract class PointerRef<T extends number | bigint> extends NumericRef<T> {
  /** Frees the block and, if asked to, first the block that it points to. */
  override free(options?: FreePointerOptions): void {
    if (options?.freePointedAddress === true && this.isNotFreed) this.manager.free(Number(this.read()));
    super.free();
  }
}

/** A reference to an array of pointers. */
export abstract class PointerArrayRef<T extends TypedArray, V extends number | bigint> extends TypedArrayRef<T, V> {
  /** Frees the array and, if asked to, first the block that each element points to. */
  override free(options?: FreePointerArrayOptions): void {
    if (options?.freeElements === true && this.isNotFreed) {
      for (let i = 0; i < this.elementCount; i++) this.manager.free(Number(this.readAt(i)));
    }
    super.free();
  }
}

/** A reference to a pointer of 32 bits. */
export class Pointer32Ref extends PointerRef<number> {
  override get allocatedByteCount(): 4 { return 4; }
  override get value(): number { return this.read(); }
  override set value(newValue: number) { this.write(newValue); }
  override read(): number {
    const { manager, index } = this, view = manager.u32;
    return index >>> 0 < view.length >>> 0 ? view[index]! : manager.readPointer32(this.alive());
  }
  override write(newValue: number): this {
    const { manager, index } = this, view = manager.u32;
    if (index >>> 0 < view.length >>> 0) view[index] = newValue;
    else manager.writePointer32(this.alive(), newValue);
    return this;
  }
  override readAtomic(): number { return this.manager.readPointer32Atomic(this.alive()); }
  override writeAtomic(newValue: number): this {
    this.manager.writePointer32Atomic(this.alive(), newValue);
    return this;
  }
}

/** A reference to a pointer of 64 bits, at most 2^53 - 1, read as a number. */
export class Pointer53Ref extends PointerRef<number> {
  override get allocatedByteCount(): 8 { return 8; }
  override get value(): number { return this.read(); }
  override set value(newValue: number) { this.write(newValue); }
  override read(): number { return this.manager.readPointer53(this.alive()); }
  override write(newValue: number): this {
    this.manager.writePointer53(this.alive(), newValue);
    return this;
  }
  override readAtomic(): number { return this.manager.readPointer53Atomic(this.alive()); }
  override writeAtomic(newValue: number): this {
    this.manager.writePointer53Atomic(this.alive(), newValue);
    return this;
  }
}

/** A reference to a pointer of 64 bits. */
export class Pointer64Ref extends PointerRef<bigint> {
  override get allocatedByteCount(): 8 { return 8; }
  override get value(): bigint { return this.read(); }
  override set value(newValue: bigint) { this.write(newValue); }
  override read(): bigint {
    const { manager, index } = this, view = manager.u64;
    return index >>> 0 < view.length >>> 0 ? view[index]! : manager.readPointer64(this.alive());
  }
  override write(newValue: bigint): this {
    const { manager, index } = this, view = manager.u64;
    if (index >>> 0 < view.length >>> 0) view[index] = newValue;
    else manager.writePointer64(this.alive(), newValue);
    return this;
  }
  override readAtomic(): bigint { return this.manager.readPointer64Atomic(this.alive()); }
  override writeAtomic(newValue: bigint): this {
    this.manager.writePointer64Atomic(this.alive(), newValue);
    return this;
  }
}

/** A reference to an array, each element a pointer of 32 bits. */
export class Pointer32ArrayRef extends PointerArrayRef<Uint32Array, number> {
  protected override cells: Uint32Array = NO_VIEWS.u32;
  override get bytesPerElement(): 4 { return 4; }
  protected override makeView(): Uint32Array { return this.manager.viewPointer32Array(this.alive(), this.elementCount); }
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
  override readAtomicAt(index: number): number { return this.manager.readPointer32Atomic(this.at(index)); }
  override writeAtomicAt(index: number, value: number): this {
    this.manager.writePointer32Atomic(this.at(index), value);
    return this;
  }
}

/** A reference to an array, each element a pointer of 64 bits, at most 2^53 - 1, read as a number. */
export class Pointer53ArrayRef extends PointerArrayRef<BigUint64Array, number> {
  protected override cells: BigUint64Array = NO_VIEWS.u64;
  override get bytesPerElement(): 8 { return 8; }
  protected override makeView(): BigUint64Array { return this.manager.viewPointer53Array(this.alive(), this.elementCount); }
  override readAt(index: number): number { return this.manager.readPointer53(this.at(index)); }
  override writeAt(index: number, value: number): this {
    this.manager.writePointer53(this.at(index), value);
    return this;
  }
  override readAtomicAt(index: number): number { return this.manager.readPointer53Atomic(this.at(index)); }
  override writeAtomicAt(index: number, value: number): this {
    this.manager.writePointer53Atomic(this.at(index), value);
    return this;
  }
}

/** A reference to an array, each element a pointer of 64 bits. */
export class Pointer64ArrayRef extends PointerArrayRef<BigUint64Array, bigint> {
  protected override cells: BigUint64Array = NO_VIEWS.u64;
  override get bytesPerElement(): 8 { return 8; }
  protected override makeView(): BigUint64Array { return this.manager.viewPointer64Array(this.alive(), this.elementCount); }
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
  override readAtomicAt(index: number): bigint { return this.manager.readPointer64Atomic(this.at(index)); }
  override writeAtomicAt(index: number, value: bigint): this {
    this.manager.writePointer64Atomic(this.at(index), value);
    return this;
  }
}
