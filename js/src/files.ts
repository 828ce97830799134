/** Files in one line each: the first-level functions of the package. */

import { step, type Steps } from './fs/client.js';
import { fsError, FsError } from './fs/errors.js';
import type { Listing } from './fs/exports.js';
import * as ops from './fs/ops.js';
import { dirname, join, type PathLike, pathOf } from './fs/path.js';
import { getClient } from './fs/service.js';
import { readAll, writeAll } from './fs/whole.js';

/** What can be written as bytes. */
export type FileData = string | ArrayBuffer | ArrayBufferView;

function absolute(path: PathLike): string {
  const text = pathOf(path);
  if (!text.startsWith('/')) throw fsError('EINVAL', { syscall: 'open', path: text }, 'the path must begin with a slash');
  return text;
}

function bytesOf(data: FileData): Uint8Array {
  if (typeof data === 'string') return new TextEncoder().encode(data);
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(data);
}

/** Replaces the file, whose directories are made as needed. */
function* put(path: string, data: Uint8Array): Steps<void> {
  try {
    yield* writeAll(path, data, 0o666, false);
  } catch (error) {
    if (!(error instanceof FsError) || error.code !== 'ENOENT') throw error;
    yield* step(ops.mkdir(dirname(path), 0o777, true));
    yield* writeAll(path, data, 0o666, false);
  }
}

/**
 * Writes a file as a whole; directories on the way are made. Resolves when it is durable: a reader,
 * and the next start of the browser, finds the old contents or the new, never a mixture.
 */
export async function writeFile(path: string, data: FileData): Promise<void> {
  return getClient().run(put(absolute(path), bytesOf(data)));
}

/** Writes a text as UTF-8; see `writeFile`. */
export async function writeText(path: string, text: string): Promise<void> {
  return getClient().run(put(absolute(path), new TextEncoder().encode(text)));
}

/** Reads a file as a whole. */
export async function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return getClient().run(readAll(absolute(path)));
}

/** Reads a file as UTF-8 text. */
export async function readText(path: string): Promise<string> {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(await readFile(path));
}

/** Whether there is a file or directory. */
export async function exists(path: string): Promise<boolean> {
  try {
    await getClient().run(step(ops.stat(absolute(path), true)));
    return true;
  } catch (error) {
    if (error instanceof FsError && ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(error.code)) return false;
    throw error;
  }
}

/** Deletes a file; rejects with `ENOENT` where there is none. */
export async function deleteFile(path: string): Promise<void> {
  return getClient().run(step(ops.remove(absolute(path), ops.Remove.name)));
}

function* walk(prefix: string): Steps<string[]> {
  const found: string[] = [];
  // Only the directory that the prefix names can hold what begins with it.
  const queue = [prefix.slice(0, prefix.lastIndexOf('/')) || '/'];
  for (let dir = queue.pop(); dir !== undefined; dir = queue.pop()) {
    let listing: Listing;
    try {
      listing = yield* step(ops.list(dir));
    } catch (error) {
      if (error instanceof FsError && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) continue;
      throw error;
    }
    for (const [at, name] of listing.names.entries()) {
      const path = join(dir, name);
      if (listing.types[at] === 2) {
        if (path.startsWith(prefix) || prefix.startsWith(`${path}/`)) queue.push(path);
      } else if (path.startsWith(prefix)) found.push(path);
    }
  }
  return found.sort();
}

/** Paths of all files that begin with `prefix`, in order; without it of all there are. */
export async function listFiles(prefix = '/'): Promise<string[]> {
  return getClient().run(walk(absolute(prefix)));
}
