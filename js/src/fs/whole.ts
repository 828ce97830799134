/** Whole files of any size: in one call where they fit, else piece by piece without ever being torn. */

import { step, type Steps } from './client.js';
import { FsError } from './errors.js';
import * as ops from './ops.js';

/** Reads all of a file. */
export function* readAll(path: string): Steps<Uint8Array<ArrayBuffer>> {
  try {
    return yield* step(ops.readWhole(path));
  } catch (error) {
    // A directory can be opened; it is reading it that fails.
    if (error instanceof FsError && error.code === 'EISDIR') throw error.about({ syscall: 'read' });
    if (!(error instanceof FsError) || error.code !== 'EFBIG') throw error;
  }
  const handle = yield* step(ops.open(path, ops.Open.read, 0));
  try {
    return yield* readRest(handle, 0);
  } finally {
    yield* step(ops.close(handle));
  }
}

/** Reads an open file from `from` to its end; a negative offset means from where the handle stands. */
export function* readRest(handle: number, from: number): Steps<Uint8Array<ArrayBuffer>> {
  const most = yield* step(ops.limit());
  const size = (yield* step(ops.stat(handle, true)))[4]!;
  let bytes = new Uint8Array(Math.max(0, size - Math.max(0, from)));
  let done = 0;
  for (;;) {
    if (done === bytes.length) {
      // At the end, or the file has grown meanwhile: one more read tells.
      const more = new Uint8Array(64 * 1024);
      const got = yield* step(ops.read(handle, from < 0 ? from : from + done, more));
      if (got === 0) return bytes;
      const longer = new Uint8Array(bytes.length + got);
      longer.set(bytes);
      longer.set(more.subarray(0, got), done);
      bytes = longer;
      done += got;
      continue;
    }
    const got = yield* step(ops.read(handle, from < 0 ? from : from + done, bytes.subarray(done, done + most)));
    if (got === 0) return bytes.slice(0, done);
    done += got;
  }
}

/** Replaces a file's contents as one change. */
export function* writeAll(path: string, bytes: Uint8Array, mode: number, exclusive: boolean): Steps<void> {
  try {
    return yield* step(ops.writeWhole(path, bytes, mode, exclusive));
  } catch (error) {
    if (!(error instanceof FsError) || error.code !== 'EFBIG') throw error;
  }
  const draft = yield* step(ops.draft(path, exclusive));
  try {
    yield* writeRest(draft, bytes, 0);
    yield* step(ops.publish(draft, path, mode, exclusive));
  } finally {
    yield* step(ops.close(draft));
  }
}

/** Writes all of `bytes` from `offset` on, or where the handle stands if that is negative. */
export function* writeRest(handle: number, bytes: Uint8Array, offset: number): Steps<void> {
  let at = 0;
  // Once at least: whether the file may be written is to be told of no bytes, too.
  do at += yield* step(ops.write(handle, offset < 0 ? offset : offset + at, at === 0 ? bytes : bytes.subarray(at)));
  while (at < bytes.length);
}
