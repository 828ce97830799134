/** Packed form into values: the other half of `pack`. */

import { BITS, CONSTANTS, FIRST, KIND, Part } from './parts.js';

/** Tables of shapes that are remembered: messages of one kind have the same. */
const REMEMBERED = 64;

/** So much of a text is decoded at once: a string that is cut from it may keep all of it alive. */
const CHUNK = 4096;

/** A table of shapes that was met before. */
interface Table {
  readonly words: Int32Array;
  readonly shapes: readonly (readonly string[])[];
}

const reader = new TextDecoder('utf-8', { ignoreBOM: true });
const doubles = new Float64Array(1);
const halves = new Int32Array(doubles.buffer);
/** By the text of all their names. Their strings are those that engines know as names already. */
const tables = new Map<string, Table>();

/** A copy of what is being read: browsers refuse to decode shared memory, and read it slowly. */
let bytes = new Uint8Array(16 * 1024);
let words = new Int32Array(bytes.buffer);
let at = 0;
let end = 0;
/** The part of the text that was decoded last, and where in the text it lies, in code units. */
let text = '';
let textFrom = 0;
let textTo = 0;
/** Where in the text the next string begins, and where in `bytes` the text does, and ends. */
let textAt = 0;
let textBegin = 0;
let textEnd = 0;
let shapes: Table['shapes'] = [];

/**
 * The value that `pack` wrote at `from`, up to `to`, into memory that may be shared. Any thread; runs
 * no user code.
 *
 * Throws a RangeError if the bytes are not one whole packed value.
 */
export function unpack(memory: Uint8Array, from: number, to: number): unknown {
  const size = to - from;
  if (size > bytes.length) {
    bytes = new Uint8Array(2 ** Math.ceil(Math.log2(size)));
    words = new Int32Array(bytes.buffer);
  }
  bytes.set(memory.subarray(from, to));
  const count = words[0]!;
  end = words[1]!;
  const units = words[2]!;
  if (size < 4 * FIRST || !(count <= size >>> 2) || end < FIRST || end >= count) throw damaged();
  at = FIRST;
  textBegin = count * 4;
  textEnd = size;
  textFrom = textTo = textAt = 0;
  if (units !== size - textBegin) {
    // Not ASCII: where a string's bytes begin only the decoder knows.
    text = reader.decode(bytes.subarray(textBegin, size));
    textTo = text.length;
    // There is no more to be decoded.
    textEnd = 0;
  }
  try {
    shapes = readTable(count);
    const value = get();
    if (at !== end || textAt !== units) throw damaged();
    return value;
  } finally {
    text = '';
  }
}

function damaged(): RangeError {
  return new RangeError(`a packed value is damaged near word ${at}`);
}

/** The next so many code units of the text. */
function getString(length: number): string {
  if (textAt + length > textTo) {
    const from = textBegin + textAt;
    if (from + length > textEnd) throw damaged();
    text = reader.decode(bytes.subarray(from, Math.min(textEnd, from + Math.max(length, CHUNK))));
    textFrom = textAt;
    textTo = textAt + text.length;
  }
  const start = textAt - textFrom;
  textAt += length;
  return text.slice(start, start + length);
}

/** The shapes of a value, whose names are the beginning of its text. */
function readTable(count: number): Table['shapes'] {
  const table = words.subarray(end, count);
  let length = 0;
  let i = 1;
  for (let left = table[0]!; left > 0; left--) {
    for (let names = table[i++] ?? NaN; names !== 0; names--) {
      const name = table[i++];
      if (!(names > 0) || name === undefined || name < 0) throw damaged();
      length += name;
    }
  }
  if (i !== table.length) throw damaged();
  const all = getString(length);
  const known = tables.get(all);
  if (known !== undefined && isSame(known.words, table)) return known.shapes;
  const made = { words: table.slice(), shapes: makeShapes(table, all) };
  if (tables.size >= REMEMBERED) tables.clear();
  tables.set(all, made);
  return made.shapes;
}

function isSame(some: Int32Array, others: Int32Array): boolean {
  const { length } = some;
  if (others.length !== length) return false;
  for (let i = 0; i < length; i++) if (some[i] !== others[i]) return false;
  return true;
}

function makeShapes(table: Int32Array, all: string): string[][] {
  const made: string[][] = [];
  let from = 0;
  let i = 1;
  for (let left = table[0]!; left > 0; left--) {
    const names: string[] = [];
    for (let count = table[i++]!; count > 0; count--) names.push(all.slice(from, (from += table[i++]!)));
    made.push(names);
  }
  return made;
}

function get(): unknown {
  // Behind the parts lies the table: what is read there would be no part.
  if (at >= end) throw damaged();
  const word = words[at++]!;
  const number = word >> BITS;
  switch (word & KIND) {
    case Part.string: return getString(number);
    case Part.integer: return number;
    case Part.double: return getDouble();
    case Part.array: return getArray(number);
    case Part.object: return getObject(number);
    case Part.constant: return CONSTANTS[number];
    case Part.date: return new Date(getDouble());
    default: throw damaged();
  }
}

function getDouble(): number {
  halves[0] = words[at++]!;
  halves[1] = words[at++]!;
  return doubles[0]!;
}

function getArray(length: number): unknown[] {
  const array: unknown[] = [];
  for (let i = 0; i < length; i++) array.push(get());
  return array;
}

function getObject(shape: number): object {
  const names = shapes[shape];
  if (names === undefined) throw damaged();
  const object: Record<string, unknown> = {};
  for (let i = 0; i < names.length; i++) object[names[i]!] = get();
  return object;
}
