/** String codecs that work on views of shared memory, which TextDecoder and encodeInto refuse in browsers. */
import type { Views } from './views.js';

const { fromCharCode } = String;

/** Up to this many units a loop in JavaScript beats the decoder, which costs a call out of the engine. */
const SHORT = 64;
/** Up to this many units a loop beats the encoder. */
const SHORT_ENCODE = 128;

/** One reusable argument list per length: `apply` makes a flat string of it in one go. */
const lists = Array.from({ length: SHORT + 1 }, (_, n): number[] => new Array<number>(n).fill(0));

// A decoder is made at first use: not every page needs one, let alone three.
const decoders = new Map<string, TextDecoder>();
function decoder(label: string): TextDecoder {
  let made = decoders.get(label);
  if (made === undefined) decoders.set(label, (made = new TextDecoder(label, { ignoreBOM: true })));
  return made;
}
let encoder: TextEncoder | undefined;

/** Unshared bytes to copy into: `set` is many times faster than `slice` on shared memory. */
let scratch = new Uint8Array(1024);
const SCRATCH_KEPT = 1 << 16;

/** Decodes bytes `[start, end)` by the platform's decoder, from a copy where it would refuse a view. */
function platform(label: string, { u8, shared }: Views, start: number, end: number): string {
  if (!shared) return decoder(label).decode(u8.subarray(start, end));
  const count = end - start;
  let copy = scratch;
  if (copy.length < count) {
    copy = new Uint8Array(count);
    if (count <= SCRATCH_KEPT) scratch = copy;
  }
  copy.set(u8.subarray(start, end));
  return decoder(label).decode(copy.subarray(0, count));
}

/** Finds the first 0 among elements `[start, end)` of `bytes` bytes each, or -1. */
export function findZero(views: Views, bytes: 1 | 2 | 4, start: number, end: number): number {
  if (bytes === 1) return findZeroByte(views, start, end);
  const view = bytes === 2 ? views.u16 : views.u32;
  for (let i = start; i < end; i++) if (view[i] === 0) return i;
  return -1;
}

/** A search by words: `indexOf` would take views of shared memory one byte at a time. */
function findZeroByte({ u8, i32 }: Views, start: number, end: number): number {
  let i = start;
  for (const near = Math.min(end, (start + SHORT + 3) & ~3); i < near; i++) if (u8[i] === 0) return i;
  // A word holds a zero byte exactly where this borrows into a top bit that was not set before.
  for (let word = i >>> 2, last = end >>> 2; word < last; word++, i += 4) {
    const bits = i32[word]!;
    if (((bits - 0x0101_0101) & ~bits & 0x8080_8080) !== 0) break;
  }
  for (; i < end; i++) if (u8[i] === 0) return i;
  return -1;
}

/** Decodes UTF-8 as the Encoding standard says, keeping a BOM; malformed bytes become U+FFFD. */
export function decodeUtf8(views: Views, start: number, end: number): string {
  const { u8 } = views;
  const count = end - start;
  if (count <= SHORT) {
    const list = lists[count]!;
    let all = 0;
    for (let i = 0; i < count; i++) all |= list[i] = u8[start + i]!;
    if (all < 0x80) return fromCharCode.apply(null, list);
    const text = decodeShortUtf8(list);
    if (text !== undefined) return text;
  }
  return platform('utf-8', views, start, end);
}

/** Decodes well-formed UTF-8; undefined where a byte is malformed, which the platform then replaces. */
function decodeShortUtf8(bytes: readonly number[]): string | undefined {
  const end = bytes.length;
  const units: number[] = [];
  for (let i = 0; i < end; ) {
    const first = bytes[i++]!;
    if (first < 0x80) {
      units.push(first);
      continue;
    }
    const more = first < 0xc2 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 0;
    if (more === 0 || i + more > end) return undefined;
    let point = first & (0x3f >> more);
    for (let k = 0; k < more; k++) {
      const next = bytes[i++]!;
      if ((next & 0xc0) !== 0x80) return undefined;
      point = (point << 6) | (next & 0x3f);
    }
    if (more === 1) units.push(point);
    else if (more === 2) {
      if (point < 0x800 || (point & 0xf800) === 0xd800) return undefined;
      units.push(point);
    } else {
      if (point < 0x1_0000 || point > 0x10_ffff) return undefined;
      units.push(0xd7c0 + (point >> 10), 0xdc00 | (point & 0x3ff));
    }
  }
  return fromCharCode.apply(null, units);
}

/** Decodes ASCII; bytes of 128 and above are windows-1252, which is what the web calls `ascii`. */
export function decodeAscii(views: Views, start: number, end: number): string {
  const { u8 } = views;
  const count = end - start;
  if (count <= SHORT) {
    const list = lists[count]!;
    let all = 0;
    for (let i = 0; i < count; i++) all |= list[i] = u8[start + i]!;
    if (all < 0x80) return fromCharCode.apply(null, list);
  }
  return platform('windows-1252', views, start, end);
}

/** Decodes UTF-16 as the Encoding standard says, keeping a BOM; a lone surrogate becomes U+FFFD. */
export function decodeUtf16(views: Views, start: number, end: number): string {
  const { u16 } = views;
  const count = end - start;
  if (count <= SHORT) {
    const list = lists[count]!;
    let surrogates = 0;
    for (let i = 0; i < count; i++) {
      const unit = (list[i] = u16[start + i]!);
      if ((unit & 0xf800) === 0xd800) surrogates++;
    }
    if (surrogates === 0) return fromCharCode.apply(null, list);
  }
  return platform('utf-16le', views, start * 2, end * 2);
}

/** Decodes UTF-32. A surrogate is kept. Throws a RangeError at a value above U+10FFFF. */
export function decodeUtf32({ u32 }: Views, start: number, end: number): string {
  let text = '';
  for (let from = start; from < end; from += SHORT) {
    const list = lists[Math.min(SHORT, end - from)]!;
    for (let i = 0; i < list.length; i++) {
      const point = (list[i] = u32[from + i]!);
      if (point > 0x10_ffff) throw new RangeError(`0x${point.toString(16)} at element ${from + i - start} is no code point`);
    }
    text += String.fromCodePoint.apply(null, list);
  }
  return text;
}

/** The bytes that `text` needs in UTF-8, without a terminator. */
export function utf8Length(text: string): number {
  const units = text.length;
  let bytes = units;
  for (let i = 0; i < units; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else {
      bytes += 2;
      // A pair is four bytes: two more than its two units, as one unit alone (U+FFFD) would be.
      if ((unit & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++;
    }
  }
  return bytes;
}

/** The elements that `text` needs in UTF-32, without a terminator. */
export function utf32Length(text: string): number {
  let points = text.length;
  for (let i = 0; i + 1 < text.length; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      points--;
      i++;
    }
  }
  return points;
}

/** A string with its length in UTF-8 and, where the platform had to be asked for it, its bytes. */
export interface Utf8Text {
  readonly length: number;
  readonly bytes: Uint8Array | undefined;
}

/** Measures `text` in UTF-8; a long one is encoded on the way, so that this work is not done twice. */
export function measureUtf8(text: string): Utf8Text {
  if (text.length <= SHORT_ENCODE) return { length: utf8Length(text), bytes: undefined };
  const bytes = (encoder ??= new TextEncoder()).encode(text);
  return { length: bytes.length, bytes };
}

/** Writes `text`, measured before, at `at`; a lone surrogate becomes U+FFFD. The caller has checked the room. */
export function encodeUtf8(u8: Uint8Array, at: number, text: string, measured: Utf8Text): void {
  if (measured.bytes !== undefined) {
    u8.set(measured.bytes, at);
    return;
  }
  const units = text.length;
  if (measured.length === units) {
    for (let i = 0; i < units; i++) u8[at + i] = text.charCodeAt(i);
    return;
  }
  for (let i = 0; i < units; i++) {
    let point = text.charCodeAt(i);
    if (point < 0x80) {
      u8[at++] = point;
      continue;
    }
    if (point < 0x800) u8[at++] = 0xc0 | (point >> 6);
    else {
      if ((point & 0xf800) === 0xd800) {
        const low = (point & 0xfc00) === 0xd800 ? text.charCodeAt(i + 1) : 0;
        if ((low & 0xfc00) === 0xdc00) {
          i++;
          point = 0x1_0000 + ((point & 0x3ff) << 10) + (low & 0x3ff);
        } else point = 0xfffd;
      }
      if (point < 0x1_0000) u8[at++] = 0xe0 | (point >> 12);
      else {
        u8[at++] = 0xf0 | (point >> 18);
        u8[at++] = 0x80 | ((point >> 12) & 0x3f);
      }
      u8[at++] = 0x80 | ((point >> 6) & 0x3f);
    }
    u8[at++] = 0x80 | (point & 0x3f);
  }
}

/** Writes UTF-16 units or, for text that {@link checkAscii} let through, ASCII bytes. */
export function encodeUnits(view: Uint8Array | Uint16Array, at: number, text: string): void {
  const units = text.length;
  for (let i = 0; i < units; i++) view[at + i] = text.charCodeAt(i);
}

/** Throws a RangeError that names the first character which is no ASCII. */
export function checkAscii(text: string): void {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) >= 0x80) throw new RangeError(`character ${JSON.stringify(text[i])} at ${i} is no ASCII`);
  }
}

/** Writes UTF-32; a lone surrogate is kept. */
export function encodeUtf32(u32: Uint32Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i)!;
    u32[at++] = point;
    if (point > 0xffff) i++;
  }
}
