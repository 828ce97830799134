/** isolith/fs: files of the browser with the functions of `node:fs/promises`, and blocking ones in workers. */

import './start.js';
import { type PathLike } from './fs/path.js';
import { configure, getClient } from './fs/service.js';
import { exportTar, importTar } from './fs/tar.js';
import { makeFs } from './fs/worker-fs.js';

const whole = makeFs();

/** The promises, as `node:fs/promises` has them. */
export const promises = whole.promises;

export const {
  access, appendFile, chmod, chown, copyFile, cp, exists, lchmod, lchown, link, lstat, lutimes, mkdir, mkdtemp, mkdtempDisposable, open,
  opendir, readFile, readdir, readlink, realpath, rename, rm, rmdir, stat, statfs, symlink, truncate, unlink, utimes, watch, writeFile,
} = promises;

export const { check, constants, createReadable, createWritable, map, mount, persist, sync, unmount, usage, xattr } = whole;

const exportFiles = (path: PathLike = '/'): ReadableStream<Uint8Array<ArrayBuffer>> => exportTar(getClient(), path);
const importFiles = (stream: ReadableStream<Uint8Array>, path: PathLike = '/'): Promise<void> => importTar(getClient(), stream, path);

/** Chooses database, cache size and durability; before the first use. */
export { configure };

export { exportFiles as export, importFiles as import };

/** Everything of this module as one object, for those who expect `fs`. */
export const fs = { ...whole, configure, export: exportFiles, import: importFiles };
export default fs;

export type { FsPromises, FileHandle } from './fs/promises.js';
export type { FsCallbacks, Watcher } from './fs/callbacks.js';
export type { FsSync } from './fs/sync.js';
export type { FsOptions, MountOptions } from './fs/engine.js';
export type { FsStores, Usage } from './fs/stores.js';
export type { MappedFile } from './fs/map.js';
export type { WatchEvent, WatchOptions } from './fs/watch.js';
export type { Xattr } from './fs/xattr.js';
export { BigIntStats, Dir, Dirent, Stats } from './fs/stats.js';
export { FsError } from './fs/errors.js';
