/** Scalars of a growing heap, read and written at typed-array speed: the layer under every typed access. */
import { outOfRange, unaligned } from './bytes/errors.js';
import { NO_VIEWS, Views } from './bytes/views.js';

export { NO_VIEWS, Views, type TypedArray, type TypedArrayConstructor } from './bytes/views.js';

/** When the heap is asked for its current buffer: see {@link HeapAccess}. */
export type PollingMode = 'always' | 'whenEmpty' | 'never';


/**
 * Reads and writes scalars at byte addresses of a heap whose buffer may grow or be replaced.
 *
 * An aligned access within the known buffer is one compare and one typed-array access. Everything
 * else (an unaligned address, an address beyond the known buffer, a detached buffer) takes a slower
 * path that first asks `getHeap` for the current buffer. So growth is followed both of an unshared
 * memory, whose old buffer detaches, and of a shared one, whose old buffer never does.
 *
 * - `whenEmpty` (default) asks for the buffer when an access does not fit into the known one;
 * - `always` asks at every access, for heaps whose buffer is replaced without being detached;
 * - `never` asks once.
 *
 * All scalars are little-endian. An address that is no integer or lies outside the heap throws a
 * RangeError that names it. Plain accesses work at any address, atomic ones only at multiples of
 * their size. Usable on any thread; nothing here blocks.
 */
export class HeapAccess {
  // The views of the hot path, fields of the object itself: one load less per access. They may be
  // stale, and in the mode `always` they stay empty so that each access asks for the buffer.
  /** @internal */ i8 = NO_VIEWS.i8;
  /** @internal */ u8 = NO_VIEWS.u8;
  /** @internal */ u8c = NO_VIEWS.u8c;
  /** @internal */ i16 = NO_VIEWS.i16;
  /** @internal */ u16 = NO_VIEWS.u16;
  /** @internal */ i32 = NO_VIEWS.i32;
  /** @internal */ u32 = NO_VIEWS.u32;
  /** @internal */ i64 = NO_VIEWS.i64;
  /** @internal */ u64 = NO_VIEWS.u64;
  /** @internal */ f32 = NO_VIEWS.f32;
  /** @internal */ f64 = NO_VIEWS.f64;
  /** The views of the last buffer seen. */
  protected current = NO_VIEWS;
  private readonly mode: PollingMode;

  /** @param heapGetter answers the current buffer; called at first use. */
  constructor(readonly heapGetter: () => ArrayBufferLike, mode: PollingMode = 'whenEmpty') {
    this.mode = mode;
  }

  /** Asks the heap for its buffer, as far as the polling mode allows, and answers views of it. @internal */
  poll(): Views {
    const known = this.current;
    if (this.mode === 'never' && known !== NO_VIEWS) return known;
    const buffer = this.heapGetter();
    if (known.show(buffer)) return known;
    const views = new Views(buffer);
    this.current = views;
    if (this.mode !== 'always') {
      ({
        i8: this.i8, u8: this.u8, u8c: this.u8c, i16: this.i16, u16: this.u16, i32: this.i32,
        u32: this.u32, i64: this.i64, u64: this.u64, f32: this.f32, f64: this.f64,
      } = views);
    }
    return views;
  }

  /** The current views, once `bytes` bytes at `address` are known to lie within them. @internal */
  reach(address: number, bytes: number): Views {
    let views = this.current;
    if (this.mode === 'always' || !(address >= 0 && address + bytes <= views.u8.length)) views = this.poll();
    if (!(Number.isInteger(address) && address >= 0 && address + bytes <= views.u8.length)) {
      throw outOfRange(address, bytes, views.u8.length);
    }
    return views;
  }

  /** Like `reach`, for an atomic access, which works at multiples of its size only. @internal */
  reachAligned(address: number, bytes: number): Views {
    const views = this.reach(address, bytes);
    if (address % bytes !== 0) throw unaligned(address, bytes, 'an atomic access');
    return views;
  }

  // `view.length >>> 0` lets engines compare 32-bit integers: a length may be 2^32 and more, which
  // would make it a comparison of floats. Such a heap's upper bytes then take the slower path.

  /** Reads an int8. */
  readInt8(address: number): number {
    const view = this.i8;
    return address >>> 0 === address && address < view.length >>> 0 ? view[address]! : this.reach(address, 1).data.getInt8(address);
  }
  /** Writes an int8, modulo 2^8. */
  writeInt8(address: number, value: number): void {
    const view = this.i8;
    if (address >>> 0 === address && address < view.length >>> 0) view[address] = value;
    else this.reach(address, 1).data.setInt8(address, value);
  }
  /** Reads a uint8. */
  readUint8(address: number): number {
    const view = this.u8;
    return address >>> 0 === address && address < view.length >>> 0 ? view[address]! : this.reach(address, 1).data.getUint8(address);
  }
  /** Writes a uint8, modulo 2^8. */
  writeUint8(address: number, value: number): void {
    const view = this.u8;
    if (address >>> 0 === address && address < view.length >>> 0) view[address] = value;
    else this.reach(address, 1).data.setUint8(address, value);
  }
  /** Reads a uint8. */
  readUint8Clamped(address: number): number {
    return this.readUint8(address);
  }
  /** Writes a uint8, rounded half to even and clamped to 0–255; NaN is 0. */
  writeUint8Clamped(address: number, value: number): void {
    const view = this.u8c;
    if (address >>> 0 === address && address < view.length >>> 0) view[address] = value;
    else this.reach(address, 1).u8c[address] = value;
  }
  /** Reads an int16. */
  readInt16(address: number): number {
    const index = address >>> 1, view = this.i16;
    return index * 2 === address && index < view.length >>> 0 ? view[index]! : this.reach(address, 2).data.getInt16(address, true);
  }
  /** Writes an int16, modulo 2^16. */
  writeInt16(address: number, value: number): void {
    const index = address >>> 1, view = this.i16;
    if (index * 2 === address && index < view.length >>> 0) view[index] = value;
    else this.reach(address, 2).data.setInt16(address, value, true);
  }
  /** Reads a uint16. */
  readUint16(address: number): number {
    const index = address >>> 1, view = this.u16;
    return index * 2 === address && index < view.length >>> 0 ? view[index]! : this.reach(address, 2).data.getUint16(address, true);
  }
  /** Writes a uint16, modulo 2^16. */
  writeUint16(address: number, value: number): void {
    const index = address >>> 1, view = this.u16;
    if (index * 2 === address && index < view.length >>> 0) view[index] = value;
    else this.reach(address, 2).data.setUint16(address, value, true);
  }
  /** Reads an int32. */
  readInt32(address: number): number {
    const index = address >>> 2, view = this.i32;
    return index * 4 === address && index < view.length >>> 0 ? view[index]! : this.reach(address, 4).data.getInt32(address, true);
  }
  /** Writes an int32, modulo 2^32. */
  writeInt32(address: number, value: number): void {
    const index = address >>> 2, view = this.i32;
    if (index * 4 === address && index < view.length >>> 0) view[index] = value;
    else this.reach(address, 4).data.setInt32(address, value, true);
  }
  /** Reads a uint32. */
  readUint32(address: number): number {
    const index = address >>> 2, view = this.u32;
    return index * 4 === address && index < view.length >>> 0 ? view[index]! : this.reach(address, 4).data.getUint32(address, true);
  }
  /** Writes a uint32, modulo 2^32. */
  writeUint32(address: number, value: number): void {
    const index = address >>> 2, view = this.u32;
    if (index * 4 === address && index < view.length >>> 0) view[index] = value;
    else this.reach(address, 4).data.setUint32(address, value, true);
  }
  /** Reads an int64. On shared memory only the atomic read is sure not to mix two writes. */
  readBigInt64(address: number): bigint {
    const index = address >>> 3, view = this.i64;
    return index * 8 === address && index < view.length >>> 0 ? view[index]! : this.reach(address, 8).data.getBigInt64(address, true);
  }
  /** Writes an int64, modulo 2^64. */
  writeBigInt64(address: number, value: bigint): void {
    const index = address >>> 3, view = this.i64;
    if (index * 8 === address && index < view.length >>> 0) view[index] = value;
    else this.reach(address, 8).data.setBigInt64(address, value, true);
  }
  /** Reads a uint64. On shared memory only the atomic read is sure not to mix two writes. */
  readBigUint64(address: number): bigint {
    const index = address >>> 3, view = this.u64;
    return index * 8 === address && index < view.length >>> 0 ? view[index]! : this.reach(address, 8).data.getBigUint64(address, true);
  }
  /** Writes a uint64, modulo 2^64. */
  writeBigUint64(address: number, value: bigint): void {
    const index = address >>> 3, view = this.u64;
    if (index * 8 === address && index < view.length >>> 0) view[index] = value;
    else this.reach(address, 8).data.setBigUint64(address, value, true);
  }
  /** Reads a float32. */
  readFloat32(address: number): number {
    const index = address >>> 2, view = this.f32;
    return index * 4 === address && index < view.length >>> 0 ? view[index]! : this.reach(address, 4).data.getFloat32(address, true);
  }
  /** Writes a float32, rounded to nearest. */
  writeFloat32(address: number, value: number): void {
    const index = address >>> 2, view = this.f32;
    if (index * 4 === address && index < view.length >>> 0) view[index] = value;
    else this.reach(address, 4).data.setFloat32(address, value, true);
  }
  /** Reads a float64. */
  readFloat64(address: number): number {
    const index = address >>> 3, view = this.f64;
    return index * 8 === address && index < view.length >>> 0 ? view[index]! : this.reach(address, 8).data.getFloat64(address, true);
  }
  /** Writes a float64. */
  writeFloat64(address: number, value: number): void {
    const index = address >>> 3, view = this.f64;
    if (index * 8 === address && index < view.length >>> 0) view[index] = value;
    else this.reach(address, 8).data.setFloat64(address, value, true);
  }
}
