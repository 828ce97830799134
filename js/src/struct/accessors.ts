/** Getters and setters of struct fields. Each kind has functions of its own, so that engines keep them apart. */
import type { TypedArray, TypedArrayConstructor } from '../bytes.js';
import { badIndex } from '../bytes/errors.js';
import { isText, type Fields, type Place, type ScalarKind, type StructInit, type TextField } from './fields.js';
import type { Region } from './heap.js';
import type { Struct } from './struct.js';
import { copyInto, copyOut, PARTS, REGION, START, StructArray, type StructBase } from './view.js';

type Base = StructBase<Fields>;

/** A field as a property, and its copy as plain data. */
export interface Accessor {
  get(this: Base): unknown;
  set(this: Base, value: never): void;
  /** The value as plain data; absent where `get` answers that. */
  copy?(value: unknown): unknown;
}

type ScalarAccessors = { readonly [K in ScalarKind]: (offset: number) => Accessor };

const SCALARS: ScalarAccessors = {
  i8: (at) => ({
    get() { const r = this[REGION]; return r.manager.readInt8(r.base + this[START] + at); },
    set(value: number) { const r = this[REGION]; r.manager.writeInt8(r.base + this[START] + at, value); },
  }),
  u8: (at) => ({
    get() { const r = this[REGION]; return r.manager.readUint8(r.base + this[START] + at); },
    set(value: number) { const r = this[REGION]; r.manager.writeUint8(r.base + this[START] + at, value); },
  }),
  u8clamped: (at) => ({
    get() { const r = this[REGION]; return r.manager.readUint8Clamped(r.base + this[START] + at); },
    set(value: number) { const r = this[REGION]; r.manager.writeUint8Clamped(r.base + this[START] + at, value); },
  }),
  i16: (at) => ({
    get() { const r = this[REGION]; return r.manager.readInt16(r.base + this[START] + at); },
    set(value: number) { const r = this[REGION]; r.manager.writeInt16(r.base + this[START] + at, value); },
  }),
  u16: (at) => ({
    get() { const r = this[REGION]; return r.manager.readUint16(r.base + this[START] + at); },
    set(value: number) { const r = this[REGION]; r.manager.writeUint16(r.base + this[START] + at, value); },
  }),
  i32: (at) => ({
    get() { const r = this[REGION]; return r.manager.readInt32(r.base + this[START] + at); },
    set(value: number) { const r = this[REGION]; r.manager.writeInt32(r.base + this[START] + at, value); },
  }),
  u32: (at) => ({
    get() { const r = this[REGION]; return r.manager.readUint32(r.base + this[START] + at); },
    set(value: number) { const r = this[REGION]; r.manager.writeUint32(r.base + this[START] + at, value); },
  }),
  f32: (at) => ({
    get() { const r = this[REGION]; return r.manager.readFloat32(r.base + this[START] + at); },
    set(value: number) { const r = this[REGION]; r.manager.writeFloat32(r.base + this[START] + at, value); },
  }),
  f64: (at) => ({
    get() { const r = this[REGION]; return r.manager.readFloat64(r.base + this[START] + at); },
    set(value: number) { const r = this[REGION]; r.manager.writeFloat64(r.base + this[START] + at, value); },
  }),
  i64: (at) => ({
    get() { const r = this[REGION]; return r.manager.readBigInt64(r.base + this[START] + at); },
    set(value: bigint) { const r = this[REGION]; r.manager.writeBigInt64(r.base + this[START] + at, value); },
  }),
  u64: (at) => ({
    get() { const r = this[REGION]; return r.manager.readBigUint64(r.base + this[START] + at); },
    set(value: bigint) { const r = this[REGION]; r.manager.writeBigUint64(r.base + this[START] + at, value); },
  }),
  pointer32: (at) => ({
    get() { const r = this[REGION]; return r.manager.readPointer32(r.base + this[START] + at); },
    set(value: number) { const r = this[REGION]; r.manager.writePointer32(r.base + this[START] + at, value); },
  }),
  pointer53: (at) => ({
    get() { const r = this[REGION]; return r.manager.readPointer53(r.base + this[START] + at); },
    set(value: number) { const r = this[REGION]; r.manager.writePointer53(r.base + this[START] + at, value); },
  }),
  pointer64: (at) => ({
    get() { const r = this[REGION]; return r.manager.readPointer64(r.base + this[START] + at); },
    set(value: bigint) { const r = this[REGION]; r.manager.writePointer64(r.base + this[START] + at, value); },
  }),
  bool: (at) => ({
    get() { const r = this[REGION]; return r.manager.readUint8(r.base + this[START] + at) !== 0; },
    set(value: boolean) { const r = this[REGION]; r.manager.writeUint8(r.base + this[START] + at, value ? 1 : 0); },
  }),
};

/** The typed array of each scalar kind. */
export const ARRAYS: Readonly<Record<ScalarKind, TypedArrayConstructor>> = {
  i8: Int8Array, u8: Uint8Array, u8clamped: Uint8ClampedArray, i16: Int16Array, u16: Uint16Array,
  i32: Int32Array, u32: Uint32Array, f32: Float32Array, f64: Float64Array, i64: BigInt64Array, u64: BigUint64Array,
  pointer32: Uint32Array, pointer53: BigUint64Array, pointer64: BigUint64Array, bool: Uint8Array,
};

/** The accessor of a field; `slot` is where a view of it may be remembered. */
export function accessor(place: Place, slot: number): Accessor {
  const { element, count } = place;
  if (typeof element === 'string') return count === undefined ? SCALARS[element](place.offset) : scalarArray(element, count, place.offset, slot);
  if (isText(element)) return count === undefined ? text(element, place.offset) : textArray(element, count, place);
  // Only `defineStruct` makes structs; which fields this one has is of no concern here.
  const struct = element as unknown as Struct<Fields>;
  return count === undefined ? nested(struct, place.offset, slot) : nestedArray(struct, count, place.offset, slot);
}

/** A view of `count` scalars, for as long as the heap's buffer is not detached. */
export function arrayAt(region: Region, kind: ScalarKind, offset: number, count: number): TypedArray {
  return region.manager.keep(region.manager.viewOf(ARRAYS[kind], region.base + offset, count), region);
}

function scalarArray(kind: ScalarKind, count: number, at: number, slot: number): Accessor {
  return {
    get() {
      const known = this[PARTS]?.[slot] as TypedArray | undefined;
      const region = this[REGION];
      if (known !== undefined && known.length === count && region.base > 0) return known;
      const view = arrayAt(region, kind, this[START] + at, count);
      if (region.manager.viewsLast) (this[PARTS] ??= [])[slot] = view;
      return view;
    },
    set(values: ArrayLike<number>) { copyInto(kind, arrayAt(this[REGION], kind, this[START] + at, count), values); },
    copy: (view) => copyOut(kind, view as TypedArray),
  };
}

function text({ text: encoding, count }: TextField, at: number): Accessor {
  return {
    get() { const r = this[REGION]; return r.manager.readText(r.base + this[START] + at, encoding, count); },
    set(value: string) { const r = this[REGION]; r.manager.writeText(r.base + this[START] + at, encoding, count, value); },
  };
}

function textArray({ text: encoding, count: units }: TextField, count: number, { offset, size }: Place): Accessor {
  return {
    get() {
      const r = this[REGION];
      return Array.from({ length: count }, (_, i) => r.manager.readText(r.base + this[START] + offset + i * size, encoding, units));
    },
    set(values: ArrayLike<string>) {
      if (values.length > count) throw badIndex(values.length - 1, count);
      const r = this[REGION];
      for (let i = 0; i < values.length; i++) {
        r.manager.writeText(r.base + this[START] + offset + i * size, encoding, units, values[i]!);
      }
    },
  };
}

function nested(struct: Struct<Fields>, at: number, slot: number): Accessor {
  return {
    get() { return ((this[PARTS] ??= [])[slot] ??= new struct.View(this[REGION], this[START] + at)); },
    set(values: StructInit<Fields>) { new struct.View(this[REGION], this[START] + at).assign(values); },
    copy: (view) => (view as Base).toObject(),
  };
}

function nestedArray(struct: Struct<Fields>, count: number, at: number, slot: number): Accessor {
  return {
    get() { return ((this[PARTS] ??= [])[slot] ??= new StructArray(struct, this[REGION], this[START] + at, count)); },
    set(values: ArrayLike<StructInit<Fields>>) { new StructArray(struct, this[REGION], this[START] + at, count).set(values); },
    copy: (view) => (view as StructArray<Fields>).toArray(),
  };
}
