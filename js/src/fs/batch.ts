/** A batch as the kernel hands it out: taken by whoever commits, copied or seen in place, and ended. */

import type { Door } from './exports.js';
import { lastError } from '../kernel.js';
import { CommitError, type Write } from './idb.js';

/** What must be written in one transaction. */
export interface Batch {
  readonly epoch: number;
  /** Whether it must be on the disk itself when it has ended. */
  readonly hard: boolean;
  readonly writes: readonly Write[];
}

/** How a batch is taken. */
export interface Taking {
  /** Only one that is asked for and small. */
  readonly little?: boolean;
  /** Values stay in the kernel's memory; they are valid until `release`. */
  readonly views?: boolean;
}

/** Takes what has changed in a store; nothing if a batch is in flight or nothing has. */
export function takeBatch(door: Door, store: number, { little = false, views = false }: Taking): Batch | undefined {
  if (door.exports.isolith_fs_batch(store, Number(little)) !== 0) throw lastError(door.kernel);
  const epoch = door.number(0);
  if (epoch === 0) return undefined;
  const hard = door.number(1) !== 0;
  const writes = parse(door, views);
  if (!views) release(door, store);
  return { epoch, hard, writes };
}

/** Gives the memory of a batch's values back. */
export function release(door: Door, store: number): void {
  door.exports.isolith_fs_batch_copied(store);
}

/** Tells the kernel how a batch ended; answers the error's number. */
export function endBatch(door: Door, store: number, epoch: number, error?: unknown): number {
  const { errno, message } = error === undefined ? { errno: 0, message: '' }
    : error instanceof CommitError ? error : { errno: 5, message: String(error) };
  door.exports.isolith_fs_batch_done(store, epoch, errno, door.text(message));
  return errno;
}

function parse(door: Door, views: boolean): Write[] {
  const bytes = door.output();
  const view = new DataView(bytes.buffer);
  const writes: Write[] = [];
  for (let at = 0; at < bytes.length; ) {
    const kind = view.getUint32(at, true);
    const keyLength = view.getUint32(at + 4, true);
    const second = view.getUint32(at + 8, true);
    const address = view.getUint32(at + 12, true);
    at += 16;
    const key = bytes.slice(at, at + keyLength);
    at += keyLength;
    if (kind === 0) {
      const value = door.u8.subarray(address, address + second);
      // IndexedDB takes no views of shared memory, and clones the whole buffer of others.
      writes.push({ key, value: (views ? value : value.slice()) as Uint8Array<ArrayBuffer> });
    } else {
      writes.push({ first: key, last: bytes.slice(at, at + second) });
      at += second;
    }
  }
  return writes;
}
