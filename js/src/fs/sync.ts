/** The blocking functions of `node:fs`, for workers: the same steps as the promises, waited for in place. */

import type { Client, Steps } from './client.js';
import { bytesOf, type Data, type Encoding } from './data.js';
import type { OpenMode } from './constants.js';
import type { PathLike } from './path.js';
import type { BigIntStats, Dirent, Stats } from './stats.js';
import * as verbs from './verbs.js';

export type Blocking<F> = F extends (...args: infer A) => Steps<infer R> ? (...args: A) => R : never;

type Verbs = typeof verbs;
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
  lstatSync(path: PathLike, options: { readonly bigint: true }): BigIntStats;
  lstatSync(path: PathLike, options?: { readonly bigint?: false }): Stats;
  fstatSync(fd: number, options?: { readonly bigint?: false }): Stats;
  writeSync(fd: number, data: Data, offset?: number | null, length?: number | Encoding | null, position?: number | null): number;
  readSync(fd: number, bytes: ArrayBufferView, offset?: number, length?: number | null, position?: number | bigint | null): number;
  readlinkSync(path: PathLike): string;
  realpathSync(path: PathLike): string;
}

/** The blocking functions. On a thread that may not block they throw `ENOTSUP`. */
export type FsSync = Omit<Named, keyof Overloads> & Overloads;

/** Only these wait for durability by `fsyncSync` or `closeSync` instead of by themselves, as for file handles. */
const LATER = new Set(['write', 'read', 'ftruncate', 'open']);

/** The blocking functions of a thread. */
export function makeSync(client: () => Client): FsSync {
  const made: Record<string, (...args: never[]) => unknown> = {};
  for (const [name, verb] of Object.entries(verbs)) {
    if (typeof verb !== 'function' || name === 'basename') continue;
    const flushes = !LATER.has(name);
    made[`${name}Sync`] = (...args) => {
      const options = args[2] as { flush?: boolean } | undefined;
      return client().runSync((verb as (...args: never[]) => Steps<unknown>)(...args), flushes && options?.flush !== false);
    };
  }
  made['writeSync'] = (fd: number, data: Data, offset?: number | null, length?: number | Encoding | null, position?: number | null) => {
    const isText = typeof data === 'string';
    const bytes = bytesOf(data, isText ? (length as Encoding | null) : null, 'buffer');
    const from = isText ? 0 : (offset ?? 0);
    const part = isText ? bytes : bytes.subarray(from, from + ((length as number | null | undefined) ?? bytes.length - from));
    return client().runSync(verbs.write(fd, part, isText ? offset : position), false);
  };
  return made as unknown as FsSync;
}
