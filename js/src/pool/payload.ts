/** Values as bytes where that is faster than structured clone: chosen by kind and measured size. */

import { encode, FULL, NOT_CODABLE } from '../codec.js';
import { pack } from '../codec/pack.js';
import { IsolithError, notSerializable } from '../errors.js';
import type { Job } from './job.js';
import { packLive } from './live.js';
import type { Handle } from '../sync/storage.js';

/** Beyond this many bytes structured clone by postMessage holds its own. */
const MOST = 256 * 1024;
/** A buffer or view beyond this is not even tried. */
const RAW = 64 * 1024;

/** Values that take fewer bytes when packed are quicker by the codec. */
const FEW = 512;

let scratch = new Uint8Array(16 * 1024);
let words = new Int32Array(scratch.buffer);
let busy = false;

/** Whether the last value was packed, not written by the codec. */
export let isPacked = false;

/**
 * Encodes a value into `encoded()`; its length, or -1 if it needs postMessage. `isPacked` tells how.
 *
 * Throws `ERR_NOT_SERIALIZABLE` for what cannot be cloned at all.
 */
export function encodeValue(value: unknown, what: string): number {
  isPacked = false;
  // A getter of the value that is being encoded sends another one: there is only one place for both.
  if (busy) return -1;
  if (typeof value === 'string' && value.length > MOST) return -1;
  busy = true;
  try {
    let isTree = false;
    if (typeof value === 'object' && value !== null) {
      // Inside, for it may be a getter of the user's.
      const bytes = (value as ArrayBufferView).byteLength;
      if (bytes > RAW && (ArrayBuffer.isView(value) || value instanceof ArrayBuffer)) return -1;
      isTree = bytes === undefined;
    }
    for (;;) {
      let end = isTree ? pack(value as object, words, scratch, FEW) : NOT_CODABLE;
      isPacked = end > 0;
      if (end !== FULL && !isPacked) {
        isTree = false;
        end = encode(value, scratch, 0);
      }
      if (end !== FULL) return end < 0 ? -1 : end;
      if (scratch.length >= MOST) return -1;
      scratch = new Uint8Array(scratch.length * 4);
      words = new Int32Array(scratch.buffer);
    }
  } catch (cause) {
    // Nested too deeply for scripts, or what a getter threw: structured clone decides.
    if (cause instanceof RangeError) return -1;
    throw notSerializable(what, cause);
  } finally {
    busy = false;
  }
}

/** What `encodeValue` wrote; valid until its next call on this thread. */
export function encoded(): Uint8Array {
  return scratch;
}

/** What a task is refused with whose data could not be written. */
export function unsent(error: unknown): IsolithError {
  return error instanceof IsolithError ? error : notSerializable("the task's data", error);
}

/** Whether a value is copied by being written down, so that a snapshot of it needs nothing. */
export function isPlain(value: unknown): boolean {
  return (typeof value !== 'object' || value === null) && typeof value !== 'function' && typeof value !== 'symbol';
}

/** Task data copied as it was when its task was submitted. */
export interface Copy {
  readonly data: unknown;
  readonly transfer: Transferable[] | undefined;
  readonly handles: readonly Handle[] | undefined;
}

/** Copies data for later, and takes from its owner what moves. Throws `ERR_NOT_SERIALIZABLE`. */
export function hold(data: unknown, transfer: Transferable[] | undefined): Copy {
  if (isPlain(data) && !transfer) return { data, transfer, handles: undefined };
  try {
    const { data: packed, handles } = packLive(data);
    const copy = structuredClone({ data: packed, transfer }, { transfer: transfer ?? [] });
    return { ...copy, handles };
  } catch (cause) {
    throw notSerializable("the task's data", cause);
  }
}

/** Copies a job's data as postMessage would, because the message comes later. */
export function snapshot(job: Job): void {
  const { data, transfer } = job;
  if (!transfer) {
    job.data = structuredClone(data);
    return;
  }
  const copy = structuredClone({ data, transfer }, { transfer });
  job.data = copy.data;
  job.transfer = copy.transfer;
}
