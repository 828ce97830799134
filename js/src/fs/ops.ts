/** The kernel's calls as operations: what Node.js calls a syscall each, with its arguments and its answer. */

import type { Op } from './client.js';
import { threadId } from '../sync/thread.js';
import { BY_HANDLE, type Door, type Listing } from './exports.js';

/** How a file is opened; as the kernel has them. */
export const enum Open {
  read = 1,
  write = 1 << 1,
  append = 1 << 2,
  create = 1 << 3,
  exclusive = 1 << 4,
  truncate = 1 << 5,
  directory = 1 << 6,
  noFollow = 1 << 7,
  sync = 1 << 10,
}

/** A path, or the handle of an open file. */
export type Target = string | number;

function place(door: Door, target: Target): [path: number, handle: number] {
  return typeof target === 'number' ? [BY_HANDLE, target] : [door.text(target), 0];
}

function about(target: Target): { path?: string } {
  return typeof target === 'number' ? {} : { path: target };
}

/** The numbers of a stat, as the kernel tells them. */
export type RawStat = Float64Array;

const UTF_8 = new TextDecoder('utf-8', { ignoreBOM: true });

function decode(bytes: Uint8Array): string {
  return UTF_8.decode(bytes);
}

export const open = (path: string, flags: number, mode: number): Op<number> => ({
  syscall: 'open',
  path,
  changes: (flags & (Open.create | Open.truncate)) !== 0,
  attempt: (door) => door.exports.isolith_fs_open(door.text(path), flags, mode, threadId()),
  answer: (door) => door.number(0),
});

export const close = (handle: number): Op<void> => ({
  syscall: 'close',
  local: true,
  attempt: (door) => door.exports.isolith_fs_close(handle),
});

/** Reads into `bytes` at `offset`, or where the handle stands if that is negative; answers how many. */
export const read = (handle: number, offset: number, bytes: Uint8Array): Op<number> => ({
  syscall: 'read',
  attempt(door) {
    const { cargo } = door;
    cargo.bytes = bytes as Uint8Array<ArrayBuffer>;
    cargo.at = 0;
    return door.exports.isolith_fs_read(handle, offset, bytes.length);
  },
  answer: (door) => door.number(0),
});

/** Writes `bytes` at `offset`, or where the handle stands if that is negative; answers how many. */
export const write = (handle: number, offset: number, bytes: Uint8Array): Op<number> => ({
  syscall: 'write',
  changes: true,
  local: true,
  attempt(door) {
    const { cargo } = door;
    cargo.bytes = bytes as Uint8Array<ArrayBuffer>;
    cargo.at = 0;
    return door.exports.isolith_fs_write(handle, offset, bytes.length);
  },
  answer: (door) => door.number(0),
});

export const readWhole = (path: string): Op<Uint8Array<ArrayBuffer>> => ({
  syscall: 'open',
  path,
  attempt: (door) => door.exports.isolith_fs_read_whole(door.text(path)),
  answer: ({ cargo }) => {
    const { bytes } = cargo;
    cargo.bytes = new Uint8Array(0);
    return bytes;
  },
});

export const writeWhole = (path: string, bytes: Uint8Array, mode: number, exclusive: boolean): Op<void> => ({
  syscall: 'open',
  path,
  changes: true,
  local: true,
  attempt(door) {
    const { cargo } = door;
    cargo.bytes = bytes as Uint8Array<ArrayBuffer>;
    cargo.at = 0;
    return door.exports.isolith_fs_write_whole(door.text(path), bytes.length, mode, Number(exclusive));
  },
});

/** The most bytes that one call moves. */
export const limit = (): Op<number> => ({
  syscall: 'read',
  local: true,
  attempt: (door) => door.exports.isolith_fs_limit(),
  answer: (door) => door.number(0),
});

export const draft = (path: string, exclusive: boolean): Op<number> => ({
  syscall: 'open',
  path,
  attempt: (door) => door.exports.isolith_fs_draft(door.text(path), Number(exclusive), threadId()),
  answer: (door) => door.number(0),
});

export const publish = (handle: number, path: string, mode: number, exclusive: boolean): Op<void> => ({
  syscall: 'open',
  path,
  changes: true,
  local: true,
  attempt: (door) => door.exports.isolith_fs_publish(handle, door.text(path), mode, Number(exclusive)),
});

export const copyRange = (from: number, fromOffset: number, to: number, toOffset: number, bytes: number): Op<number> => ({
  syscall: 'copyfile',
  changes: true,
  attempt: (door) => door.exports.isolith_fs_copy(from, fromOffset, to, toOffset, bytes),
  answer: (door) => door.number(0),
});

export const stat = (target: Target, follow: boolean): Op<RawStat> => ({
  syscall: typeof target === 'number' ? 'fstat' : follow ? 'stat' : 'lstat',
  ...about(target),
  attempt: (door) => door.exports.isolith_fs_stat(...place(door, target), Number(follow)),
  answer(door) {
    const numbers = new Float64Array(15);
    for (let at = 0; at < 15; at++) numbers[at] = door.number(at);
    return numbers;
  },
});

/** Answers the first part of the path that was made; undefined if all of it was there. */
export const mkdir = (path: string, mode: number, recursive: boolean): Op<string | undefined> => ({
  syscall: 'mkdir',
  path,
  changes: true,
  attempt: (door) => door.exports.isolith_fs_mkdir(door.text(path), mode, Number(recursive)),
  answer(door) {
    const length = door.number(0);
    return length < 0 ? undefined : decode(new TextEncoder().encode(path).subarray(0, length));
  },
});

/** How many listings, and names in them, a thread keeps. */
const [LISTINGS, NAMES] = [16, 100_000];

/** Keeps the listing; those that were kept first make room for it. */
function keep(listings: Map<string, Listing>, path: string, listing: Listing): void {
  listings.delete(path);
  listings.set(path, listing);
  let names = 0;
  for (const { names: { length } } of listings.values()) names += length;
  for (const [oldest, { names: { length } }] of listings) {
    if (listings.size <= LISTINGS && names <= NAMES) break;
    listings.delete(oldest);
    names -= length;
  }
}

export const list = (path: string, syscall = 'scandir'): Op<Listing> => ({
  syscall,
  path,
  attempt: (door) => door.exports.isolith_fs_list(door.text(path), door.listings.get(path)?.stamp ?? -1),
  answer(door) {
    const { listings } = door;
    const count = door.number(1);
    if (count < 0) return listings.get(path)!;
    const bytes = door.output();
    const names = decode(bytes.subarray(count)).split('/');
    // A slash ends each, the last one too.
    names.pop();
    const listing = { names, types: bytes.subarray(0, count), stamp: door.number(0) };
    keep(listings, path, listing);
    return listing;
  },
});

/** What `remove` takes away. */
export const enum Remove {
  name,
  dir,
  all,
}

export const remove = (path: string, what: Remove): Op<void> => ({
  syscall: what === Remove.dir ? 'rmdir' : what === Remove.name ? 'unlink' : 'rm',
  path,
  changes: true,
  attempt: (door) => door.exports.isolith_fs_remove(door.text(path), what),
});

function named(syscall: string, path: string, dest: string, what: number): Op<void> {
  return {
    syscall,
    path,
    dest,
    changes: true,
    attempt(door) {
      const from = door.text(path);
      return door.exports.isolith_fs_name(from, door.text(dest, from), what);
    },
  };
}

export const rename = (from: string, to: string): Op<void> => named('rename', from, to, 0);
export const link = (from: string, to: string): Op<void> => named('link', from, to, 1);
export const symlink = (target: string, path: string): Op<void> => named('symlink', target, path, 2);

export const readlink = (path: string): Op<string> => ({
  syscall: 'readlink',
  path,
  attempt: (door) => door.exports.isolith_fs_readlink(door.text(path), 0),
  answer: (door) => decode(door.output()),
});

export const realpath = (path: string): Op<string> => ({
  syscall: 'realpath',
  path,
  attempt: (door) => door.exports.isolith_fs_readlink(door.text(path), 1),
  answer: (door) => decode(door.output()),
});

export const chmod = (target: Target, mode: number, follow = true): Op<void> => ({
  syscall: typeof target === 'number' ? 'fchmod' : follow ? 'chmod' : 'lchmod',
  ...about(target),
  changes: true,
  attempt: (door) => door.exports.isolith_fs_chmod(...place(door, target), Number(follow), mode),
});

/** Sets user and group; -1 leaves one as it is. */
export const chown = (target: Target, uid: number, gid: number, follow = true): Op<void> => ({
  syscall: typeof target === 'number' ? 'fchown' : follow ? 'chown' : 'lchown',
  ...about(target),
  changes: true,
  attempt: (door) => door.exports.isolith_fs_chown(...place(door, target), Number(follow), uid, gid),
});

/** The value of an extended attribute. */
export const attr = (path: string, name: string): Op<Uint8Array<ArrayBuffer>> => ({
  syscall: 'getxattr',
  path,
  attempt(door) {
    const from = door.text(path);
    return door.exports.isolith_fs_attr(from, door.text(name, from), 1);
  },
  answer: (door) => door.output(),
});

/** Names of all extended attributes. */
export const attrs = (path: string): Op<string[]> => ({
  syscall: 'listxattr',
  path,
  attempt: (door) => door.exports.isolith_fs_attr(door.text(path), 0, 1),
  answer(door) {
    const bytes = door.output();
    const names: string[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = at + 2 + (bytes[at]! | (bytes[at + 1]! << 8));
      names.push(decode(bytes.subarray(at + 2, end)));
      at = end;
    }
    return names;
  },
});

/** Sets an extended attribute: whether it is there or not (0), only if missing (1), only if there (2); 3 removes it. */
export const setAttr = (path: string, name: string, value: Uint8Array, how: number): Op<void> => ({
  syscall: how === 3 ? 'removexattr' : 'setxattr',
  path,
  changes: true,
  attempt(door) {
    const parts = [path, name].map((text) => new TextEncoder().encode(text)) as [Uint8Array, Uint8Array];
    door.put(...parts, value);
    return door.exports.isolith_fs_set_attr(parts[0].length, parts[1].length, value.length, 1, how);
  },
});

/** Sets times in milliseconds; NaN leaves one as it is. */
export const times = (target: Target, atime: number, mtime: number, follow = true): Op<void> => ({
  syscall: typeof target === 'number' ? 'futime' : follow ? 'utime' : 'lutime',
  ...about(target),
  changes: true,
  attempt: (door) => door.exports.isolith_fs_times(...place(door, target), Number(follow), atime, mtime),
});

export const truncate = (target: Target, size: number): Op<void> => ({
  syscall: typeof target === 'number' ? 'ftruncate' : 'open',
  ...about(target),
  changes: true,
  attempt: (door) => door.exports.isolith_fs_truncate(...place(door, target), size),
});

export const access = (path: string, mode: number): Op<void> => ({
  syscall: 'access',
  path,
  attempt: (door) => door.exports.isolith_fs_access(door.text(path), mode),
});

/** Store, bytes used and available, inodes, longest name, block size, 1 if in memory only. */
export const statfs = (path: string): Op<number[]> => ({
  syscall: 'statfs',
  path,
  attempt: (door) => door.exports.isolith_fs_statfs(door.text(path)),
  answer: (door) => Array.from({ length: 7 }, (_, at) => door.number(at)),
});

/** What was changed through an open file is durable when its steps are done; all changes of the file, on the disk itself, with `disk`. */
export const sync = (handle: number, disk: boolean): Op<void> => ({
  syscall: 'fsync',
  local: true,
  changes: true,
  attempt: (door) => door.exports.isolith_fs_sync(handle, Number(disk)),
});

/** Completes when all that has changed in the store is durable. */
export const clean = (store: number): Op<void> => ({
  syscall: 'fsync',
  local: true,
  attempt: (door) => door.exports.isolith_fs_clean(store),
});

export const check = (): Op<string[]> => ({
  syscall: 'check',
  attempt: (door) => door.exports.isolith_fs_check(),
  answer(door) {
    const text = decode(door.output());
    return text === '' ? [] : text.split('\n');
  },
});

export const map = (handle: number): Op<{ ptr: number; size: number; capacity: number }> => ({
  syscall: 'mmap',
  attempt: (door) => door.exports.isolith_fs_map(handle),
  answer: (door) => ({ ptr: door.number(0), size: door.number(1), capacity: door.number(2) }),
});

export const mapSync = (handle: number, offset: number, bytes: number): Op<void> => ({
  syscall: 'msync',
  local: true,
  changes: true,
  attempt: (door) => door.exports.isolith_fs_map_sync(handle, offset, bytes),
});

export const unmap = (handle: number): Op<void> => ({
  syscall: 'munmap',
  local: true,
  attempt: (door) => door.exports.isolith_fs_unmap(handle),
});

/** Bytes of memory that file contents take. */
export const cached = (): Op<number> => ({
  syscall: 'statfs',
  local: true,
  attempt: (door) => door.exports.isolith_fs_cached(),
  answer: (door) => door.number(0),
});
