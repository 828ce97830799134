/** The bytes that begin a value in the codec's format, shared by both directions. */

/**
 * One value is a tag byte and what follows it. Numbers are little-endian and unaligned; a *count*
 * is one byte below 255, or 255 and four bytes. Objects are numbered in the order in which they
 * begin, and `REF` names an earlier one. A tag of 128 and above is the integer `tag - 128`.
 */
export const Tag = {
  undefined: 0, null: 1, false: 2, true: 3, int32: 4, float64: 5, bigint64: 6, bigint: 7,
  /** A count of code units, then one byte each: all below 128, or all below 256. */
  ascii: 8, latin1: 9,
  /** A count of code units, then two bytes each. */
  utf16: 10,
  /** The number of an earlier object, as a count. */
  ref: 11,
  /** A count of properties, then key and value of each. */
  object: 12,
  /** A count of elements, then each. */
  array: 13,
  /** Length (4 bytes), a count of properties, then key and value of each. */
  sparse: 14,
  date: 15, regexp: 16, map: 17, set: 18, error: 19,
  boxedBoolean: 20, boxedNumber: 21, boxedString: 22, boxedBigint: 23,
  /** Byte length (4 bytes), then the bytes; `resizable` has its maximum (4 bytes) in between. */
  buffer: 24, resizable: 25,
  /** Kind of view, offset and length (4 bytes each; length 2³² − 1: follows its buffer), then its buffer. */
  view: 26,
} as const;

/** From here on a tag is a small integer by itself. */
export const SMALL = 128;

/** The `length` of a view that tracks its resizable buffer. */
export const TRACKING = 0xffff_ffff;

type ViewConstructor = new (buffer: ArrayBufferLike, offset?: number, length?: number) => ArrayBufferView;

/** Kinds of views by their number in the format; a browser may lack the last. */
export const VIEWS: readonly { readonly name: string; readonly Type: ViewConstructor | undefined; readonly size: number }[] = [
  { name: 'DataView', Type: DataView, size: 1 },
  { name: 'Int8Array', Type: Int8Array, size: 1 },
  { name: 'Uint8Array', Type: Uint8Array, size: 1 },
  { name: 'Uint8ClampedArray', Type: Uint8ClampedArray, size: 1 },
  { name: 'Int16Array', Type: Int16Array, size: 2 },
  { name: 'Uint16Array', Type: Uint16Array, size: 2 },
  { name: 'Int32Array', Type: Int32Array, size: 4 },
  { name: 'Uint32Array', Type: Uint32Array, size: 4 },
  { name: 'Float32Array', Type: Float32Array, size: 4 },
  { name: 'Float64Array', Type: Float64Array, size: 8 },
  { name: 'BigInt64Array', Type: BigInt64Array, size: 8 },
  { name: 'BigUint64Array', Type: BigUint64Array, size: 8 },
  { name: 'Float16Array', Type: (globalThis as { Float16Array?: ViewConstructor }).Float16Array, size: 2 },
];

/** The names an error keeps; every other becomes `Error`, as structured clone has it. */
export const ERRORS = ['Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'];
