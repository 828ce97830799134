/** Bytes into values: the other half of the codec. */

import { SMALL, Tag, TRACKING, VIEWS } from './tags.js';

const decoder = typeof TextDecoder === 'undefined' ? undefined : new TextDecoder('utf-8', { ignoreBOM: true });
/** From how many ASCII characters on the browser's decoder beats a loop. */
const LONG = 24;
/** How many code units `String.fromCharCode` is given at once. */
const CHUNK = 4096;

const doubles = new Float64Array(1);
const doubleBytes = new Uint8Array(doubles.buffer);
const words = new BigInt64Array(doubles.buffer);

/** Short strings met before: property names come again and again, and a cached one costs no allocation. */
const CACHED = 512;
const cache: string[] = new Array<string>(CACHED).fill('');

let input = new Uint8Array(0);
let at = 0;
let end = 0;
const objects: object[] = [];

/**
 * The value that `encode` wrote into `bytes` at `offset`. Any thread; runs no user code.
 *
 * Throws a RangeError if the bytes are not one whole value of the codec.
 */
export function decode(bytes: Uint8Array, offset = 0, limit = bytes.length): unknown {
  input = bytes as Uint8Array<ArrayBuffer>;
  at = offset;
  end = limit;
  try {
    return get();
  } finally {
    if (objects.length > 0) objects.length = 0;
    input = EMPTY;
  }
}
const EMPTY = new Uint8Array(0);

/** Where the last value decoded on this thread ended, for values one behind the other. */
export function decodedEnd(): number {
  return at;
}

function take(bytes: number): number {
  const start = at;
  if (bytes > end - start) throw new RangeError(`the encoded value ends early, at byte ${end}`);
  at = start + bytes;
  return start;
}

function get(): unknown {
  const tag = input[take(1)]!;
  if (tag >= SMALL) return tag - SMALL;
  switch (tag) {
    case Tag.undefined: return undefined;
    case Tag.null: return null;
    case Tag.false: return false;
    case Tag.true: return true;
    case Tag.int32: return get32() | 0;
    case Tag.float64: return getDouble();
    case Tag.bigint64: return getBigint64();
    case Tag.bigint: return getBigint();
    case Tag.ascii: return getAscii(getCount());
    case Tag.latin1: return getLatin1(getCount());
    case Tag.utf16: return getUtf16(getCount());
    case Tag.ref: return getRef();
    case Tag.object: return getPlain();
    case Tag.array: return getArray();
    case Tag.sparse: return getSparse();
    case Tag.date: return keep(new Date(getDouble()));
    case Tag.regexp: return getRegexp();
    case Tag.map: return getMap();
    case Tag.set: return getSet();
    case Tag.error: return getError();
    case Tag.boxedBoolean: return keep(Object(input[take(1)] === 1) as object);
    case Tag.boxedNumber: return keep(Object(getDouble()) as object);
    case Tag.boxedString: return keep(Object(getString()) as object);
    case Tag.boxedBigint: return keep(Object(get()) as object);
    case Tag.buffer: return getBuffer(false);
    case Tag.resizable: return getBuffer(true);
    case Tag.view: return getView();
    default: throw new RangeError(`unknown tag ${tag} at byte ${at - 1} of an encoded value`);
  }
}

function keep<T extends object>(value: T): T {
  objects.push(value);
  return value;
}

function get32(): number {
  const i = take(4);
  return (input[i]! | (input[i + 1]! << 8) | (input[i + 2]! << 16) | (input[i + 3]! << 24)) >>> 0;
}

function get64(): void {
  const start = take(8);
  for (let i = 0; i < 8; i++) doubleBytes[i] = input[start + i]!;
}

function getDouble(): number {
  get64();
  return doubles[0]!;
}

function getBigint64(): bigint {
  get64();
  return words[0]!;
}

function getBigint(): bigint {
  const digits = getString();
  return digits.startsWith('-') ? -BigInt(`0x${digits.slice(1)}`) : BigInt(`0x${digits}`);
}

function getCount(): number {
  const count = input[take(1)]!;
  return count < 255 ? count : get32();
}

function getString(): string {
  const value = get();
  if (typeof value !== 'string') throw new RangeError(`a string was expected before byte ${at} of an encoded value`);
  return value;
}

function getAscii(length: number): string {
  const start = take(length);
  if (length < LONG) return length < 16 ? getShort(start, length) : fromBytes(start, length);
  if (decoder === undefined) return getUnits(length, (i) => input[start + i]!);
  // Browsers refuse to decode shared memory: `slice` copies it out.
  const shared = !(input.buffer instanceof ArrayBuffer);
  return decoder.decode(shared ? input.slice(start, at) : input.subarray(start, at));
}

function getShort(start: number, length: number): string {
  let hash = length;
  for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + input[start + i]!) | 0;
  const slot = (hash ^ (hash >>> 9)) & (CACHED - 1);
  const found = cache[slot]!;
  if (found.length === length) {
    let i = 0;
    while (i < length && found.charCodeAt(i) === input[start + i]) i++;
    if (i === length) return found;
  }
  return (cache[slot] = fromBytes(start, length));
}

function fromBytes(start: number, length: number): string {
  let text = '';
  for (let i = 0; i < length; i++) text += String.fromCharCode(input[start + i]!);
  return text;
}

function getLatin1(length: number): string {
  const start = take(length);
  return getUnits(length, (i) => input[start + i]!);
}

function getUtf16(length: number): string {
  const start = take(2 * length);
  return getUnits(length, (i) => input[start + 2 * i]! | (input[start + 2 * i + 1]! << 8));
}

function getUnits(length: number, unit: (i: number) => number): string {
  let text = '';
  for (let done = 0; done < length; done += CHUNK) {
    const units: number[] = [];
    for (let i = done; i < length && i < done + CHUNK; i++) units.push(unit(i));
    text += String.fromCharCode(...units);
  }
  return text;
}

function getRef(): object {
  const number = getCount();
  const found = objects[number];
  if (found === undefined) throw new RangeError(`reference to object ${number} of ${objects.length} in an encoded value`);
  return found;
}

function getPlain(): object {
  const count = getCount();
  return getProperties(keep({}), count);
}

function getProperties(object: Record<string, unknown>, count: number): object {
  for (let i = 0; i < count; i++) {
    const key = getString();
    const value = get();
    if (key === '__proto__') {
      Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
    } else {
      object[key] = value;
    }
  }
  return object;
}

function getArray(): unknown[] {
  const length = getCount();
  const array: unknown[] = keep([]);
  for (let i = 0; i < length; i++) array.push(get());
  return array;
}

function getSparse(): object {
  const array: unknown[] = keep([]);
  array.length = get32();
  return getProperties(array as unknown as Record<string, unknown>, getCount());
}

function getRegexp(): RegExp {
  const number = objects.length;
  objects.push(EMPTY);
  const source = getString();
  return (objects[number] = new RegExp(source, getString()));
}

function getMap(): Map<unknown, unknown> {
  const map = keep(new Map<unknown, unknown>());
  for (let left = getCount(); left > 0; left--) {
    const key = get();
    map.set(key, get());
  }
  return map;
}

function getSet(): Set<unknown> {
  const set = keep(new Set<unknown>());
  for (let left = getCount(); left > 0; left--) set.add(get());
  return set;
}

/** In the order of `ERRORS`. */
const ERROR_CLASSES: readonly ErrorConstructor[] = [
  Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError,
];

function getError(): Error {
  const Class = ERROR_CLASSES[input[take(1)]!] ?? Error;
  const has = input[take(1)]!;
  // Made before its cause is read, which may lead back to it.
  const real = keep(new Class());
  const define = (name: string, value: unknown): void => {
    Object.defineProperty(real, name, { value, writable: true, enumerable: false, configurable: true });
  };
  if (has & 1) define('message', getString());
  define('stack', has & 2 ? getString() : undefined);
  if (has & 4) define('cause', get());
  return real;
}

function getBuffer(resizable: boolean): ArrayBuffer {
  const size = get32();
  const options = resizable ? { maxByteLength: get32() } : undefined;
  const start = take(size);
  const Buffer = ArrayBuffer as new (size: number, options?: { maxByteLength: number }) => ArrayBuffer;
  const buffer = keep(options ? new Buffer(size, options) : new Buffer(size));
  new Uint8Array(buffer).set(input.subarray(start, at));
  return buffer;
}

function getView(): ArrayBufferView {
  const number = objects.length;
  objects.push(EMPTY);
  const kind = VIEWS[input[take(1)]!];
  if (kind?.Type === undefined) throw new RangeError(`this browser has no ${kind?.name ?? 'such view'}`);
  const offset = get32();
  const length = get32();
  const buffer = get();
  if (!(buffer instanceof ArrayBuffer)) throw new RangeError(`a buffer was expected before byte ${at} of an encoded value`);
  return (objects[number] = length === TRACKING ? new kind.Type(buffer, offset) : new kind.Type(buffer, offset, length));
}
