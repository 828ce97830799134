/** Pointers, wide integers and atomic scalars of a heap. */
import { HeapAccess } from '../bytes.js';

const TWO_32 = 2 ** 32;
const LOW_64 = 0xffff_ffff_ffff_ffffn;
const u32Bits = new Uint32Array(1);
const f32Bits = new Float32Array(u32Bits.buffer);
const u64Bits = new BigUint64Array(1);
const f64Bits = new Float64Array(u64Bits.buffer);
const clamp = new Uint8ClampedArray(1);

/** {@link HeapAccess} with the kinds that typed arrays lack, and with an atomic twin for every kind. */
export class ExtendedAccess extends HeapAccess {
  /** Reads a 32-bit pointer, which is a uint32. */
  readPointer32(address: number): number { return this.readUint32(address); }
  /** Writes a 32-bit pointer, which is a uint32. */
  writePointer32(address: number, value: number): void { this.writeUint32(address, value); }
  /** Reads a uint64 as a number. Throws a RangeError where it is no safe integer. */
  readPointer53(address: number): number {
    const index = address >>> 2, view = this.u32;
    let low: number, high: number;
    if (index * 4 === address && index + 1 < view.length >>> 0) {
      low = view[index]!;
      high = view[index + 1]!;
    } else {
      const { data } = this.reach(address, 8);
      low = data.getUint32(address, true);
      high = data.getUint32(address + 4, true);
    }
    if (high > 0x1f_ffff) throw unsafe((BigInt(high) << 32n) | BigInt(low), address);
    return high * TWO_32 + low;
  }
  /** Writes a number as a uint64. Throws a RangeError unless it is a safe integer of at least 0. */
  writePointer53(address: number, value: number): void {
    checkPointer(value);
    const { data } = this.reach(address, 8);
    data.setUint32(address, value >>> 0, true);
    data.setUint32(address + 4, Math.floor(value / TWO_32), true);
  }
  /** Reads a 64-bit pointer, which is a uint64. */
  readPointer64(address: number): bigint { return this.readBigUint64(address); }
  /** Writes a 64-bit pointer, which is a uint64. */
  writePointer64(address: number, value: bigint): void { this.writeBigUint64(address, value); }

  /** Reads a little-endian integer of 128 bits. */
  readBigUint128(address: number): bigint {
    return this.readWide(address, 2);
  }
  /** Writes a little-endian integer of 128 bits, modulo 2^128. */
  writeBigUint128(address: number, value: bigint): void {
    this.writeWide(address, value, 2);
  }
  /** Reads a little-endian integer of 256 bits. */
  readBigUint256(address: number): bigint {
    return this.readWide(address, 4);
  }
  /** Writes a little-endian integer of 256 bits, modulo 2^256. */
  writeBigUint256(address: number, value: bigint): void {
    this.writeWide(address, value, 4);
  }
  private readWide(address: number, words: number): bigint {
    const { data } = this.reach(address, words * 8);
    let value = 0n;
    for (let i = 0; i < words; i++) value |= data.getBigUint64(address + i * 8, true) << BigInt(i * 64);
    return value;
  }
  private writeWide(address: number, value: bigint, words: number): void {
    const { data } = this.reach(address, words * 8);
    for (let i = 0; i < words; i++) {
      data.setBigUint64(address + i * 8, (value >> BigInt(i * 64)) & LOW_64, true);
    }
  }

  /** Atomically reads an int8. */
  readInt8Atomic(address: number): number { return Atomics.load(this.reach(address, 1).i8, address); }
  /** Atomically writes an int8. */
  writeInt8Atomic(address: number, value: number): void { Atomics.store(this.reach(address, 1).i8, address, value); }
  /** Atomically reads a uint8. */
  readUint8Atomic(address: number): number { return Atomics.load(this.reach(address, 1).u8, address); }
  /** Atomically writes a uint8. */
  writeUint8Atomic(address: number, value: number): void { Atomics.store(this.reach(address, 1).u8, address, value); }
  /** Atomically reads a uint8. */
  readUint8ClampedAtomic(address: number): number { return this.readUint8Atomic(address); }
  /** Atomically writes a uint8, clamped as by a plain write. */
  writeUint8ClampedAtomic(address: number, value: number): void {
    clamp[0] = value;
    this.writeUint8Atomic(address, clamp[0]!);
  }
  /** Atomically reads an int16. Throws a RangeError at an unaligned address, as all atomics do. */
  readInt16Atomic(address: number): number { return Atomics.load(this.reachAligned(address, 2).i16, address / 2); }
  /** Atomically writes an int16. */
  writeInt16Atomic(address: number, value: number): void { Atomics.store(this.reachAligned(address, 2).i16, address / 2, value); }
  /** Atomically reads a uint16. */
  readUint16Atomic(address: number): number { return Atomics.load(this.reachAligned(address, 2).u16, address / 2); }
  /** Atomically writes a uint16. */
  writeUint16Atomic(address: number, value: number): void { Atomics.store(this.reachAligned(address, 2).u16, address / 2, value); }
  /** Atomically reads an int32. */
  readInt32Atomic(address: number): number { return Atomics.load(this.reachAligned(address, 4).i32, address / 4); }
  /** Atomically writes an int32. */
  writeInt32Atomic(address: number, value: number): void { Atomics.store(this.reachAligned(address, 4).i32, address / 4, value); }
  /** Atomically reads a uint32. */
  readUint32Atomic(address: number): number { return Atomics.load(this.reachAligned(address, 4).u32, address / 4); }
  /** Atomically writes a uint32. */
  writeUint32Atomic(address: number, value: number): void { Atomics.store(this.reachAligned(address, 4).u32, address / 4, value); }
  /** Atomically reads an int64. */
  readBigInt64Atomic(address: number): bigint { return Atomics.load(this.reachAligned(address, 8).i64, address / 8); }
  /** Atomically writes an int64. */
  writeBigInt64Atomic(address: number, value: bigint): void { Atomics.store(this.reachAligned(address, 8).i64, address / 8, value); }
  /** Atomically reads a uint64. */
  readBigUint64Atomic(address: number): bigint { return Atomics.load(this.reachAligned(address, 8).u64, address / 8); }
  /** Atomically writes a uint64. */
  writeBigUint64Atomic(address: number, value: bigint): void { Atomics.store(this.reachAligned(address, 8).u64, address / 8, value); }
  /** Atomically reads a float32, by its bits. */
  readFloat32Atomic(address: number): number {
    u32Bits[0] = this.readUint32Atomic(address);
    return f32Bits[0]!;
  }
  /** Atomically writes a float32, by its bits. */
  writeFloat32Atomic(address: number, value: number): void {
    f32Bits[0] = value;
    this.writeUint32Atomic(address, u32Bits[0]!);
  }
  /** Atomically reads a float64, by its bits. */
  readFloat64Atomic(address: number): number {
    u64Bits[0] = this.readBigUint64Atomic(address);
    return f64Bits[0]!;
  }
  /** Atomically writes a float64, by its bits. */
  writeFloat64Atomic(address: number, value: number): void {
    f64Bits[0] = value;
    this.writeBigUint64Atomic(address, u64Bits[0]!);
  }
  /** Atomically reads a 32-bit pointer. */
  readPointer32Atomic(address: number): number { return this.readUint32Atomic(address); }
  /** Atomically writes a 32-bit pointer. */
  writePointer32Atomic(address: number, value: number): void { this.writeUint32Atomic(address, value); }
  /** Atomically reads a uint64 as a number. Throws a RangeError where it is no safe integer. */
  readPointer53Atomic(address: number): number {
    const value = this.readBigUint64Atomic(address);
    if (value > Number.MAX_SAFE_INTEGER) throw unsafe(value, address);
    return Number(value);
  }
  /** Atomically writes a number as a uint64. Throws a RangeError unless it is a safe integer of at least 0. */
  writePointer53Atomic(address: number, value: number): void {
    checkPointer(value);
    this.writeBigUint64Atomic(address, BigInt(value));
  }
  /** Atomically reads a 64-bit pointer. */
  readPointer64Atomic(address: number): bigint { return this.readBigUint64Atomic(address); }
  /** Atomically writes a 64-bit pointer. */
  writePointer64Atomic(address: number, value: bigint): void { this.writeBigUint64Atomic(address, value); }

  /** The name of `readUint8Clamped` in wasm-heap-manager 0.1. */
  readClampedUint8(address: number): number { return this.readUint8(address); }
  /** The name of `writeUint8Clamped` in wasm-heap-manager 0.1. */
  writeClampedUint8(address: number, value: number): void { this.writeUint8Clamped(address, value); }
  /** The name of `readUint8ClampedAtomic` in the manner of wasm-heap-manager 0.1. */
  readClampedUint8Atomic(address: number): number { return this.readUint8Atomic(address); }
  /** The name of `writeUint8ClampedAtomic` in the manner of wasm-heap-manager 0.1. */
  writeClampedUint8Atomic(address: number, value: number): void { this.writeUint8ClampedAtomic(address, value); }
  /** The name of `readBigUint128` in wasm-heap-manager 0.1. */
  readBigUint128LE(address: number): bigint { return this.readBigUint128(address); }
  /** The name of `writeBigUint128` in wasm-heap-manager 0.1. */
  writeBigUint128LE(address: number, value: bigint): void { this.writeBigUint128(address, value); }
  /** The name of `readBigUint256` in wasm-heap-manager 0.1. */
  readBigUint256LE(address: number): bigint { return this.readBigUint256(address); }
  /** The name of `writeBigUint256` in wasm-heap-manager 0.1. */
  writeBigUint256LE(address: number, value: bigint): void { this.writeBigUint256(address, value); }
}

function unsafe(value: bigint, address: number): RangeError {
  return new RangeError(`the pointer ${value} at address ${address} is no safe integer`);
}

function checkPointer(value: number): void {
  if (!(Number.isSafeInteger(value) && value >= 0)) {
    throw new RangeError(`pointer ${String(value)} is not a safe integer of at least 0`);
  }
}
