/** Extended attributes: small values by name that a file carries beside its bytes; names begin with `user.`. */

import { type Client, step } from './client.js';
import { bytesOf, decoded, type Encoding } from './data.js';
import * as ops from './ops.js';
import { type PathLike, pathOf } from './path.js';
import type { Steps } from './client.js';

/** As what a value is read. */
export type XattrEncoding = Encoding | null | { readonly encoding?: Encoding | null };

/** Whether the attribute must be missing, or must be there. */
export interface XattrSet {
  readonly create?: boolean;
  readonly replace?: boolean;
  readonly encoding?: Encoding;
}

function* get(path: PathLike, name: string, options?: XattrEncoding): Steps<string | Uint8Array<ArrayBuffer>> {
  return decoded(yield* step(ops.attr(pathOf(path), name)), typeof options === 'object' ? options?.encoding : options);
}

function* set(path: PathLike, name: string, value: string | ArrayBufferView, { create, replace, encoding }: XattrSet = {}): Steps<void> {
  yield* step(ops.setAttr(pathOf(path), name, bytesOf(value, encoding, 'value'), create ? 1 : replace ? 2 : 0));
}

function* remove(path: PathLike, name: string): Steps<void> {
  yield* step(ops.setAttr(pathOf(path), name, new Uint8Array(0), 3));
}

function* list(path: PathLike): Steps<string[]> {
  return yield* step(ops.attrs(pathOf(path)));
}

/** Extended attributes: 64 KiB a value, 1 MiB a file. Errors: `ENODATA`, `EEXIST`, `ENOTSUP`, `ENOSPC`, and those of paths. */
export interface Xattr {
  get(path: PathLike, name: string, options: Encoding | { readonly encoding: Encoding }): Promise<string>;
  get(path: PathLike, name: string, options?: { readonly encoding?: null } | null): Promise<Uint8Array<ArrayBuffer>>;
  set(path: PathLike, name: string, value: string | ArrayBufferView, options?: XattrSet): Promise<void>;
  remove(path: PathLike, name: string): Promise<void>;
  list(path: PathLike): Promise<string[]>;
  /** The same, blocking, in workers. */
  getSync(path: PathLike, name: string, options?: XattrEncoding): string | Uint8Array<ArrayBuffer>;
  setSync(path: PathLike, name: string, value: string | ArrayBufferView, options?: XattrSet): void;
  removeSync(path: PathLike, name: string): void;
  listSync(path: PathLike): string[];
}

/** The attributes' functions of a thread. */
export function makeXattr(client: () => Client): Xattr {
  const made: Record<string, unknown> = {};
  for (const [name, verb] of Object.entries({ get, set, remove, list })) {
    made[name] = async (...args: never[]) => client().run((verb as (...args: never[]) => Steps<unknown>)(...args));
    made[`${name}Sync`] = (...args: never[]) => client().runSync((verb as (...args: never[]) => Steps<unknown>)(...args));
  }
  return made as unknown as Xattr;
}
