/** Values as bytes where that is faster than structured clone: chosen by kind and measured size. */

import { encode, FULL } from '../codec.js';
import { IsolithError } from '../errors.js';

/** Beyond this many bytes structured clone by postMessage holds its own. */
const MOST = 256 * 1024;
/** A buffer or view beyond this is not even tried. */
const RAW = 64 * 1024;

let scratch = new Uint8Array(16 * 1024);

/**
 * Encodes a value into `encoded()`; its length, or -1 if it needs postMessage.
 *
 * Throws `ERR_NOT_SERIALIZABLE` for what cannot be cloned at all.
 */
export function encodeValue(value: unknown, what: string): number {
  if (typeof value === 'object' && value !== null) {
    const bytes = (value as ArrayBufferView).byteLength;
    if (bytes > RAW && (ArrayBuffer.isView(value) || value instanceof ArrayBuffer)) return -1;
  } else if (typeof value === 'string' && value.length > MOST) {
    return -1;
  }
  try {
    for (;;) {
      const end = encode(value, scratch, 0);
      if (end !== FULL) return end < 0 ? -1 : end;
      if (scratch.length >= MOST) return -1;
      scratch = new Uint8Array(scratch.length * 4);
    }
  } catch (cause) {
    throw notSerializable(what, cause);
  }
}

/** What `encodeValue` wrote; valid until its next call on this thread. */
export function encoded(): Uint8Array {
  return scratch;
}

/** The error for a value that no transport takes. */
export function notSerializable(what: string, cause: unknown): IsolithError {
  return new IsolithError('ERR_NOT_SERIALIZABLE', `${what} cannot be sent to another thread: ${String(cause)}`, { cause });
}

/** Whether a value is copied by being written down, so that a snapshot of it needs nothing. */
export function isPlain(value: unknown): boolean {
  return (typeof value !== 'object' || value === null) && typeof value !== 'function' && typeof value !== 'symbol';
}
