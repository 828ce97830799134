/** Numbers, booleans, null and undefined as they lie in a slot: the payloads too small to be encoded. */

import { INLINE_AT, Kind, SlotWord, type Views } from './exports.js';

/** Lengths that stand for a value, where others count the codec's bytes. */
const NUMBER = 0;
const UNDEFINED = -1;
const NULL = -2;
const FALSE = -3;
const TRUE = -4;

/** The length of a plain value's payload; undefined for all other values. */
export function plainLength(value: unknown): number | undefined {
  if (typeof value === 'number') return NUMBER;
  if (value === undefined) return UNDEFINED;
  if (value === null) return NULL;
  if (typeof value === 'boolean') return value ? TRUE : FALSE;
  return undefined;
}

/** Writes a plain value into a slot; false if it is none. */
export function writePlain({ i32, f64 }: Views, slot: number, value: unknown): boolean {
  const length = plainLength(value);
  if (length === undefined) return false;
  if (length === NUMBER) f64[(slot + INLINE_AT) >>> 3] = value as number;
  const word = slot >>> 2;
  i32[word + SlotWord.length] = length;
  i32[word + SlotWord.kind] = Kind.inline;
  return true;
}

/** Whether an inline payload of this length is a plain value. */
export function isPlainLength(length: number): boolean {
  return length <= NUMBER;
}

/** The plain value in a slot. */
export function readPlain({ f64 }: Views, slot: number, length: number): unknown {
  if (length === NUMBER) return f64[(slot + INLINE_AT) >>> 3]!;
  if (length === UNDEFINED) return undefined;
  return length === NULL ? null : length === TRUE;
}
