/** The functions of `node:fs/promises` as steps, for promises and for blocking calls alike. */

import { step, type Steps } from './client.js';
import { constants, modeOf, openFlags, type OpenMode } from './constants.js';
import { bytesOf, type Data, decoded, type Encoding } from './data.js';
import { badArgument, fsError, FsError, outOfRange } from './errors.js';
import * as ops from './ops.js';
import { basename, dirname, join, type PathLike, pathOf } from './path.js';
import { BigIntStats, Dir, Dirent, type StatFs, statFs, Stats } from './stats.js';
import { readAll, readRest, writeAll, writeRest } from './whole.js';

/** A mode as a number or in octal digits. */
export type Mode = number | string;

/** A point in time as Node.js takes it: a Date, seconds since 1970, or digits of those. */
export type Time = Date | number | string;

/** A path, or the number of an open file. */
export type PathOrFd = PathLike | number | { readonly fd: number };

type Encoded = { readonly encoding?: Encoding | null | undefined } | Encoding | null;

/** Options of `readFile`. */
export type ReadOptions = Encoding | null | { readonly encoding?: Encoding | null; readonly flag?: OpenMode; readonly signal?: AbortSignal };

/** Options of `writeFile`; with `flush` false nobody waits until it is durable. */
export type WriteOptions =
  | Encoding
  | null
  | { readonly encoding?: Encoding | null; readonly mode?: Mode; readonly flag?: OpenMode; readonly signal?: AbortSignal; readonly flush?: boolean };

function encodingOf(options: Encoded | undefined): Encoding | null | undefined {
  return typeof options === 'string' ? options : options?.encoding;
}

function target(path: PathOrFd): ops.Target {
  if (typeof path === 'number') return path;
  return typeof path === 'object' && 'fd' in path ? path.fd : pathOf(path);
}

function millis(time: Time, name: string): number {
  const at = time instanceof Date ? time.getTime() : Number(time) * 1000;
  if (!Number.isFinite(at)) throw badArgument(name, time, 'a Date or a number of seconds');
  return at;
}

function isError(error: unknown, ...codes: string[]): error is FsError {
  return error instanceof FsError && codes.includes(error.code);
}

/** Opens a file; its number. */
export function* open(path: PathLike, flags?: OpenMode | null, mode?: Mode | null): Steps<number> {
  return yield* step(ops.open(pathOf(path), openFlags(flags), modeOf(mode, 0o666)));
}

export function* close(fd: number): Steps<void> {
  yield* step(ops.close(fd));
}

export function* readFile(path: PathOrFd, options?: ReadOptions): Steps<string | Uint8Array<ArrayBuffer>> {
  if (typeof options === 'object') options?.signal?.throwIfAborted();
  const from = target(path);
  const bytes = yield* typeof from === 'number' ? readRest(from, -1) : readAll(from);
  return decoded(bytes, encodingOf(options));
}

export function* writeFile(path: PathOrFd, data: Data, options?: WriteOptions): Steps<void> {
  const { flag = 'w', mode, signal } = typeof options === 'object' && options ? options : {};
  signal?.throwIfAborted();
  const bytes = bytesOf(data, encodingOf(options));
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
  const given = typeof options === 'object' && options ? options : { encoding: encodingOf(options) ?? null };
  yield* writeFile(path, data, { flag: 'a', ...given });
}

export function* mkdir(path: PathLike, options?: Mode | null | { readonly recursive?: boolean; readonly mode?: Mode }): Steps<string | undefined> {
  const { recursive = false, mode } = typeof options === 'object' && options ? options : { mode: options };
  const made = yield* step(ops.mkdir(pathOf(path), modeOf(mode as Mode | null, 0o777), recursive));
  return recursive ? made : undefined;
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export function* mkdtemp(prefix: PathLike, _options?: Encoded): Steps<string> {
  const start = pathOf(prefix, 'prefix');
  for (;;) {
    const random = crypto.getRandomValues(new Uint8Array(6));
    const path = start + Array.from(random, (byte) => LETTERS[byte % LETTERS.length]).join('');
    try {
      yield* mkdir(path, 0o700);
      return path;
    } catch (error) {
      if (!isError(error, 'EEXIST')) throw isError(error, 'ENOENT') ? fsError('ENOENT', { syscall: 'mkdtemp', path: `${start}XXXXXX` }) : error;
    }
  }
}

/** Options of `readdir`. */
export type ReaddirOptions = Encoding | null | { readonly encoding?: Encoding | null; readonly withFileTypes?: boolean; readonly recursive?: boolean };

export function* readdir(path: PathLike, options?: ReaddirOptions): Steps<(string | Dirent | Uint8Array)[]> {
  const { withFileTypes = false, recursive = false } = typeof options === 'object' && options ? options : {};
  const root = pathOf(path);
  const asBytes = encodingOf(options) === 'buffer';
  const found: (string | Dirent | Uint8Array)[] = [];
  const queue: [dir: string, below: string][] = [[root, '']];
  for (let next = queue.shift(); next; next = queue.shift()) {
    const [dir, below] = next;
    for (const { type, name } of yield* step(ops.list(dir))) {
      const relative = below === '' ? name : `${below}/${name}`;
      if (withFileTypes) found.push(new Dirent(name, dir, type));
      else found.push(asBytes ? new TextEncoder().encode(relative) : relative);
      if (recursive && type === 2) queue.push([join(dir, name), relative]);
    }
  }
  return found;
}

export function* opendir(path: PathLike, options?: { readonly recursive?: boolean; readonly encoding?: Encoding; readonly bufferSize?: number }): Steps<Dir> {
  const entries = yield* readdir(path, { withFileTypes: true, recursive: options?.recursive ?? false });
  return new Dir(pathOf(path), entries as Dirent[]);
}

/** Options of `stat`. */
export interface StatOptions {
  readonly bigint?: boolean;
  readonly throwIfNoEntry?: boolean;
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
  return yield* statOf(fd, true, options);
}

export function* unlink(path: PathLike): Steps<void> {
  yield* step(ops.remove(pathOf(path), ops.Remove.name));
}

/** Options of `rm` and `rmdir`; retries are accepted and not needed. */
export interface RmOptions {
  readonly recursive?: boolean;
  readonly force?: boolean;
  readonly maxRetries?: number;
  readonly retryDelay?: number;
}

export function* rmdir(path: PathLike, options?: RmOptions): Steps<void> {
  yield* step(ops.remove(pathOf(path), options?.recursive ? ops.Remove.all : ops.Remove.dir));
}

export function* rm(path: PathLike, { recursive = false, force = false }: RmOptions = {}): Steps<void> {
  const text = pathOf(path);
  try {
    if (!recursive && ((yield* step(ops.stat(text, false)))[2]! & constants.S_IFMT) === constants.S_IFDIR) {
      const error = new Error(`Path is a directory: rm returned EISDIR (is a directory) ${text}`);
      throw Object.assign(error, { name: 'SystemError', code: 'ERR_FS_EISDIR', errno: 21, syscall: 'rm', path: text });
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
  const text = yield* step(ops.readlink(pathOf(path)));
  return encodingOf(options) === 'buffer' ? new TextEncoder().encode(text) : text;
}

export function* realpath(path: PathLike, options?: Encoded): Steps<string | Uint8Array> {
  const text = yield* step(ops.realpath(pathOf(path)));
  return encodingOf(options) === 'buffer' ? new TextEncoder().encode(text) : text;
}

export function* chmod(path: PathLike, mode: Mode): Steps<void> {
  yield* step(ops.chmod(pathOf(path), modeOf(mode, 0)));
}

export function* lchmod(path: PathLike, mode: Mode): Steps<void> {
  yield* step(ops.chmod(pathOf(path), modeOf(mode, 0), false));
}

export function* fchmod(fd: number, mode: Mode): Steps<void> {
  yield* step(ops.chmod(fd, modeOf(mode, 0)));
}

/** Owners are not kept: everything belongs to user 0, as `stat` says. */
export function* chown(path: PathLike, _uid: number, _gid: number): Steps<void> {
  yield* step(ops.stat(pathOf(path), true));
}

export function* lchown(path: PathLike, _uid: number, _gid: number): Steps<void> {
  yield* step(ops.stat(pathOf(path), false));
}

export function* fchown(fd: number, _uid: number, _gid: number): Steps<void> {
  yield* step(ops.stat(fd, true));
}

export function* utimes(path: PathLike, atime: Time, mtime: Time): Steps<void> {
  yield* step(ops.times(pathOf(path), millis(atime, 'atime'), millis(mtime, 'mtime')));
}

export function* lutimes(path: PathLike, atime: Time, mtime: Time): Steps<void> {
  yield* step(ops.times(pathOf(path), millis(atime, 'atime'), millis(mtime, 'mtime'), false));
}

export function* futimes(fd: number, atime: Time, mtime: Time): Steps<void> {
  yield* step(ops.times(fd, millis(atime, 'atime'), millis(mtime, 'mtime')));
}

function sizeOf(length: number | null | undefined): number {
  const size = length ?? 0;
  if (typeof size !== 'number') throw badArgument('len', size, 'of type number');
  if (!Number.isInteger(size)) throw outOfRange('len', size, 'an integer');
  return Math.max(0, size);
}

export function* truncate(path: PathLike, length?: number | null): Steps<void> {
  yield* step(ops.truncate(pathOf(path), sizeOf(length)));
}

export function* ftruncate(fd: number, length?: number | null): Steps<void> {
  yield* step(ops.truncate(fd, sizeOf(length)));
}

export function* access(path: PathLike, mode: number = constants.F_OK): Steps<void> {
  yield* step(ops.access(pathOf(path), mode));
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

export function* statfs(path: PathLike, _options?: StatOptions): Steps<StatFs> {
  return statFs(yield* step(ops.statfs(pathOf(path))));
}

/** Completes when what was changed in the open file, and all else in its store, is durable. */
export function* fsync(fd: number): Steps<void> {
  const device = (yield* step(ops.stat(fd, true)))[0]!;
  yield* step(ops.clean(device - 1));
}

export function* fdatasync(fd: number): Steps<void> {
  yield* fsync(fd);
}

/** How much a copy moves in one step. */
const STEP = 1 << 20;

export function* copyFile(from: PathLike, to: PathLike, mode = 0): Steps<void> {
  const source = pathOf(from, 'src');
  const dest = pathOf(to, 'dest');
  const input = yield* step({ ...ops.open(source, ops.Open.read, 0), syscall: 'copyfile', dest });
  try {
    const raw = yield* step(ops.stat(input, true));
    if ((raw[2]! & constants.S_IFMT) === constants.S_IFDIR) throw fsError('EISDIR', { syscall: 'copyfile', path: source, dest });
    const about = { syscall: 'copyfile', path: source, dest };
    const exclusive = (mode & constants.COPYFILE_EXCL) !== 0;
    // Onto itself, a file stays as it is.
    const draft = yield* step({ ...ops.draft(dest), ...about });
    try {
      for (let at = 0; ; ) {
        const moved = yield* step(ops.copyRange(input, at, draft, at, STEP));
        if (moved === 0) break;
        at += moved;
      }
      yield* step({ ...ops.publish(draft, dest, raw[2]! & 0o7777, exclusive), ...about });
    } catch (error) {
      if (!isError(error, 'EXDEV')) throw error;
      throw error;
    } finally {
      yield* close(draft);
    }
  } finally {
    yield* close(input);
  }
}

/** Options of `cp`. */
export interface CpOptions {
  readonly recursive?: boolean;
  readonly force?: boolean;
  readonly errorOnExist?: boolean;
  readonly dereference?: boolean;
  readonly preserveTimestamps?: boolean;
  readonly verbatimSymlinks?: boolean;
  readonly mode?: number;
  readonly filter?: (from: string, to: string) => boolean;
}

export function* cp(from: PathLike, to: PathLike, options: CpOptions = {}): Steps<void> {
  const source = pathOf(from, 'src');
  const dest = pathOf(to, 'dest');
  const { recursive = false, force = true, errorOnExist = false, dereference = false, filter } = options;
  if (filter && !filter(source, dest)) return;
  const raw = yield* step({ ...ops.stat(source, dereference), syscall: 'cp', dest });
  const type = raw[2]! & constants.S_IFMT;
  const there = (yield* statOf(dest, false, { throwIfNoEntry: false })) as Stats | undefined;
  const refuse = (code: string, words: string): Error => Object.assign(new Error(`${words}: ${dest}`), { code, path: dest, syscall: 'cp' });
  if (type === constants.S_IFDIR) {
    if (!recursive) throw refuse('ERR_FS_EISDIR', 'Recursive option not enabled, cannot copy a directory');
    if (there && !there.isDirectory()) throw refuse('ERR_FS_CP_DIR_TO_NON_DIR', 'Cannot overwrite a file with a directory');
    if (`${dest}/`.startsWith(`${source.replace(/\/+$/, '')}/`)) throw refuse('ERR_FS_CP_EINVAL', 'Cannot copy a directory to a place below itself');
    yield* mkdir(dest, { recursive: true, mode: raw[2]! & 0o7777 });
    for (const { name } of yield* step(ops.list(source))) yield* cp(join(source, name), join(dest, name), options);
  } else {
    if (there?.isDirectory()) throw refuse('ERR_FS_CP_NON_DIR_TO_DIR', 'Cannot overwrite a directory with a file');
    if (there && !force) {
      if (errorOnExist) throw refuse('ERR_FS_CP_EEXIST', 'Target already exists');
      return;
    }
    yield* mkdir(dirname(dest), { recursive: true });
    if (type === constants.S_IFLNK) {
      if (there) yield* unlink(dest);
      yield* symlink((yield* readlink(source)) as string, dest);
      return;
    }
    yield* copyFile(source, dest, options.mode ?? 0);
  }
  if (options.preserveTimestamps) yield* step(ops.times(dest, raw[5]! + raw[6]! / 1e6, raw[7]! + raw[8]! / 1e6));
}

/** Reads into `bytes`; `position` null means where the file stands. */
export function* read(fd: number, bytes: ArrayBufferView, offset = 0, length?: number | null, position?: number | bigint | null): Steps<number> {
  const view = bytesOf(bytes, null, 'buffer');
  const count = length ?? view.length - offset;
  if (!Number.isInteger(offset) || offset < 0 || offset > view.length) throw outOfRange('offset', offset, `>= 0 && <= ${view.length}`);
  if (count < 0 || offset + count > view.length) throw outOfRange('length', count, `>= 0 && <= ${view.length - offset}`);
  const at = position === null || position === undefined || position < 0 ? -1 : Number(position);
  return yield* step(ops.read(fd, at, view.subarray(offset, offset + count)));
}

/** Writes all of `bytes`; `position` null means where the file stands. */
export function* write(fd: number, bytes: Uint8Array, position?: number | null): Steps<number> {
  yield* writeRest(fd, bytes, typeof position === 'number' ? position : -1);
  return bytes.length;
}

export { basename };
