/** What a struct is made of: kinds of fields, their types in TypeScript, and their layout as C lays it out. */
import { checkCount } from '../bytes/errors.js';
import { ENCODED_BYTES, type TextEncoding } from '../bytes/strings.js';
import type { Struct } from './struct.js';
import type { StructArray, StructView } from './view.js';

/** The type of each scalar kind. */
export interface ScalarTypes {
  i8: number; u8: number; u8clamped: number; i16: number; u16: number; i32: number; u32: number;
  f32: number; f64: number; i64: bigint; u64: bigint;
  pointer32: number; pointer53: number; pointer64: bigint;
  bool: boolean;
}

/** The type of an array of each scalar kind. */
export interface ArrayTypes {
  i8: Int8Array; u8: Uint8Array; u8clamped: Uint8ClampedArray; i16: Int16Array; u16: Uint16Array;
  i32: Int32Array; u32: Uint32Array; f32: Float32Array; f64: Float64Array;
  i64: BigInt64Array; u64: BigUint64Array;
  pointer32: Uint32Array; pointer53: BigUint64Array; pointer64: BigUint64Array;
  bool: Uint8Array;
}

/** A kind of single value. */
export type ScalarKind = keyof ScalarTypes;

/** A text that lies in the struct itself: `count` elements, ended by a 0 unless it fills them all. */
export interface TextField {
  readonly text: TextEncoding;
  readonly count: number;
}

/** A struct whatever its fields: what a field needs to know of the struct that it is. */
export interface AnyStruct {
  readonly size: number;
  readonly align: number;
  readonly fields: Fields;
  /** @internal */ readonly places: readonly Place[];
}

/** What an array can have as elements. */
export type ElementField = ScalarKind | TextField | AnyStruct;

/** A field: a scalar, a text, a struct, or an array `[element, count]` of one of those. */
export type Field = ElementField | readonly [element: ElementField, count: number];

/** The fields of a struct, in the order of their layout. */
export interface Fields {
  readonly [name: string]: Field;
}

/** What reading a field answers. */
export type FieldValue<F> =
  F extends ScalarKind ? ScalarTypes[F]
  : F extends TextField ? string
  : F extends Struct<infer G> ? StructView<G>
  : F extends readonly [infer E, number]
    ? E extends ScalarKind ? ArrayTypes[E] : E extends TextField ? string[] : E extends Struct<infer G> ? StructArray<G> : never
  : never;

/** What a field can be written from. */
export type FieldInit<F> =
  F extends ScalarKind ? ScalarTypes[F]
  : F extends TextField ? string
  : F extends Struct<infer G> ? StructInit<G>
  : F extends readonly [infer E, number]
    ? E extends 'bool' ? ArrayLike<boolean> : E extends 'pointer53' ? ArrayLike<number> : ArrayLike<FieldInit<E>>
  : never;

/** What a struct can be written from; fields that are absent are left alone. */
export type StructInit<G> = { readonly [K in keyof G]?: FieldInit<G[K]> };

/** A copy of a struct as plain data. */
export type StructObject<G> = { [K in keyof G]: FieldObject<G[K]> };

/** A copy of a field as plain data. */
export type FieldObject<F> =
  F extends ScalarKind ? ScalarTypes[F]
  : F extends TextField ? string
  : F extends Struct<infer G> ? StructObject<G>
  : F extends readonly [infer E, number] ? FieldObject<E>[]
  : never;

/** A text of at most `count` bytes of ASCII. */
export function ascii(count: number): TextField { return textField('ascii', count); }
/** A text of at most `count` bytes of UTF-8. */
export function utf8(count: number): TextField { return textField('utf8', count); }
/** A text of at most `count` units of UTF-16. */
export function utf16(count: number): TextField { return textField('utf16', count); }
/** A text of at most `count` code points. */
export function utf32(count: number): TextField { return textField('utf32', count); }

function textField(text: TextEncoding, count: number): TextField {
  checkCount(count, 'the element count of a text', 1);
  return Object.freeze({ text, count });
}

/** The bytes of each scalar, which are its alignment too. */
export const SCALAR_BYTES: Readonly<Record<ScalarKind, 1 | 2 | 4 | 8>> = {
  i8: 1, u8: 1, u8clamped: 1, i16: 2, u16: 2, i32: 4, u32: 4, f32: 4, f64: 8, i64: 8, u64: 8,
  pointer32: 4, pointer53: 8, pointer64: 8, bool: 1,
};

/** A field with its place. */
export interface Place {
  readonly name: string;
  readonly element: ElementField;
  /** The elements of an array; undefined where the field is no array. */
  readonly count: number | undefined;
  readonly offset: number;
  /** The bytes of one element. */
  readonly size: number;
  readonly align: number;
}

/** The largest struct: freed ones have negative addresses that even its last field leaves negative. */
export const LARGEST_STRUCT = 2 ** 29;

/** Lays fields out as C does: each at the next multiple of its alignment, the end padded to the largest. */
export function layOut(fields: Fields): { places: Place[]; size: number; align: number } {
  const places: Place[] = [];
  let end = 0;
  let align = 1;
  for (const [name, field] of Object.entries(fields)) {
    const [element, count] = isArray(field) ? field : ([field, undefined] as const);
    if (count !== undefined) checkCount(count, `the element count of ${name}`, 1);
    const { size, align: own } = measure(name, element);
    const offset = roundUp(end, own);
    places.push({ name, element, count, offset, size, align: own });
    end = offset + size * (count ?? 1);
    align = Math.max(align, own);
  }
  if (end === 0) throw new RangeError('a struct needs at least one field');
  if (end > LARGEST_STRUCT) throw new RangeError(`a struct of ${end} bytes is larger than ${LARGEST_STRUCT}`);
  return { places, size: roundUp(end, align), align };
}

function measure(name: string, element: ElementField): { size: number; align: number } {
  if (typeof element === 'string') {
    const bytes = Object.hasOwn(SCALAR_BYTES, element) ? SCALAR_BYTES[element] : undefined;
    if (bytes === undefined) throw new TypeError(`field ${name} has the unknown kind ${JSON.stringify(element)}`);
    return { size: bytes, align: bytes };
  }
  if (typeof element !== 'object' || element === null) throw new TypeError(`field ${name} has no kind`);
  if (isText(element)) {
    const bytes = ENCODED_BYTES[element.text];
    return { size: bytes * element.count, align: bytes };
  }
  return { size: element.size, align: element.align };
}

function isArray(field: Field): field is readonly [ElementField, number] {
  return Array.isArray(field);
}

/** True for a text field. */
export function isText(element: ElementField): element is TextField {
  return typeof element === 'object' && 'text' in element;
}

/** The next multiple of a power of two. */
export function roundUp(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}
