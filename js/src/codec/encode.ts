/** Values into bytes: what structured clone would copy, without leaving JavaScript. */

import { ERRORS, SMALL, Tag, TRACKING, VIEWS } from './tags.js';

/** The value does not fit into the target: try again with a larger one. */
export const FULL = -1;
/** The value needs real structured clone or a transfer (a port, a Blob, shared memory). */
export const NOT_CODABLE = -2;

class Stop {
  constructor(readonly answer: number) {}
}
const stopFull = new Stop(FULL);
const stopNotCodable = new Stop(NOT_CODABLE);

/** From how many objects on they are looked up by hash instead of one by one. */
const LINEAR = 12;
/** From how many characters on the browser's encoder beats a loop. */
const LONG = 64;

const encoder = typeof TextEncoder === 'undefined' ? undefined : new TextEncoder();
const doubles = new Float64Array(1);
const doubleBytes = new Uint8Array(doubles.buffer);
const words = new BigInt64Array(doubles.buffer);
const brandOf = Object.prototype.toString;
const bytesOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength')!.get as (this: ArrayBuffer) => number;

// The state of the encoding in progress. Module variables, not an object: they are the hot path.
let out = new Uint8Array(0);
let at = 0;
let limit = 0;
let seen: object[] = [];
let index: Map<object, number> | undefined;
let busy = false;

/**
 * Writes `value` into `target` from `offset` on; returns the offset after it, `FULL`, or
 * `NOT_CODABLE`. What a refused encoding has written is rubbish.
 *
 * The same values as `structuredClone` accepts but for those that need an agent's help; identity,
 * cycles, holes and `-0` are kept. Calls getters. Does not block or retain the value; any thread.
 *
 * Throws a `DataCloneError` for functions and symbols, as `structuredClone` does, and what getters throw.
 */
export function encode(value: unknown, target: Uint8Array, offset: number): number {
  // Plain numbers need none of the bookkeeping below.
  if (typeof value === 'number' && offset + 9 <= target.length) {
    const before = out;
    const beforeAt = at;
    out = target as Uint8Array<ArrayBuffer>;
    at = offset;
    putNumber(value);
    const after = at;
    out = before;
    at = beforeAt;
    return after;
  }
  if (busy) return encodeAside(value, target, offset);
  out = target as Uint8Array<ArrayBuffer>;
  at = offset;
  limit = target.length;
  index = undefined;
  busy = true;
  try {
    put(value);
    return at;
  } catch (error) {
    if (error instanceof Stop) return error.answer;
    throw error;
  } finally {
    busy = false;
    if (seen.length > 0) seen.length = 0;
    index = undefined;
  }
}

/** An encoding that a getter asks for in the middle of another, which then goes on where it was. */
function encodeAside(value: unknown, target: Uint8Array, offset: number): number {
  const saved = { out, at, limit, seen, index };
  seen = [];
  busy = false;
  try {
    return encode(value, target, offset);
  } finally {
    ({ out, at, limit, seen, index } = saved);
    busy = true;
  }
}

function need(bytes: number): void {
  if (at + bytes > limit) throw stopFull;
}

function put(value: unknown): void {
  need(9);
  switch (typeof value) {
    case 'number':
      putNumber(value);
      return;
    case 'string':
      putString(value);
      return;
    case 'object':
      if (value === null) out[at++] = Tag.null;
      else putObject(value);
      return;
    case 'boolean':
      out[at++] = value ? Tag.true : Tag.false;
      return;
    case 'undefined':
      out[at++] = Tag.undefined;
      return;
    case 'bigint':
      putBigint(value);
      return;
    default:
      refuse(value);
  }
}

function putNumber(value: number): void {
  const integer = value | 0;
  if (integer === value && (integer !== 0 || 1 / value > 0)) {
    if (integer >= 0 && integer < SMALL) {
      out[at++] = SMALL + integer;
    } else {
      out[at++] = Tag.int32;
      put32(integer);
    }
  } else {
    out[at++] = Tag.float64;
    doubles[0] = value;
    put64();
  }
}

function put32(value: number): void {
  out[at] = value;
  out[at + 1] = value >>> 8;
  out[at + 2] = value >>> 16;
  out[at + 3] = value >>> 24;
  at += 4;
}

/** Copies the eight bytes of `doubles` and `words`. */
function put64(): void {
  for (let i = 0; i < 8; i++) out[at + i] = doubleBytes[i]!;
  at += 8;
}

function putCount(count: number): void {
  need(5);
  if (count < 255) {
    out[at++] = count;
  } else {
    out[at++] = 255;
    put32(count);
  }
}

function putBigint(value: bigint): void {
  if (BigInt.asIntN(64, value) === value) {
    out[at++] = Tag.bigint64;
    words[0] = value;
    put64();
  } else {
    out[at++] = Tag.bigint;
    putString(value.toString(16));
  }
}

function putString(value: string): void {
  const length = value.length;
  need(6 + length);
  const start = at;
  if (length > LONG && encoder !== undefined && out.buffer instanceof ArrayBuffer) {
    out[at++] = Tag.ascii;
    putCount(length);
    // As many bytes as code units: then, and only then, every character is ASCII.
    const { read, written } = encoder.encodeInto(value, out.subarray(at, at + length));
    if (read === length && written === length) {
      at += length;
      return;
    }
    at = start;
  }
  out[at++] = Tag.ascii;
  putCount(length);
  let all = 0;
  for (let i = 0; i < length; i++) {
    const unit = value.charCodeAt(i);
    all |= unit;
    if (unit > 255) break;
    out[at + i] = unit;
  }
  if (all < 128) {
    at += length;
    return;
  }
  if (all < 256) {
    out[start] = Tag.latin1;
    at += length;
    return;
  }
  need(2 * length);
  out[start] = Tag.utf16;
  for (let i = 0; i < length; i++) {
    const unit = value.charCodeAt(i);
    out[at++] = unit;
    out[at++] = unit >>> 8;
  }
}

/** Numbers the object; true if it was met before and is written as a reference. */
function known(value: object): boolean {
  let number: number;
  if (index !== undefined) {
    number = index.get(value) ?? -1;
    if (number < 0) index.set(value, index.size);
  } else {
    number = seen.indexOf(value);
    if (number < 0 && seen.push(value) > LINEAR) index = new Map(seen.map((it, i) => [it, i]));
  }
  if (number < 0) return false;
  out[at++] = Tag.ref;
  putCount(number);
  return true;
}

function putObject(value: object): void {
  if (known(value)) return;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return putPlain(value as Record<string, unknown>);
  if (Array.isArray(value)) return putArray(value);
  if (ArrayBuffer.isView(value)) return putView(value);
  const brand = brandOf.call(value);
  // What names itself may be no such thing; only these do so of themselves.
  if (Symbol.toStringTag in value && !NAMED.has(brand)) throw stopNotCodable;
  switch (brand) {
    case '[object Object]':
      return putPlain(value as Record<string, unknown>);
    case '[object Date]':
      out[at++] = Tag.date;
      doubles[0] = Date.prototype.getTime.call(value);
      return put64();
    case '[object RegExp]':
      out[at++] = Tag.regexp;
      putString((value as RegExp).source);
      return putString((value as RegExp).flags);
    case '[object Map]':
      return putMap(value as Map<unknown, unknown>);
    case '[object Set]':
      return putSet(value as Set<unknown>);
    case '[object ArrayBuffer]':
      return putBuffer(value as ArrayBuffer);
    case '[object Boolean]':
      out[at++] = Tag.boxedBoolean;
      out[at++] = Boolean.prototype.valueOf.call(value) ? 1 : 0;
      return;
    case '[object Number]':
      out[at++] = Tag.boxedNumber;
      doubles[0] = Number.prototype.valueOf.call(value);
      return put64();
    case '[object String]':
      out[at++] = Tag.boxedString;
      return putString(String.prototype.valueOf.call(value));
    case '[object BigInt]':
      out[at++] = Tag.boxedBigint;
      return putBigint(real(() => BigInt.prototype.valueOf.call(value)));
    case '[object Error]':
      return putError(value as Error);
    default:
      // A platform object, or one that names itself: structured clone knows, we do not.
      throw stopNotCodable;
  }
}

/** Kinds whose prototypes name them. */
const NAMED = new Set(['[object Map]', '[object Set]', '[object ArrayBuffer]', '[object BigInt]']);

/** What only a real Map, Set or buffer answers; a mere object that is called so is for structured clone. */
function real<T>(ask: () => T): T {
  try {
    return ask();
  } catch {
    throw stopNotCodable;
  }
}

function putPlain(value: Record<string, unknown>): void {
  const keys = Object.keys(value);
  out[at++] = Tag.object;
  putCount(keys.length);
  putProperties(value, keys);
}

function putProperties(value: Record<string, unknown>, keys: readonly string[]): void {
  for (const key of keys) {
    const item = value[key];
    // A getter may have removed a later property, which a clone then lacks.
    if (item === undefined && !Object.hasOwn(value, key)) throw stopNotCodable;
    putString(key);
    put(item);
  }
}

function putArray(value: unknown[]): void {
  const keys = Object.keys(value);
  const length = value.length;
  // Keys come in ascending order, then names: so this says "no hole and no named property".
  if (keys.length === length && (length === 0 || keys[length - 1] === String(length - 1))) {
    out[at++] = Tag.array;
    putCount(length);
    for (let i = 0; i < length; i++) put(value[i]);
    return;
  }
  out[at++] = Tag.sparse;
  put32(length);
  putCount(keys.length);
  putProperties(value as unknown as Record<string, unknown>, keys);
}

function putMap(value: Map<unknown, unknown>): void {
  const entries = real(() => [...Map.prototype.entries.call(value)]);
  out[at++] = Tag.map;
  putCount(entries.length);
  for (const [key, item] of entries) {
    put(key);
    put(item);
  }
}

function putSet(value: Set<unknown>): void {
  const items = real(() => [...Set.prototype.values.call(value)]);
  out[at++] = Tag.set;
  putCount(items.length);
  for (const item of items) put(item);
}

function putError(value: Error): void {
  // Some engines keep its class and its errors.
  if (value instanceof AggregateError) throw stopNotCodable;
  out[at++] = Tag.error;
  const name = ERRORS.indexOf(String(value.name));
  out[at++] = name < 0 ? 0 : name;
  const message = Object.getOwnPropertyDescriptor(value, 'message');
  const cause = Object.getOwnPropertyDescriptor(value, 'cause');
  const { stack } = value;
  // A message that is computed is none to structured clone.
  const text = message && 'value' in message ? message : undefined;
  out[at++] = (text ? 1 : 0) | (typeof stack === 'string' ? 2 : 0) | (cause ? 4 : 0);
  if (text) putString(String(text.value));
  if (typeof stack === 'string') putString(stack);
  if (cause) put(cause.value);
}

function putBuffer(value: ArrayBuffer): void {
  const { resizable, maxByteLength } = value as { resizable?: boolean; maxByteLength?: number };
  const size = real(() => bytesOf.call(value));
  if ((value as { detached?: boolean }).detached) refuse(value);
  need(9 + size);
  out[at++] = resizable ? Tag.resizable : Tag.buffer;
  put32(size);
  if (resizable) put32(maxByteLength ?? size);
  out.set(new Uint8Array(value), at);
  at += size;
}

function putView(value: ArrayBufferView): void {
  if (!(value.buffer instanceof ArrayBuffer)) throw stopNotCodable;
  const name = brandOf.call(value).slice(8, -1);
  const kind = VIEWS.findIndex((view) => view.name === name);
  if (kind < 0) throw stopNotCodable;
  need(11);
  out[at++] = Tag.view;
  out[at++] = kind;
  put32(value.byteOffset);
  put32(tracks(value) ? TRACKING : (value as Uint8Array).length ?? value.byteLength);
  put(value.buffer);
}

/** Whether a view's length follows its resizable buffer: the engine only tells by its behaviour. */
function tracks(value: ArrayBufferView): boolean {
  const buffer = value.buffer as ArrayBuffer & { resizable?: boolean; maxByteLength?: number; resize?(bytes: number): void };
  if (!buffer.resizable || buffer.resize === undefined) return false;
  const { byteLength } = buffer;
  const size = 'BYTES_PER_ELEMENT' in value ? (value.BYTES_PER_ELEMENT as number) : 1;
  const end = value.byteOffset + value.byteLength;
  if (byteLength - end >= size) return false;
  // Growing by one element and back changes no byte, and only a tracking view's length.
  // At its maximum nothing tells the two apart from here: leave it to structured clone.
  if (byteLength + size > buffer.maxByteLength!) throw stopNotCodable;
  const before = value.byteLength;
  buffer.resize(byteLength + size);
  const follows = value.byteLength !== before;
  buffer.resize(byteLength);
  return follows;
}

function refuse(value: unknown): never {
  const what = typeof value === 'function' ? `the function ${value.name || '(anonymous)'}` : String(value);
  const message = `${what} could not be cloned`;
  throw typeof DOMException === 'undefined' ? new TypeError(message) : new DOMException(message, 'DataCloneError');
}
