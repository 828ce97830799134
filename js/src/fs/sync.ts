/** The blocking functions of `node:fs`, for workers: the same steps as the promises, waited for in place. */

import { type Client, step, type Steps } from './client.js';
import * as copying from './copy.js';
import type { Data, Encoding } from './data.js';
import type { OpenMode } from './constants.js';
import { type ReadInto, writeArguments, type WriteFrom } from './handle.js';
import * as ops from './ops.js';
import type { PathLike } from './path.js';
import { type BigIntStats, type Dirent, dispose, type StatFs, type Stats } from './stats.js';
import * as verbs from './verbs.js';

export type Blocking<F> = F extends (...args: infer A) => Steps<infer R> ? (...args: A) => R : never;

/** Everything that is steps. */
export const VERBS = { ...verbs, ...copying };

type Verbs = typeof VERBS;
export type Named = {
  [K in keyof Verbs as Verbs[K] extends (...args: never[]) => Steps<unknown> ? (K extends string ? `${K}Sync` : never) : never]: Blocking<Verbs[K]>;
};

/** As in Node.js, where the arguments decide about the result. */
export interface Overloads {
  readFileSync(path: verbs.PathOrFd, options: Encoding | { readonly encoding: Encoding; readonly flag?: OpenMode }): string;
  readFileSync(path: verbs.PathOrFd, options?: { readonly encoding?: null; readonly flag?: OpenMode } | null): Uint8Array<ArrayBuffer>;
  readdirSync(path: PathLike, options: { readonly withFileTypes: true; readonly recursive?: boolean }): Dirent[];
  readdirSync(path: PathLike, options?: Encoding | null | { readonly withFileTypes?: false; readonly recursive?: boolean }): string[];
  statSync(path: PathLike, options: { readonly bigint: true }): BigIntStats;
  statSync(path: PathLike, options?: { readonly bigint?: false }): Stats;
  statSync(path: PathLike, options: { readonly bigint?: false; readonly throwIfNoEntry: boolean }): Stats | undefined;
  lstatSync(path: PathLike, options: { readonly bigint: true }): BigIntStats;
  lstatSync(path: PathLike, options?: { readonly bigint?: false }): Stats;
  lstatSync(path: PathLike, options: { readonly bigint?: false; readonly throwIfNoEntry: boolean }): Stats | undefined;
  fstatSync(fd: number, options?: { readonly bigint?: false }): Stats;
  fstatSync(fd: number, options: { readonly bigint: true }): BigIntStats;
  statfsSync(path: PathLike, options?: { readonly bigint?: false }): StatFs;
  writeSync(fd: number, data: Data, offset?: number | null | WriteFrom, length?: number | Encoding | null, position?: number | null): number;
  readSync(fd: number, bytes: ArrayBufferView, offset?: number | null | ReadInto, length?: number | null, position?: number | bigint | null): number;
  mkdtempSync(prefix: PathLike): string;
  readlinkSync(path: PathLike): string;
  realpathSync(path: PathLike): string;
  /** A directory that is removed with all in it when it is disposed of. */
  mkdtempDisposableSync(prefix: PathLike): { readonly path: string; remove(): void } & Disposable;
}

type Helpers = 'fdOfSync' | 'isErrorSync' | 'rangeSync';

/** The blocking functions. On a thread that may not block they throw `ENOTSUP`. */
export type FsSync = Omit<Named, keyof Overloads | Helpers> & Overloads;

/** Only these wait for durability by `fsyncSync` or `closeSync` instead of by themselves, as for file handles. */
const LATER = new Set(['write', 'writev', 'read', 'readv', 'ftruncate', 'open']);

/** Whether a function of this name is steps. */
export function isVerb(name: string): boolean {
  return name !== 'fdOf' && name !== 'isError' && name !== 'range';
}

/** The blocking functions of a thread. */
export function makeSync(client: () => Client): FsSync {
  const made: Record<string, unknown> = {};
  /** Open files that were written to and not yet made durable. */
  const dirty = new Set<number>();
  for (const [name, verb] of Object.entries(VERBS)) {
    if (!isVerb(name)) continue;
    const flushes = !LATER.has(name);
    made[`${name}Sync`] = (...args: never[]) => {
      const options = args[2] as { flush?: boolean } | undefined;
      return client().runSync((verb as (...args: never[]) => Steps<unknown>)(...args), flushes && options?.flush !== false);
    };
  }
  const sync = made as unknown as FsSync;
  const { ftruncateSync, writevSync, readSync, closeSync, fsyncSync, mkdtempSync, rmSync } = sync;
  made['writeSync'] = (fd: number, data: Data, offset?: number | null | WriteFrom, length?: number | Encoding | null, position?: number | null) => {
    const [bytes, at] = writeArguments(data, offset, length, position);
    dirty.add(fd);
    return client().runSync(verbs.write(fd, bytes, at), false);
  };
  made['writevSync'] = (fd: number, buffers: readonly ArrayBufferView[], position?: number) => {
    dirty.add(fd);
    return writevSync(fd, buffers, position);
  };
  made['ftruncateSync'] = (fd: number, length?: number | null) => {
    dirty.add(fd);
    ftruncateSync(fd, length);
  };
  made['readSync'] = (fd: number, bytes: ArrayBufferView, offset?: number | null | ReadInto, length?: number | null, position?: number | bigint | null) => {
    if (typeof offset !== 'object' || offset === null) return readSync(fd, bytes, offset, length, position);
    return readSync(fd, bytes, offset.offset, offset.length, offset.position);
  };
  made['fsyncSync'] = made['fdatasyncSync'] = (fd: number) => {
    dirty.delete(fd);
    fsyncSync(fd);
  };
  made['closeSync'] = (fd: number) => {
    try {
      if (dirty.delete(fd)) client().runSync(step(ops.sync(fd, false)));
    } finally {
      closeSync(fd);
    }
  };
  made['mkdtempDisposableSync'] = (prefix: PathLike) => {
    const path = mkdtempSync(prefix);
    const remove = (): void => rmSync(path, { recursive: true, force: true });
    return { path, remove, [dispose]: remove };
  };
  return sync;
}
