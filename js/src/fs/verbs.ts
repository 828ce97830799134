/** The functions of `node:fs/promises` as steps, for promises and for blocking calls alike. */

import { step, type Steps } from './client.js';
import { constants, modeOf, openFlags, type OpenMode } from './constants.js';
import { bytesOf, type Data, decoded, type Encoding, named, optionsOf } from './data.js';
import { badArgument, flagged, FsError, fsError, integer, outOfRange, switches, systemError } from './errors.js';
import * as ops from './ops.js';
import { join, type PathLike, pathOf } from './path.js';
import { BigIntStats, bigStatFs, Dir, Dirent, type StatFs, statFs, Stats } from './stats.js';
import { readAll, readRest, writeAll, writeRest } from './whole.js';

/** A mode as a number or in octal digits. */
export type Mode = number | string;

/** A point in time as Node.js takes it: a Date, seconds since 1970, or digits of those. */
export type Time = Date | number | string;

/** A path, or the number of an open file. */
export type PathOrFd = PathLike | number | { readonly fd: number };

type Encoded = { readonly encoding?: Encoding | null | undefined } | Encoding | null;

/** Options of `readFile`. */
export type ReadOptions =
  | Encoding
  | null
  | { readonly encoding?: Encoding | null | undefined; readonly flag?: OpenMode | undefined; readonly signal?: AbortSignal | undefined };

/** Options of `writeFile`; with `flush` false nobody waits until it is durable. */
export type WriteOptions =
  | Encoding
  | null
  | {
      readonly encoding?: Encoding | null | undefined;
      readonly mode?: Mode | undefined;
      readonly flag?: OpenMode | undefined;
      readonly signal?: AbortSignal | undefined;
      readonly flush?: boolean | undefined;
    };

/** The number of an open file; throws the error of Node.js for what is none. */
export function fdOf(fd: number): number {
  return integer('fd', fd, 0, 0x7fff_ffff);
}

function target(path: PathOrFd): ops.Target {
  if (typeof path === 'number') return fdOf(path);
  return typeof path === 'object' && path !== null && 'fd' in path ? path.fd : pathOf(path);
}

/** Milliseconds since 1970. As in Node.js, a number of seconds before that means now. */
function millis(time: Time, name = 'time'): number {
  if (time instanceof Date) return time.getTime();
  const seconds = typeof time === 'string' ? Number(time) : time;
  if (!Number.isFinite(seconds)) throw badArgument(name, time, 'an instance of Date or an Time in seconds');
  return seconds < 0 && typeof time === 'number' ? Date.now() : seconds * 1000;
}

/** Whether it is an error of a file call with one of these codes. */
export function isError(error: unknown, ...codes: string[]): error is FsError {
  return error instanceof FsError && codes.includes(error.code);
}

/** Opens a file; its number. */
export function* open(path: PathLike, flags?: OpenMode | null, mode?: Mode | null): Steps<number> {
  return yield* step(ops.open(pathOf(path), openFlags(flags), modeOf(mode, 0o666)));
}

export function* close(fd: number): Steps<void> {
  yield* step(ops.close(fdOf(fd)));
}

export function* readFile(path: PathOrFd, options?: ReadOptions): Steps<string | Uint8Array<ArrayBuffer>> {
  const { flag = 'r', signal, encoding } = optionsOf(options);
  signal?.throwIfAborted();
  const from = target(path);
  return decoded(yield* typeof from === 'number' ? readRest(from, -1) : flag === 'r' ? readAll(from) : readOpened(from, flag), encoding);
}

function* readOpened(path: string, flag: OpenMode): Steps<Uint8Array<ArrayBuffer>> {
  const fd = yield* open(path, flag);
  try {
    return yield* readRest(fd, -1);
  } finally {
    yield* close(fd);
  }
}

export function* writeFile(path: PathOrFd, data: Data, options?: WriteOptions): Steps<void> {
  const { flag = 'w', mode, signal, encoding } = optionsOf(options);
  signal?.throwIfAborted();
  const bytes = bytesOf(data, encoding);
  const to = target(path);
  if (typeof to === 'number') return yield* writeRest(to, bytes, -1);
  if (flag === 'w' || flag === 'wx' || flag === 'w+' || flag === 'wx+') {
    return yield* writeAll(to, bytes, modeOf(mode, 0o666), flag.includes('x'));
  }
  const fd = yield* open(to, flag, mode);
  try {
    yield* writeRest(fd, bytes, -1);
  } finally {
    yield* close(fd);
  }
}

export function* appendFile(path: PathOrFd, data: Data, options?: WriteOptions): Steps<void> {
  yield* writeFile(path, data, { flag: 'a', ...optionsOf(options) });
}

/** Options of `mkdir`. */
export interface MkdirOptions {
  readonly recursive?: boolean | undefined;
  readonly mode?: Mode | undefined;
}

export function* mkdir(path: PathLike, options?: Mode | null | MkdirOptions): Steps<string | undefined> {
  const { recursive = false, mode }: MkdirOptions = typeof options === 'number' || typeof options === 'string' ? { mode: options } : flagged(options ?? {}, 'recursive');
  const made = yield* step(ops.mkdir(pathOf(path), modeOf(mode as Mode | null, 0o777), recursive));
  return recursive ? made : undefined;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export function* mkdtemp(prefix: PathLike, options?: Encoded): Steps<string | Uint8Array> {
  const { encoding } = optionsOf(options);
  const start = pathOf(prefix, 'prefix');
  for (;;) {
    const random = crypto.getRandomValues(new Uint8Array(6));
    const path = start + Array.from(random, (byte) => LETTERS[byte % LETTERS.length]).join('');
    try {
      yield* mkdir(path, 0o700);
      return named(path, encoding);
    } catch (error) {
      if (!isError(error, 'EEXIST')) throw error instanceof FsError ? error.about({ syscall: 'mkdtemp', path: `${start}XXXXXX` }) : error;
    }
  }
}

/** Options of `readdir`. */
export type ReaddirOptions = Encoding | null | { readonly encoding?: Encoding | null | undefined; readonly withFileTypes?: boolean | undefined; readonly recursive?: boolean | undefined };

export function* readdir(path: PathLike, options?: ReaddirOptions): Steps<(string | Dirent | Uint8Array)[]> {
  return yield* entriesOf(pathOf(path), options, 'scandir');
}

function* entriesOf(root: string, options: ReaddirOptions | undefined, syscall: string): Steps<(string | Dirent | Uint8Array)[]> {
  const { withFileTypes = false, recursive = false, encoding } = optionsOf(options);
  if (!withFileTypes && !recursive && !encoding) return (yield* step(ops.list(root, syscall))).names.slice();
  const found: (string | Dirent | Uint8Array)[] = [];
  const queue: [dir: string, below: string][] = [[root, '']];
  for (let next = queue.shift(); next; next = queue.shift()) {
    const [dir, below] = next;
    const { names, types } = yield* step(ops.list(dir, syscall));
    for (const [at, name] of names.entries()) {
      const type = types[at]!;
      const relative = below === '' ? name : `${below}/${name}`;
      found.push(withFileTypes ? new Dirent(named(name, encoding) as string, dir, type) : named(relative, encoding));
      if (recursive && type === 2) queue.push([join(dir, name), relative]);
    }
  }
  return found;
}

/** Options of `opendir`. */
export type OpendirOptions = { readonly recursive?: boolean | undefined; readonly encoding?: Encoding | null | undefined; readonly bufferSize?: number | undefined };

export function* opendir(path: PathLike, options?: OpendirOptions): Steps<Dir> {
  const { recursive = false, encoding = null } = optionsOf(options);
  return new Dir(pathOf(path), (yield* entriesOf(pathOf(path), { recursive, encoding, withFileTypes: true }, 'opendir')) as Dirent[]);
}

/** Options of `stat`. */
export interface StatOptions {
  readonly bigint?: boolean | undefined;
  readonly throwIfNoEntry?: boolean | undefined;
}

function stats(raw: ops.RawStat, options: StatOptions | undefined): Stats | BigIntStats {
  return options?.bigint ? new BigIntStats(raw) : new Stats(raw);
}

function* statOf(path: ops.Target, follow: boolean, options: StatOptions | undefined): Steps<Stats | BigIntStats | undefined> {
  try {
    return stats(yield* step(ops.stat(path, follow)), options);
  } catch (error) {
    if (options?.throwIfNoEntry === false && isError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

export function* stat(path: PathLike, options?: StatOptions): Steps<Stats | BigIntStats | undefined> {
  return yield* statOf(pathOf(path), true, options);
}

export function* lstat(path: PathLike, options?: StatOptions): Steps<Stats | BigIntStats | undefined> {
  return yield* statOf(pathOf(path), false, options);
}

export function* fstat(fd: number, options?: StatOptions): Steps<Stats | BigIntStats | undefined> {
  return yield* statOf(fdOf(fd), true, options);
}

export function* unlink(path: PathLike): Steps<void> {
  yield* step(ops.remove(pathOf(path), ops.Remove.name));
}

/** Options of `rm` and `rmdir`; retries are accepted and not needed. */
export interface RmOptions {
  readonly recursive?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly maxRetries?: number | undefined;
  readonly retryDelay?: number | undefined;
}

export function* rmdir(path: PathLike, options?: RmOptions): Steps<void> {
  yield* step(ops.remove(pathOf(path), switches(options, 'recursive').recursive ? ops.Remove.all : ops.Remove.dir));
}

export function* rm(path: PathLike, options?: RmOptions): Steps<void> {
  const { recursive = false, force = false } = switches(options, 'recursive', 'force');
  const text = pathOf(path);
  try {
    const mode = (yield* step({ ...ops.stat(text, false), syscall: 'rm' }))[2]!;
    if (!recursive && (mode & constants.S_IFMT) === constants.S_IFDIR) {
      throw systemError('ERR_FS_EISDIR', 21, 'Path is a directory', 'rm', text, 'EISDIR (is a directory)');
    }
    yield* step(ops.remove(text, ops.Remove.all));
  } catch (error) {
    if (!(force && isError(error, 'ENOENT'))) throw error;
  }
}

export function* rename(from: PathLike, to: PathLike): Steps<void> {
  yield* step(ops.rename(pathOf(from, 'oldPath'), pathOf(to, 'newPath')));
}

export function* link(from: PathLike, to: PathLike): Steps<void> {
  yield* step(ops.link(pathOf(from, 'existingPath'), pathOf(to, 'newPath')));
}

export function* symlink(to: PathLike, path: PathLike, _type?: string | null): Steps<void> {
  yield* step(ops.symlink(pathOf(to, 'target'), pathOf(path)));
}

export function* readlink(path: PathLike, options?: Encoded): Steps<string | Uint8Array> {
  const { encoding } = optionsOf(options);
  return named(yield* step(ops.readlink(pathOf(path, 'oldPath'))), encoding);
}

export function* realpath(path: PathLike, options?: Encoded): Steps<string | Uint8Array> {
  const { encoding } = optionsOf(options);
  return named(yield* step(ops.realpath(pathOf(path))), encoding);
}

export function* chmod(path: PathLike, mode: Mode): Steps<void> {
  yield* step(ops.chmod(pathOf(path), modeOf(mode)));
}

export function* lchmod(path: PathLike, mode: Mode): Steps<void> {
  yield* step(ops.chmod(pathOf(path), modeOf(mode), false));
}

export function* fchmod(fd: number, mode: Mode): Steps<void> {
  yield* step(ops.chmod(fdOf(fd), modeOf(mode)));
}

function idOf(id: number, name: string): number {
  return integer(name, id, -1, 0xffff_ffff);
}

/** Owners are kept and reported; nothing is refused for them. */
export function* chown(path: PathLike, uid: number, gid: number): Steps<void> {
  yield* step(ops.chown(pathOf(path), idOf(uid, 'uid'), idOf(gid, 'gid')));
}

export function* lchown(path: PathLike, uid: number, gid: number): Steps<void> {
  yield* step(ops.chown(pathOf(path), idOf(uid, 'uid'), idOf(gid, 'gid'), false));
}

export function* fchown(fd: number, uid: number, gid: number): Steps<void> {
  yield* step(ops.chown(fdOf(fd), idOf(uid, 'uid'), idOf(gid, 'gid')));
}

export function* utimes(path: PathLike, atime: Time, mtime: Time): Steps<void> {
  yield* step(ops.times(pathOf(path), millis(atime), millis(mtime)));
}

export function* lutimes(path: PathLike, atime: Time, mtime: Time): Steps<void> {
  yield* step(ops.times(pathOf(path), millis(atime), millis(mtime), false));
}

export function* futimes(fd: number, atime: Time, mtime: Time): Steps<void> {
  yield* step(ops.times(fdOf(fd), millis(atime, 'atime'), millis(mtime, 'mtime')));
}

function sizeOf(length: number | null | undefined): number {
  return Math.max(0, integer('len', length === undefined ? 0 : length, -Infinity, Infinity));
}

export function* truncate(path: PathLike, length?: number | null): Steps<void> {
  yield* step(ops.truncate(pathOf(path), sizeOf(length)));
}

export function* ftruncate(fd: number, length?: number | null): Steps<void> {
  yield* step(ops.truncate(fdOf(fd), sizeOf(length)));
}

export function* access(path: PathLike, mode: number = constants.F_OK): Steps<void> {
  yield* step(ops.access(pathOf(path), integer('mode', mode ?? 0, 0, 7)));
}

/** Whether there is something at the path; no error says no. */
export function* exists(path: PathLike): Steps<boolean> {
  try {
    yield* step(ops.access(pathOf(path), 0));
    return true;
  } catch {
    return false;
  }
}

export function* statfs(path: PathLike, options?: StatOptions): Steps<StatFs | StatFs<bigint>> {
  const stat = statFs(yield* step(ops.statfs(pathOf(path))));
  return options?.bigint ? bigStatFs(stat) : stat;
}

/** Completes when what was changed in the open file, and all else in its store, is durable. */
export function* fsync(fd: number): Steps<void> {
  yield* step(ops.sync(fdOf(fd), true));
}

export function* fdatasync(fd: number): Steps<void> {
  yield* fsync(fd);
}

/** Where in `bytes` something begins and how much it is, checked as Node.js checks it where one reads, or `writes`. */
export function range(bytes: Uint8Array, offset: number | null | undefined, length: number | null | undefined, writes = false): Uint8Array {
  const size = bytes.length;
  const from = integer('offset', offset ?? 0, 0, Number.MAX_SAFE_INTEGER);
  if (writes && from > size) throw outOfRange('offset', from, `<= ${size}`);
  const count = integer('length', length ?? size - from, 0, Infinity);
  if (from + count > size) throw outOfRange('length', count, `<= ${size - from}`);
  return bytes.subarray(from, from + count);
}

/** The buffers; throws the error of Node.js for what is no list of such. */
function buffersOf(buffers: readonly ArrayBufferView[]): readonly ArrayBufferView[] {
  if (Array.isArray(buffers) && buffers.every((one) => ArrayBuffer.isView(one))) return buffers;
  throw badArgument('buffers', buffers, 'an ArrayBufferView[]');
}

/** A position as a number; -1 means where the file stands. */
function positionOf(position: number | bigint | null | undefined): number {
  if (position === null || position === undefined) return -1;
  if (typeof position !== 'number' && typeof position !== 'bigint') throw badArgument('position', position, 'of type number or bigint');
  return position < 0 ? -1 : Number(position);
}

/** Reads into `bytes`; `position` null means where the file stands. */
export function* read(fd: number, bytes: ArrayBufferView, offset?: number | null, length?: number | null, position?: number | bigint | null): Steps<number> {
  if (!ArrayBuffer.isView(bytes)) throw badArgument('buffer', bytes, 'an instance of Buffer, TypedArray, or DataView');
  return yield* step(ops.read(fdOf(fd), positionOf(position), range(bytesOf(bytes), offset, length)));
}

/** Reads into one after the other, until they are full or the file ends. */
export function* readv(fd: number, buffers: readonly ArrayBufferView[], position?: number | null): Steps<number> {
  let done = 0;
  if (buffersOf(buffers).length === 0) throw fsError('EINVAL', { syscall: 'read' });
  for (const buffer of buffers) {
    const got = yield* read(fd, buffer, 0, buffer.byteLength, typeof position === 'number' ? position + done : null);
    done += got;
    if (got < buffer.byteLength) break;
  }
  return done;
}

/** Writes all of `bytes`; `position` null means where the file stands. */
export function* write(fd: number, bytes: Uint8Array, position?: number | bigint | null): Steps<number> {
  yield* writeRest(fdOf(fd), bytes, positionOf(position));
  return bytes.length;
}

/** Writes one after the other. */
export function* writev(fd: number, buffers: readonly ArrayBufferView[], position?: number | null): Steps<number> {
  let done = 0;
  for (const buffer of buffersOf(buffers)) {
    done += yield* write(fd, bytesOf(buffer, null, 'buffer'), typeof position === 'number' ? position + done : null);
  }
  return done;
}
