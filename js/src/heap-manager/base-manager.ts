/** Allocating, freeing and keeping account of blocks, over any pair of allocate and free functions. */
import type { TypedArray, TypedArrayConstructor } from '../bytes.js';
import { checkCount, outOfMemory, unaligned } from '../bytes/errors.js';
import { TextAccess, type ElementBytes } from '../bytes/strings.js';
import { IsolithError } from '../errors.js';
import { Allocations } from './allocations.js';
import {
  defaultWasmHeapManagerOptions,
  type AllocatorMethod, type DeallocatorMethod, type HeapGetterCallback, type WasmHeapManagerOptions,
} from './options.js';
import type { WasmHeapManager } from './manager.js';
import { HeapRef } from './ref.js';

/** The part of a manager that is the same for all kinds of values. */
export abstract class BaseHeapManager extends TextAccess {
  /** True where a view that was given out shows the heap until its buffer is detached. @internal */
  readonly viewsLast: boolean;
  private readonly clears: boolean;
  private readonly tracks: boolean;
  private readonly allocations: Allocations | undefined;

  /** @param heapGetter answers the current buffer; called at first use. */
  constructor(
    heapGetter: HeapGetterCallback,
    readonly allocate: AllocatorMethod,
    readonly deallocate: DeallocatorMethod,
    options: Partial<WasmHeapManagerOptions> = {},
  ) {
    const all = { ...defaultWasmHeapManagerOptions, ...options };
    super(heapGetter, all.pollingMode);
    this.clears = all.clearAllocatedRegions;
    this.tracks = all.trackAllocations;
    this.viewsLast = all.pollingMode !== 'always';
    this.allocations = all.enableGarbageCollection
      ? new Allocations((address) => this.deallocate(address))
      : all.trackAllocations ? new Allocations() : undefined;
  }

  /**
   * Frees the block at an address or of a reference; an address of 0 or a freed reference is left alone.
   *
   * The reference that allocated the block counts as freed from now on, whichever way it was freed.
   * What the heap says about an address that is no block of it, this passes on.
   */
  free(target: number | HeapRef): void {
    let address: number;
    if (typeof target === 'number') {
      if (target <= 0) return;
      if (!Number.isSafeInteger(target)) throw new RangeError(`address ${target} is no integer and cannot be freed`);
      address = target;
    } else if (target instanceof HeapRef) {
      if (target.isFreed) return;
      if ((target.manager as BaseHeapManager) !== this) throw new TypeError(`a ${target.constructor.name} of another manager cannot be freed here`);
      address = target.address;
    } else throw new TypeError('free takes an address or a reference');
    this.deallocate(address);
    this.allocations?.remove(address)?.forget();
    if (typeof target !== 'number') target.forget();
  }

  /** Frees all blocks that this manager allocated and that were not freed yet. */
  freeAll(): void {
    for (const address of this.tracked('freeAll').addresses()) this.free(address);
  }

  /** The references of all blocks that this manager allocated and that were not freed yet. */
  get allocatedHeapRefs(): HeapRef[] {
    return this.tracked('allocatedHeapRefs').refs();
  }

  /** The bytes asked for in all blocks that this manager allocated and that were not freed yet. */
  get totalAllocatedByteCount(): number {
    return this.tracked('totalAllocatedByteCount').bytes();
  }

  private tracked(what: string): Allocations {
    if (this.tracks && this.allocations !== undefined) return this.allocations;
    throw new IsolithError('EINVAL', `${what} needs the option trackAllocations`);
  }

  /** Keeps the block of `ref` from being collected while `view` is in use. @internal */
  keep<T extends object>(view: T, ref: HeapRef): T {
    this.allocations?.keep(view, ref);
    return view;
  }

  /** Allocates a block. */
  private block(bytes: number): number {
    checkCount(bytes, 'the size in bytes');
    let address = this.allocate(bytes);
    // A wasm export answers an i32: addresses from 2 GiB on come out negative.
    if (address < 0) address >>>= 0;
    if (!(address > 0)) throw outOfMemory(bytes);
    this.reach(address, bytes);
    return address;
  }

  /** Hands a new block to the reference that `make` makes of it; gives it back where that fails. @internal */
  adopt<R extends HeapRef>(bytes: number, make: (address: number) => R): R {
    const address = this.block(bytes);
    try {
      if (this.clears) this.reach(address, bytes).u8.fill(0, address, address + bytes);
      const ref = make(address);
      this.allocations?.add(ref);
      return ref;
    } catch (error) {
      this.deallocate(address);
      throw error;
    }
  }

  /** Like `adopt`, for a number: writing it, 0 if none is given, clears the block at the same time. */
  protected own<R extends HeapRef & { write(value: T): unknown }, T extends number | bigint>(
    Ref: new (address: number, manager: WasmHeapManager) => R, bytes: number, zero: T, initialValue: T | undefined,
  ): R {
    const address = this.block(bytes);
    try {
      // This class is abstract and has one heir: that is what `this` is.
      const ref = new Ref(address, this as unknown as WasmHeapManager);
      if (initialValue !== undefined) ref.write(initialValue);
      else if (this.clears) ref.write(zero);
      this.allocations?.add(ref);
      return ref;
    } catch (error) {
      this.deallocate(address);
      throw error;
    }
  }

  /** A view of `elementCount` elements at `address` in the current buffer. */
  viewOf<T extends TypedArray>(Type: TypedArrayConstructor<T>, address: number, elementCount: number): T {
    checkCount(elementCount, 'the element count');
    const size = Type.BYTES_PER_ELEMENT;
    const { buffer } = this.reach(address, elementCount * size);
    if (address % size !== 0) throw unaligned(address, size, `a ${Type.name}`);
    return new Type(buffer, address, elementCount);
  }

  /** The capacity of a wrapped string: as given, or just what it holds now. */
  protected capacity(address: number, bytes: ElementBytes, elementCount?: number): number {
    if (address % bytes !== 0) throw unaligned(address, bytes, `an element of ${bytes} bytes`);
    return elementCount ?? this.getElementCountOfNullTerminatedString(address, bytes) + 1;
  }

  /** The whole heap as int8. Good until the heap grows: ask again each time, or use `readInt8`. */
  get heapInt8(): Int8Array { return this.poll().i8; }
  /** The whole heap as uint8. */
  get heapUint8(): Uint8Array { return this.poll().u8; }
  /** The whole heap as uint8, written clamped. */
  get heapUint8Clamped(): Uint8ClampedArray { return this.poll().u8c; }
  /** The whole heap as int16. */
  get heapInt16(): Int16Array { return this.poll().i16; }
  /** The whole heap as uint16. */
  get heapUint16(): Uint16Array { return this.poll().u16; }
  /** The whole heap as int32. */
  get heapInt32(): Int32Array { return this.poll().i32; }
  /** The whole heap as uint32. */
  get heapUint32(): Uint32Array { return this.poll().u32; }
  /** The whole heap as int64. */
  get heapBigInt64(): BigInt64Array { return this.poll().i64; }
  /** The whole heap as uint64. */
  get heapBigUint64(): BigUint64Array { return this.poll().u64; }
  /** The whole heap as float32. */
  get heapFloat32(): Float32Array { return this.poll().f32; }
  /** The whole heap as float64. */
  get heapFloat64(): Float64Array { return this.poll().f64; }
  /** The whole heap as a DataView. */
  get heapDataView(): DataView { return this.poll().data; }
}
