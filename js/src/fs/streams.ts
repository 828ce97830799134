/** Files as web streams: ranges to read, and writing that replaces a file only when it is complete. */

import type { Client } from './client.js';
import { bytesOf, type Data } from './data.js';
import { CHUNK } from './handle.js';
import { modeOf } from './constants.js';
import * as ops from './ops.js';
import { step } from './client.js';
import { type PathLike, pathOf } from './path.js';
import * as verbs from './verbs.js';

/** Which bytes to read: from `start` to `end`, both included. */
export interface ReadableOptions {
  readonly start?: number;
  readonly end?: number;
  readonly signal?: AbortSignal;
}

/** How to write; `w` (default) replaces, `a` appends, `r+` overwrites from `start` on. */
export interface WritableOptions {
  readonly flags?: 'w' | 'wx' | 'a' | 'r+';
  readonly start?: number;
  readonly mode?: verbs.Mode;
}

/** Opens a file as a stream of bytes, read as fast as they are taken. */
export async function createReadable(client: Client, path: PathLike, { start = 0, end = Infinity, signal }: ReadableOptions = {}): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const fd = await client.run(verbs.open(path));
  let at = start;
  const close = (): Promise<void> => client.run(verbs.close(fd));
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        signal?.throwIfAborted();
        const bytes = new Uint8Array(Math.max(0, Math.min(CHUNK, end + 1 - at)));
        const got = bytes.length === 0 ? 0 : await client.run(verbs.read(fd, bytes, 0, bytes.length, at));
        at += got;
        if (got > 0) return controller.enqueue(got === bytes.length ? bytes : bytes.subarray(0, got));
        await close();
        controller.close();
      } catch (error) {
        await close().catch(() => {});
        throw error;
      }
    },
    cancel: close,
  }, { highWaterMark: 2 });
}

/**
 * Opens a file to be written as a stream. With `w` nobody sees anything of it before the stream is
 * closed: then it replaces the file as one change, and closing resolves when that is durable. An
 * aborted stream leaves the file as it was.
 */
export async function createWritable(client: Client, path: PathLike, { flags = 'w', start, mode }: WritableOptions = {}): Promise<WritableStream<Data>> {
  const text = pathOf(path);
  const replaces = flags === 'w' || flags === 'wx';
  const fd = await client.run(replaces ? step(ops.draft(text, flags === 'wx')) : verbs.open(text, flags, mode), false);
  let at = start ?? (flags === 'a' ? -1 : 0);
  const close = (): Promise<void> => client.run(verbs.close(fd));
  return new WritableStream<Data>({
    async write(chunk) {
      const bytes = bytesOf(chunk);
      await client.run(verbs.write(fd, bytes, at < 0 ? null : at), false);
      if (at >= 0) at += bytes.length;
    },
    async close() {
      try {
        if (replaces) await client.run(step(ops.publish(fd, text, modeOf(mode, 0o666), flags === 'wx')));
        else await client.run(step(ops.sync(fd, false)));
      } finally {
        await close();
      }
    },
    abort: close,
  }, new CountQueuingStrategy({ highWaterMark: 2 }));
}
