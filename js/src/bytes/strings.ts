/** Null-terminated strings of a heap, in ASCII, UTF-8, UTF-16 and UTF-32, on shared and unshared memory alike. */
import type { Views } from './views.js';
import { checkCount, tooLong, unaligned, unterminated } from './errors.js';
import { ExtendedAccess } from './extended.js';
import {
  checkAscii, decodeAscii, decodeUtf16, decodeUtf32, decodeUtf8, encodeUnits, encodeUtf32, encodeUtf8,
  findZero, measureUtf8, utf32Length,
} from './text.js';

/** The bytes of one encoded element. */
export type ElementBytes = 1 | 2 | 4;

/** How a text is encoded. */
export type TextEncoding = 'ascii' | 'utf8' | 'utf16' | 'utf32';

/** The bytes of one element of each encoding. */
export const ENCODED_BYTES: Readonly<Record<TextEncoding, ElementBytes>> = { ascii: 1, utf8: 1, utf16: 2, utf32: 4 };

/**
 * Reads and writes null-terminated strings.
 *
 * Text follows the Encoding standard: a BOM is kept; UTF-8 and UTF-16 that are malformed read as
 * U+FFFD, and a lone surrogate is written to UTF-8 as U+FFFD. UTF-16 addresses must be even and
 * UTF-32 addresses multiples of 4. A string that does not fit throws a RangeError before a byte of
 * it is written. Another thread that writes the same bytes meanwhile may tear the text.
 */
export class TextAccess extends ExtendedAccess {
  /** Reads ASCII up to its terminator; bytes of 128 and above are read as windows-1252. */
  readNullTerminatedAsciiString(address: number, maxElementCount?: number): string {
    const end = this.terminator(address, 1, maxElementCount);
    return decodeAscii(this.current, address, end);
  }
  /** Writes ASCII and a terminator into at most `elementCapacity` bytes; answers the bytes without it. */
  writeNullTerminatedAsciiString(address: number, value: string, elementCapacity?: number): number {
    checkAscii(value);
    const { u8 } = this.room(address, 1, value.length, elementCapacity);
    encodeUnits(u8, address, value);
    u8[address + value.length] = 0;
    return value.length;
  }

  /** Reads UTF-8 up to its terminator. */
  readNullTerminatedUtf8String(address: number, maxElementCount?: number): string {
    const end = this.terminator(address, 1, maxElementCount);
    return decodeUtf8(this.current, address, end);
  }
  /** Writes UTF-8 and a terminator into at most `byteCapacity` bytes; answers the bytes without it. */
  writeNullTerminatedUtf8String(address: number, value: string, byteCapacity?: number): number {
    const measured = measureUtf8(value);
    const { u8 } = this.room(address, 1, measured.length, byteCapacity);
    encodeUtf8(u8, address, value, measured);
    u8[address + measured.length] = 0;
    return measured.length;
  }

  /** Reads UTF-16 up to its terminator. */
  readNullTerminatedUtf16String(address: number, maxElementCount?: number): string {
    const end = this.terminator(address, 2, maxElementCount);
    return decodeUtf16(this.current, address / 2, end);
  }
  /** Writes UTF-16 and a terminator into at most `elementCapacity` units; answers the units without it. */
  writeNullTerminatedUtf16String(address: number, value: string, elementCapacity?: number): number {
    const { u16 } = this.room(address, 2, value.length, elementCapacity);
    encodeUnits(u16, address / 2, value);
    u16[address / 2 + value.length] = 0;
    return value.length;
  }

  /** Reads UTF-32 up to its terminator. Throws a RangeError at a value above U+10FFFF. */
  readNullTerminatedUtf32String(address: number, maxElementCount?: number): string {
    const end = this.terminator(address, 4, maxElementCount);
    return decodeUtf32(this.current, address / 4, end);
  }
  /** Writes UTF-32 and a terminator into at most `elementCapacity` elements; answers the elements without it. */
  writeNullTerminatedUtf32String(address: number, value: string, elementCapacity?: number): number {
    const points = utf32Length(value);
    const { u32 } = this.room(address, 4, points, elementCapacity);
    encodeUtf32(u32, address / 4, value);
    u32[address / 4 + points] = 0;
    return points;
  }

  /** Reads a text of `count` elements, which ends at a 0 if there is one. @internal */
  readText(address: number, encoding: TextEncoding, count: number): string {
    const bytes = ENCODED_BYTES[encoding];
    const views = this.near(address, bytes, count * bytes);
    const start = address / bytes;
    const zero = findZero(views, bytes, start, start + count);
    const end = zero < 0 ? start + count : zero;
    if (encoding === 'utf8') return decodeUtf8(views, start, end);
    if (encoding === 'ascii') return decodeAscii(views, start, end);
    return encoding === 'utf16' ? decodeUtf16(views, start, end) : decodeUtf32(views, start, end);
  }
  /** Writes a text into exactly `count` elements: what it does not fill becomes 0. @internal */
  writeText(address: number, encoding: TextEncoding, count: number, value: string): void {
    const bytes = ENCODED_BYTES[encoding];
    const views = this.near(address, bytes, count * bytes);
    const start = address / bytes;
    if (encoding === 'ascii') checkAscii(value);
    const measured = encoding === 'utf8' ? measureUtf8(value) : undefined;
    const needed = measured?.length ?? (encoding === 'utf32' ? utf32Length(value) : value.length);
    if (needed > count) throw new RangeError(`the text needs ${needed} elements, but the field has ${count}`);
    if (measured !== undefined) encodeUtf8(views.u8, start, value, measured);
    else if (encoding === 'ascii') encodeUnits(views.u8, start, value);
    else if (encoding === 'utf16') encodeUnits(views.u16, start, value);
    else encodeUtf32(views.u32, start, value);
    views.u8.fill(0, address + needed * bytes, address + count * bytes);
  }

  /** Counts the elements before the terminator. Throws a RangeError where there is none in reach. */
  getElementCountOfNullTerminatedString(address: number, bytesPerElement: ElementBytes, maxElementCount?: number): number {
    return this.terminator(address, bytesPerElement, maxElementCount) - address / bytesPerElement;
  }

  /** The index of the terminator in the current view of that element size. */
  private terminator(address: number, bytes: ElementBytes, limit = Infinity): number {
    if (limit !== Infinity) checkCount(limit, 'the maximum element count');
    let views = this.near(address, bytes);
    const start = address / bytes;
    for (;;) {
      const view = bytes === 1 ? views.u8 : bytes === 2 ? views.u16 : views.u32;
      const end = Math.min(view.length, start + limit);
      const found = findZero(views, bytes, start, end);
      if (found >= 0) return found;
      // A shared memory may have grown under these views; the terminator may lie beyond their end.
      const grown = end === view.length ? this.poll() : views;
      if (grown === views) throw unterminated(address, end - start);
      views = grown;
    }
  }

  /** Views that hold `elements` elements and a terminator at `address`, within `capacity` elements. */
  private room(address: number, bytes: ElementBytes, elements: number, capacity?: number): Views {
    if (capacity !== undefined) {
      checkCount(capacity, 'the element capacity', 1);
      if (elements + 1 > capacity) throw tooLong(elements + 1, capacity, address);
    }
    return this.near(address, bytes, (elements + 1) * bytes);
  }

  /** The current views, once they are known to hold `length` bytes at an address of that alignment. */
  private near(address: number, bytes: ElementBytes, length: number = bytes): Views {
    if (!(address >>> 0 === address && address + length <= this.u8.length)) this.reach(address, length);
    if (address % bytes !== 0) throw unaligned(address, bytes, `an element of ${bytes} bytes`);
    return this.current;
  }
}
