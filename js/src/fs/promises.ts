/** The functions of `node:fs/promises`. */

import { type Client, step, type Steps } from './client.js';
import { constants, modeOf, type OpenMode } from './constants.js';
import * as copying from './copy.js';
import { bytesOf, type Contents, type Data, type Encoding, isPieces, optionsOf } from './data.js';
import { FileHandle, openHandle } from './handle.js';
import * as ops from './ops.js';
import { type PathLike, pathOf } from './path.js';
import { asyncDispose, type BigIntStats, type Dir, type Dirent, type StatFs, type Stats } from './stats.js';
import * as verbs from './verbs.js';
import { watch, type WatchEvent, type WatchOptions } from './watch.js';

type Promised<F> = F extends (...args: infer A) => Steps<infer R> ? (...args: A) => Promise<R> : never;

type Same =
  | 'access' | 'chmod' | 'chown' | 'exists' | 'lchmod' | 'lchown' | 'link' | 'lutimes' | 'mkdir'
  | 'rename' | 'rm' | 'rmdir' | 'symlink' | 'truncate' | 'unlink' | 'utimes';

type Mapped = { [K in Same]: Promised<(typeof verbs)[K]> } & { [K in 'copyFile' | 'cp']: Promised<(typeof copying)[K]> };

type Bytes = Uint8Array<ArrayBuffer>;

/** An open file, ours or one that stands for it. */
export type Opened = { readonly fd: number };

/** How a file is read. */
export interface ReadHow<E> {
  readonly encoding: E;
  readonly flag?: OpenMode | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a directory is read. */
export interface ListHow<E, T> {
  readonly encoding?: E | undefined;
  readonly withFileTypes?: T | undefined;
  readonly recursive?: boolean | undefined;
}

type InBytes = 'buffer' | { readonly encoding: 'buffer' };
type InText = { readonly encoding?: Encoding | null | undefined } | Encoding | null;

/** The promises. Changes resolve when they are durable. */
export interface FsPromises extends Mapped {
  readonly constants: typeof constants;
  writeFile(path: PathLike | Opened, data: Contents, options?: verbs.WriteOptions): Promise<void>;
  appendFile(path: PathLike | Opened, data: Contents, options?: verbs.WriteOptions): Promise<void>;
  readFile(path: PathLike | Opened, options?: Partial<ReadHow<null>> | null): Promise<Bytes>;
  readFile(path: PathLike | Opened, options: Encoding | ReadHow<Encoding>): Promise<string>;
  readFile(path: PathLike | Opened, options?: verbs.ReadOptions): Promise<string | Bytes>;
  readdir(path: PathLike, options?: Encoding | null | ListHow<Encoding | null, false>): Promise<string[]>;
  readdir(path: PathLike, options: 'buffer' | (ListHow<'buffer', false> & { readonly encoding: 'buffer' })): Promise<Uint8Array[]>;
  readdir(path: PathLike, options: ListHow<Encoding | null, true> & { readonly withFileTypes: true }): Promise<Dirent[]>;
  stat(path: PathLike, options?: { readonly bigint?: false | undefined }): Promise<Stats>;
  stat(path: PathLike, options: { readonly bigint: true }): Promise<BigIntStats>;
  stat(path: PathLike, options?: { readonly bigint?: boolean | undefined; readonly throwIfNoEntry?: true | undefined }): Promise<Stats | BigIntStats>;
  stat(path: PathLike, options: { readonly bigint?: false | undefined; readonly throwIfNoEntry: boolean }): Promise<Stats | undefined>;
  lstat(path: PathLike, options?: { readonly bigint?: false | undefined }): Promise<Stats>;
  lstat(path: PathLike, options: { readonly bigint: true }): Promise<BigIntStats>;
  lstat(path: PathLike, options?: { readonly bigint?: boolean | undefined; readonly throwIfNoEntry?: true | undefined }): Promise<Stats | BigIntStats>;
  lstat(path: PathLike, options: { readonly bigint?: false | undefined; readonly throwIfNoEntry: boolean }): Promise<Stats | undefined>;
  mkdir(path: PathLike, options: verbs.MkdirOptions & { readonly recursive: true }): Promise<string | undefined>;
  mkdir(path: PathLike, options?: verbs.Mode | null | (verbs.MkdirOptions & { readonly recursive?: false | undefined })): Promise<void>;
  mkdir(path: PathLike, options?: verbs.Mode | null | verbs.MkdirOptions): Promise<string | undefined>;
  mkdtemp(prefix: PathLike, options?: InText): Promise<string>;
  mkdtemp(prefix: PathLike, options: InBytes): Promise<Uint8Array>;
  /** A directory that is removed with all in it when it is disposed of. */
  mkdtempDisposable(prefix: PathLike): Promise<{ readonly path: string; remove(): Promise<void> } & AsyncDisposable>;
  readlink(path: PathLike, options?: InText): Promise<string>;
  readlink(path: PathLike, options: InBytes): Promise<Uint8Array>;
  realpath(path: PathLike, options?: InText): Promise<string>;
  realpath(path: PathLike, options: InBytes): Promise<Uint8Array>;
  statfs(path: PathLike, options?: { readonly bigint?: false | undefined }): Promise<StatFs>;
  statfs(path: PathLike, options: { readonly bigint: true }): Promise<StatFs<bigint>>;
  statfs(path: PathLike, options?: { readonly bigint?: boolean | undefined }): Promise<StatFs | StatFs<bigint>>;
  opendir(path: PathLike, options?: verbs.OpendirOptions): Promise<Dir>;
  open(path: PathLike, flags?: OpenMode | null, mode?: verbs.Mode | null): Promise<FileHandle>;
  /** Changes of what is at the path until the signal aborts; begins when the first one is asked for. */
  watch(path: PathLike, options?: WatchOptions | Encoding | null): AsyncIterableIterator<WatchEvent>;
}

const NAMES = [
  'access', 'appendFile', 'chmod', 'chown', 'copyFile', 'cp', 'exists', 'lchmod', 'lchown', 'link', 'lstat', 'lutimes', 'mkdir', 'mkdtemp',
  'opendir', 'readFile', 'readdir', 'readlink', 'realpath', 'rename', 'rm', 'rmdir', 'stat', 'statfs', 'symlink', 'truncate', 'unlink',
  'utimes', 'writeFile',
] as const;

/** The promises of a thread. */
export function makePromises(client: () => Client): FsPromises {
  const made: Record<string, unknown> = { constants };
  const all = { ...verbs, ...copying };
  for (const name of NAMES) {
    const verb = all[name] as (...args: never[]) => Steps<unknown>;
    made[name] = async (...args: never[]) => {
      const options = args[2] as { flush?: boolean } | undefined;
      return client().run(verb(...args), options?.flush !== false);
    };
  }
  const promises = made as unknown as FsPromises;
  for (const [name, flag] of [['writeFile', 'w'], ['appendFile', 'a']] as const) {
    const whole = promises[name] as FsPromises['writeFile'];
    made[name] = async (path: PathLike | Opened, data: Contents, options?: verbs.WriteOptions) =>
      isPieces(data) ? writePieces(client(), path, data, { flag, ...optionsOf(options) }) : whole(path, data, options);
  }
  made['open'] = async (path: PathLike, flags?: OpenMode, mode?: verbs.Mode) => openHandle(client(), path, flags, mode);
  made['watch'] = (path: PathLike, options?: WatchOptions | Encoding | null) => watch(client(), path, typeof options === 'string' ? {} : (options ?? {}));
  made['mkdtempDisposable'] = async (prefix: PathLike) => {
    const path = await promises.mkdtemp(prefix);
    const remove = (): Promise<void> => promises.rm(path, { recursive: true, force: true });
    return { path, remove, [asyncDispose]: remove };
  };
  return promises;
}

/** A file piece by piece: where it is replaced, nobody sees it before the last one has come. */
async function writePieces(client: Client, path: PathLike | Opened, pieces: Iterable<Data> | AsyncIterable<Data>, { flag = 'w', mode, signal, encoding }: Exclude<verbs.WriteOptions, string | null>): Promise<void> {
  const handle = typeof path === 'object' && 'fd' in path ? path : undefined;
  const text = handle ? '' : pathOf(path as PathLike);
  const replaces = !handle && (flag === 'w' || flag === 'wx');
  const fd = handle?.fd ?? (await client.run(replaces ? step(ops.draft(text, flag === 'wx')) : verbs.open(text, flag, mode), false));
  try {
    for await (const piece of pieces) {
      signal?.throwIfAborted();
      await client.run(verbs.write(fd, bytesOf(piece, encoding), null), false);
    }
    if (replaces) await client.run(step(ops.publish(fd, text, modeOf(mode, 0o666), flag === 'wx')));
    else await client.run(step(ops.sync(fd, false)));
  } finally {
    if (!handle) await client.run(verbs.close(fd));
  }
}

export { FileHandle };
