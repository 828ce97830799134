/** isolith/fs: files of the browser with the functions of `node:fs/promises`, and blocking ones in workers. */

import './start.js';
import { step } from './fs/client.js';
import type { MountOptions } from './fs/engine.js';
import { estimate } from './fs/idb.js';
import { map as mapFile, type MappedFile } from './fs/map.js';
import * as ops from './fs/ops.js';
import { type PathLike, pathOf } from './fs/path.js';
import { makePromises } from './fs/promises.js';
import { configure as configureFs, getClient } from './fs/service.js';
import { makeSync } from './fs/sync.js';
import { createReadable as readable, createWritable as writable, type ReadableOptions, type WritableOptions } from './fs/streams.js';
import type { Data } from './fs/data.js';
import { exportTar, importTar } from './fs/tar.js';
import { constants } from './fs/constants.js';

/** The promises, as `node:fs/promises` has them. */
export const promises = makePromises(getClient);

/** The blocking functions, for threads that may block. */
export const sync_ = makeSync(getClient);

export const {
  access, appendFile, chmod, chown, copyFile, cp, exists, lchmod, lchown, link, lstat, lutimes, mkdir, mkdtemp, open, opendir, readFile,
  readdir, readlink, realpath, rename, rm, rmdir, stat, statfs, symlink, truncate, unlink, utimes, watch, writeFile,
} = promises;

/** Opens a file as a stream of bytes. */
export const createReadable = (path: PathLike, options?: ReadableOptions): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> =>
  readable(getClient(), path, options);

/** Opens a file to be written as a stream; it is replaced as one change when the stream is closed. */
export const createWritable = (path: PathLike, options?: WritableOptions): Promise<WritableStream<Data>> => writable(getClient(), path, options);

/** A file's bytes as memory that every thread can use, without a copy. */
export const map = (path: PathLike, options?: { readonly writable?: boolean }): Promise<MappedFile> => mapFile(getClient(), path, options);

/** Mounts a store over a directory, which must exist and be empty of what matters: it is covered. */
export async function mount(dir: PathLike, options: MountOptions = {}): Promise<void> {
  const path = pathOf(dir).replace(/(.)\/+$/, '$1');
  // The store thread has another base for relative addresses.
  const absolute = (url: string): string => new URL(url, globalThis.location?.href).href;
  const made = options.store !== 'http' ? options
    : { ...options, url: absolute(options.url), ...(typeof options.index === 'string' ? { index: absolute(options.index) } : {}) };
  await getClient().bell.control({ name: 'mount', path, options: made });
}

/** Takes a store away; what it kept durably is there again when it is mounted again. */
export async function unmount(dir: PathLike): Promise<void> {
  await getClient().bell.control({ name: 'unmount', path: pathOf(dir).replace(/(.)\/+$/, '$1') });
}

/** Resolves when all changes made so far are durable. */
export async function sync(): Promise<void> {
  const client = getClient();
  await client.start();
  if (!client.bell.blocks) await client.bell.control({ name: 'flush' });
  else await client.run(step(ops.clean(0)));
}

/** How much room files take. */
export interface Usage {
  /** Bytes that this origin uses of its quota, and may still use; 0 where the browser does not tell. */
  readonly used: number;
  readonly available: number;
  /** Files, directories and links. */
  readonly files: number;
  /** Bytes of file contents in memory. */
  readonly cached: number;
}

/** How much room files take, on disk and in memory. */
export async function usage(): Promise<Usage> {
  const client = getClient();
  const files = (await client.run(step(ops.statfs('/'))))[3]!;
  const space = (await estimate()) ?? { used: 0, available: 0 };
  const cached = await client.run(step(ops.cached()));
  return { ...space, files, cached };
}

/** Asks the browser never to clear these files by itself; whether it agreed. It may ask the user. */
export async function persist(): Promise<boolean> {
  return typeof navigator !== 'undefined' && navigator.storage?.persist ? navigator.storage.persist() : false;
}

/** Looks at the whole tree and says in words what is not as it must be; nothing if all is sound. */
export const check = (): Promise<string[]> => getClient().run(step(ops.check()));

/** Chooses database, cache size and durability; before the first use. */
export const configure = configureFs;

const exportFiles = (path: PathLike = '/'): ReadableStream<Uint8Array<ArrayBuffer>> => exportTar(getClient(), path);
const importFiles = (stream: ReadableStream<Uint8Array>, path: PathLike = '/'): Promise<void> => importTar(getClient(), stream, path);

export { exportFiles as export, importFiles as import, constants };

/** Everything of this module as one object, for those who expect `fs`. */
export const fs = {
  ...promises,
  promises,
  ...sync_,
  sync: Object.assign(sync, sync_),
  createReadable, createWritable, map, mount, unmount, usage, persist, check, configure, constants,
  export: exportFiles,
  import: importFiles,
};
export default fs;

export type { FsPromises, FileHandle } from './fs/promises.js';
export type { FsSync } from './fs/sync.js';
export type { FsOptions, MountOptions } from './fs/engine.js';
export type { MappedFile } from './fs/map.js';
export type { WatchEvent, WatchOptions } from './fs/watch.js';
export { BigIntStats, Dir, Dirent, Stats } from './fs/stats.js';
export { FsError } from './fs/errors.js';
