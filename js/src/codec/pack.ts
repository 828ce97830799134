/** Plain objects and arrays into packed form: records are walked once, their names written once. */

import { FULL, NOT_CODABLE } from './encode.js';
import { BITS, FIRST, Part } from './parts.js';

/** Integers below this size fit beside their kind. */
const WIDE = 2 ** (31 - BITS);
/** Deeper values are left to the codec. */
const DEEP = 100;
/** Longer arrays are not asked for the names of all their elements. */
const LONG = 4096;
/** Shapes of one value that a new object is compared with. */
const COMPARED = 16;
/** Comparisons for each object before a Set is the cheaper way. */
const SAME = 8;
/** Shapes with more names are dictionaries, which no other object has. */
const DICTIONARY = 64;

/** The names that some objects have, in order, and what was found under them. */
class Shape {
  /** Its number in the value that is being packed, if that has this `turn`. */
  number = 0;
  turn = 0;
  readonly text: string;
  /** Shapes of the objects that were last met under each name: the next ones are likely alike. */
  readonly under: (Shape | undefined)[];

  constructor(readonly names: readonly string[]) {
    this.text = names.join('');
    this.under = new Array<Shape | undefined>(names.length).fill(undefined);
  }
}

/** Has no names, unless somebody gave one to all objects. */
const EMPTY = {};
const NO_NAMES: readonly string[] = [];
const NONE: (Shape | undefined)[] = [];
const writer = new TextEncoder();
const doubles = new Float64Array(1);
const halves = new Int32Array(doubles.buffer);
const brandOf = Object.prototype.toString;
const SURROGATE = /\p{Surrogate}/u;

// The state of the packing in progress. Module variables, not an object: they are the hot path.
let words = new Int32Array(0);
let at = 0;
/** `FULL` or `NOT_CODABLE` once the value turned out to be so. */
let refusal = 0;
let units = 0;
const strings: string[] = [];
let stringCount = 0;
const objects: (object | undefined)[] = [];
let objectCount = 0;
/** A number from what was written of each object. */
let signs = new Int32Array(512);
/** Numbers of objects by their signs, each more than `base`: what is less is of an earlier value. */
let table = new Int32Array(1024);
let base = 0;
/** The objects that the walk is inside of. */
const path: (object | undefined)[] = new Array<object | undefined>(DEEP).fill(undefined);
let depth = 0;
const shapes: Shape[] = [];
let turn = 0;
let busy = false;
/** The shape of what was packed last. */
let usual: Shape | undefined;

/**
 * Writes an object or array into `target`, which is `bytes` in words; returns how many bytes it took,
 * `FULL`, or `NOT_CODABLE` for what is no tree of plain values or seems to take fewer than `least`
 * bytes: that is for `encode`. What a refused packing has written is rubbish.
 *
 * The copy that `unpack` makes is that of structured clone. Calls getters and throws what they throw.
 * Does not block or retain the value; any thread.
 */
export function pack(value: object, target: Int32Array<ArrayBuffer>, bytes: Uint8Array<ArrayBuffer>, least = 0): number {
  // A getter of a value that is just now being packed asks, or somebody taught all objects a name.
  if (busy || isTaught()) return NOT_CODABLE;
  words = target;
  at = FIRST;
  refusal = units = objectCount = depth = 0;
  // The first is for the names.
  stringCount = 1;
  turn++;
  busy = true;
  try {
    usual = putObject(value, usual);
    if (refusal !== 0) return refusal;
    if (at * 4 + units < least) return NOT_CODABLE;
    if (at > words.length || units > bytes.length) return FULL;
    return isTree() ? finish(bytes) : NOT_CODABLE;
  } finally {
    busy = false;
    shapes.length = 0;
    // Nothing of the value is kept, and the arrays keep their room.
    strings.fill('', 0, stringCount);
    objects.fill(undefined, 0, objectCount);
    path.fill(undefined, 0, depth);
  }
}

/** Whether objects have names that are not their own. */
function isTaught(): boolean {
  for (const name in EMPTY) if (name !== undefined) return true;
  return false;
}

/**
 * Whether no object was met twice: its copies would be two. Objects of which the same was written are
 * compared with each other, which takes a third of the time of a Set; where too many are alike, one
 * decides. An object passes as two only if its getters answered otherwise when it was met again.
 */
function isTree(): boolean {
  while (table.length < 2 * objectCount) table = twice(table);
  if (base > 2 ** 30) table.fill((base = 0));
  const before = base;
  base += objectCount;
  const mask = table.length - 1;
  let budget = SAME * objectCount;
  for (let i = 0; i < objectCount; i++) {
    let slot = signs[i]! & mask;
    for (let other = table[slot]! - before; other > 0; other = table[slot]! - before) {
      if (objects[other - 1] === objects[i]) return false;
      if (--budget < 0) {
        objects.length = objectCount;
        return new Set(objects).size === objectCount;
      }
      slot = (slot + 1) & mask;
    }
    table[slot] = before + i + 1;
  }
  return true;
}

/** Writes the table of shapes, and all text behind it. */
function finish(bytes: Uint8Array<ArrayBuffer>): number {
  words[1] = at;
  words[at++] = shapes.length;
  let all = '';
  for (const { names, text } of shapes) {
    words[at++] = names.length;
    for (let i = 0; i < names.length; i++) words[at++] = names[i]!.length;
    all += text;
  }
  words[0] = at;
  strings[0] = all;
  strings.length = stringCount;
  const text = strings.join('');
  words[2] = text.length;
  if (at > words.length) return FULL;
  const { read, written } = writer.encodeInto(text, bytes.subarray(at * 4));
  if (read !== text.length) return FULL;
  // UTF-8 has no surrogates that stand alone.
  if (written !== read && SURROGATE.test(text)) return NOT_CODABLE;
  return at * 4 + written;
}

function putObject(value: object, usual: Shape | undefined): Shape | undefined {
  if (at > words.length) return refuse(FULL);
  if (depth === DEEP) return refuse(NOT_CODABLE);
  for (let i = 0; i < depth; i++) if (path[i] === value) return refuse(NOT_CODABLE);
  const number = objectCount++;
  const from = at;
  const strings = stringCount;
  objects[number] = value;
  path[depth++] = value;
  const shape = Array.isArray(value) ? putArray(value, usual) : putRecord(value as Record<string, unknown>, usual);
  // After a refusal the walk only returns, and the path stays for who cleans up.
  if (refusal !== 0) return undefined;
  depth--;
  if (number === signs.length) signs = twice(signs);
  signs[number] = signOf(from, strings);
  return shape;
}

/** A number from what was written since then: the same whenever an object is met again. */
function signOf(from: number, stringsBefore: number): number {
  const second = at - from > 1 ? words[from + 1]! : 0;
  const first = Math.imul(words[from]! ^ Math.imul(second, 0x9e3779b1) ^ (at - from), 0x85ebca6b);
  let last = words[at - 1]!;
  if (stringCount > stringsBefore) {
    const text = strings[stringCount - 1]!;
    last ^= text.charCodeAt(text.length - 1) << 16;
  }
  const sign = first ^ Math.imul(last, 0xc2b2ae35);
  return sign ^ (sign >>> 15);
}

function twice(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}

function refuse(answer: number): undefined {
  refusal = answer;
  return undefined;
}

/** The shape of the last element, or of those before this array. */
function putArray(value: unknown[], usual: Shape | undefined): Shape | undefined {
  const { length } = value;
  // A property that is no element would be lost.
  if (length > LONG || Object.keys(value).length !== length) return refuse(NOT_CODABLE);
  words[at++] = (length << BITS) | Part.array;
  let shape = usual;
  for (let i = 0; i < length; i++) {
    const part = value[i];
    if (typeof part === 'string') {
      putString(part);
    } else if (typeof part === 'object' && part !== null) {
      shape = putObject(part, shape);
      if (refusal !== 0) return undefined;
    } else {
      if (part === undefined && !Object.hasOwn(value, i)) return refuse(NOT_CODABLE);
      putScalar(part);
    }
  }
  return shape;
}

/** The shape of the object, which is `usual` if its names are the same. */
function putRecord(value: Record<string, unknown>, usual: Shape | undefined): Shape | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype) return putDate(value, prototype);
  const names = usual === undefined ? NO_NAMES : usual.names;
  const under = usual === undefined ? NONE : usual.under;
  const header = at++;
  let own: string[] | undefined;
  let i = 0;
  // Engines keep the names of an object's shape for this loop; there are no others than its own.
  for (const name in value) {
    const asUsual = own === undefined && names[i] === name;
    if (!asUsual) (own ??= names.slice(0, i)).push(name);
    const part = value[name];
    if (typeof part === 'string') {
      putString(part);
    } else if (typeof part === 'object' && part !== null) {
      const shape = putObject(part, asUsual ? under[i] : undefined);
      if (refusal !== 0) return undefined;
      if (asUsual) under[i] = shape;
    } else {
      putScalar(part);
    }
    i++;
  }
  if (own === undefined && i < names.length) own = names.slice(0, i);
  let shape = usual;
  if (own !== undefined || shape === undefined) shape = shapeOf(own ?? NO_NAMES);
  if (shape.turn !== turn) {
    // As a property to be set it is none.
    if (shape.names.includes('__proto__')) return refuse(NOT_CODABLE);
    shape.turn = turn;
    shape.number = shapes.push(shape) - 1;
  }
  words[header] = (shape.number << BITS) | Part.object;
  return shape.names.length > DICTIONARY ? undefined : shape;
}

function shapeOf(names: readonly string[]): Shape {
  for (let i = 0; i < shapes.length && i < COMPARED; i++) if (isSame(shapes[i]!.names, names)) return shapes[i]!;
  return new Shape(names);
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  const { length } = some;
  if (others.length !== length) return false;
  for (let i = 0; i < length; i++) if (some[i] !== others[i]) return false;
  return true;
}

function putDate(value: object, prototype: unknown): undefined {
  if (prototype !== Date.prototype || brandOf.call(value) !== '[object Date]') return refuse(NOT_CODABLE);
  words[at++] = Part.date;
  putDouble(Date.prototype.getTime.call(value));
  return undefined;
}

function putString(value: string): void {
  const { length } = value;
  words[at++] = (length << BITS) | Part.string;
  strings[stringCount++] = value;
  units += length;
}

function putScalar(value: unknown): void {
  if (typeof value === 'number') {
    const integer = value | 0;
    if (integer === value && integer < WIDE && integer >= -WIDE && (integer !== 0 || 1 / value > 0)) {
      words[at++] = (integer << BITS) | Part.integer;
    } else {
      words[at++] = Part.double;
      putDouble(value);
    }
    return;
  }
  if (value === null) words[at++] = Part.constant;
  else if (value === undefined) words[at++] = (1 << BITS) | Part.constant;
  else if (typeof value === 'boolean') words[at++] = ((value ? 3 : 2) << BITS) | Part.constant;
  else refuse(NOT_CODABLE);
}

function putDouble(value: number): void {
  doubles[0] = value;
  words[at++] = halves[0]!;
  words[at++] = halves[1]!;
}
