/** The functions of `node:fs/promises`. */

import type { Client, Steps } from './client.js';
import { constants, type OpenMode } from './constants.js';
import type { Data, Encoding } from './data.js';
import { FileHandle, openHandle } from './handle.js';
import type { PathLike } from './path.js';
import type { BigIntStats, Dir, Dirent, Stats } from './stats.js';
import * as verbs from './verbs.js';
import { watch, type WatchEvent, type WatchOptions } from './watch.js';

type Promised<F> = F extends (...args: infer A) => Steps<infer R> ? (...args: A) => Promise<R> : never;

type Same =
  | 'access' | 'chmod' | 'chown' | 'copyFile' | 'cp' | 'exists' | 'lchmod' | 'lchown' | 'link' | 'lutimes' | 'mkdir' | 'mkdtemp'
  | 'rename' | 'rm' | 'rmdir' | 'statfs' | 'symlink' | 'truncate' | 'unlink' | 'utimes' | 'appendFile' | 'writeFile';

type Mapped = { [K in Same]: Promised<(typeof verbs)[K]> };

/** The promises. Changes resolve when they are durable. */
export interface FsPromises extends Omit<Mapped, 'writeFile' | 'appendFile'> {
  readonly constants: typeof constants;
  writeFile(path: PathLike | FileHandle, data: Data, options?: verbs.WriteOptions): Promise<void>;
  appendFile(path: PathLike | FileHandle, data: Data, options?: verbs.WriteOptions): Promise<void>;
  readFile(path: PathLike | FileHandle, options: Encoding | { readonly encoding: Encoding; readonly flag?: OpenMode; readonly signal?: AbortSignal }): Promise<string>;
  readFile(path: PathLike | FileHandle, options?: { readonly encoding?: null; readonly flag?: OpenMode; readonly signal?: AbortSignal } | null): Promise<Uint8Array<ArrayBuffer>>;
  readdir(path: PathLike, options: { readonly withFileTypes: true; readonly recursive?: boolean; readonly encoding?: Encoding }): Promise<Dirent[]>;
  readdir(path: PathLike, options?: Encoding | null | { readonly withFileTypes?: false; readonly recursive?: boolean; readonly encoding?: Encoding | null }): Promise<string[]>;
  stat(path: PathLike, options: { readonly bigint: true }): Promise<BigIntStats>;
  stat(path: PathLike, options?: { readonly bigint?: false }): Promise<Stats>;
  lstat(path: PathLike, options: { readonly bigint: true }): Promise<BigIntStats>;
  lstat(path: PathLike, options?: { readonly bigint?: false }): Promise<Stats>;
  readlink(path: PathLike, options?: Encoding | null): Promise<string>;
  realpath(path: PathLike, options?: Encoding | null): Promise<string>;
  opendir(path: PathLike, options?: { readonly recursive?: boolean }): Promise<Dir>;
  open(path: PathLike, flags?: OpenMode | null, mode?: verbs.Mode | null): Promise<FileHandle>;
  watch(path: PathLike, options?: WatchOptions): AsyncIterableIterator<WatchEvent>;
}

const NAMES = [
  'access', 'appendFile', 'chmod', 'chown', 'copyFile', 'cp', 'exists', 'lchmod', 'lchown', 'link', 'lstat', 'lutimes', 'mkdir', 'mkdtemp',
  'opendir', 'readFile', 'readdir', 'readlink', 'realpath', 'rename', 'rm', 'rmdir', 'stat', 'statfs', 'symlink', 'truncate', 'unlink',
  'utimes', 'writeFile',
] as const;

/** The promises of a thread. */
export function makePromises(client: () => Client): FsPromises {
  const made: Record<string, unknown> = { constants };
  for (const name of NAMES) {
    const verb = verbs[name] as (...args: never[]) => Steps<unknown>;
    made[name] = async (...args: never[]) => {
      const options = args[2] as { flush?: boolean } | undefined;
      return client().run(verb(...args), options?.flush !== false);
    };
  }
  made['open'] = async (path: PathLike, flags?: OpenMode, mode?: verbs.Mode) => openHandle(client(), path, flags, mode);
  made['watch'] = (path: PathLike, options?: WatchOptions) => watch(client(), path, options);
  return made as unknown as FsPromises;
}

export { FileHandle };
