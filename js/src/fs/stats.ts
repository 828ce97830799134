/** What `stat`, `readdir` and `statfs` answer, in the shape of Node.js. */

import { constants } from './constants.js';
import type { RawStat } from './ops.js';
import { join } from './path.js';

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK } = constants;

class Kind<T extends number | bigint> {
  declare readonly mode: T;

  #is(type: number): boolean {
    return (Number(this.mode) & S_IFMT) === type;
  }
  isFile(): boolean { return this.#is(S_IFREG); }
  isDirectory(): boolean { return this.#is(S_IFDIR); }
  isSymbolicLink(): boolean { return this.#is(S_IFLNK); }
  isBlockDevice(): boolean { return false; }
  isCharacterDevice(): boolean { return false; }
  isFIFO(): boolean { return false; }
  isSocket(): boolean { return false; }
}

/** What a file is: type, size, times. */
export class Stats extends Kind<number> {
  readonly dev: number;
  readonly ino: number;
  override readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev = 0;
  readonly size: number;
  readonly blksize = 4096;
  readonly blocks: number;
  readonly atimeMs: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly birthtimeMs: number;

  constructor(raw: RawStat) {
    super();
    const [dev, ino, mode, nlink, size] = raw as unknown as [number, number, number, number, number];
    this.dev = dev;
    this.ino = ino;
    this.mode = mode;
    this.nlink = nlink;
    this.uid = raw[13]!;
    this.gid = raw[14]!;
    this.size = size;
    this.blocks = Math.ceil(size / 512);
    const millis = (at: number): number => raw[at]! + raw[at + 1]! / 1e6;
    this.atimeMs = millis(5);
    this.mtimeMs = millis(7);
    this.ctimeMs = millis(9);
    this.birthtimeMs = millis(11);
  }

  get atime(): Date { return new Date(this.atimeMs); }
  get mtime(): Date { return new Date(this.mtimeMs); }
  get ctime(): Date { return new Date(this.ctimeMs); }
  get birthtime(): Date { return new Date(this.birthtimeMs); }
}

/** As `Stats`, in bigints, with times in nanoseconds. */
export class BigIntStats extends Kind<bigint> {
  readonly dev: bigint;
  readonly ino: bigint;
  override readonly mode: bigint;
  readonly nlink: bigint;
  readonly uid: bigint;
  readonly gid: bigint;
  readonly rdev = 0n;
  readonly size: bigint;
  readonly blksize = 4096n;
  readonly blocks: bigint;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly birthtimeNs: bigint;

  constructor(raw: RawStat) {
    super();
    const whole = (at: number): bigint => BigInt(raw[at]!);
    this.dev = whole(0);
    this.ino = whole(1);
    this.mode = whole(2);
    this.nlink = whole(3);
    this.uid = whole(13);
    this.gid = whole(14);
    this.size = whole(4);
    this.blocks = (this.size + 511n) / 512n;
    const nanos = (at: number): bigint => whole(at) * 1_000_000n + whole(at + 1);
    this.atimeNs = nanos(5);
    this.mtimeNs = nanos(7);
    this.ctimeNs = nanos(9);
    this.birthtimeNs = nanos(11);
  }

  get atimeMs(): bigint { return this.atimeNs / 1_000_000n; }
  get mtimeMs(): bigint { return this.mtimeNs / 1_000_000n; }
  get ctimeMs(): bigint { return this.ctimeNs / 1_000_000n; }
  get birthtimeMs(): bigint { return this.birthtimeNs / 1_000_000n; }
  get atime(): Date { return new Date(Number(this.atimeMs)); }
  get mtime(): Date { return new Date(Number(this.mtimeMs)); }
  get ctime(): Date { return new Date(Number(this.ctimeMs)); }
  get birthtime(): Date { return new Date(Number(this.birthtimeMs)); }
}

/** An entry of a directory. */
export class Dirent {
  readonly name: string;
  readonly parentPath: string;
  readonly #type: number;

  constructor(name: string, parentPath: string, type: number) {
    this.name = name;
    this.parentPath = parentPath;
    this.#type = type;
  }

  /** As `parentPath`; the older name. */
  get path(): string { return this.parentPath; }
  isFile(): boolean { return this.#type === 1; }
  isDirectory(): boolean { return this.#type === 2; }
  isSymbolicLink(): boolean { return this.#type === 3; }
  isBlockDevice(): boolean { return false; }
  isCharacterDevice(): boolean { return false; }
  isFIFO(): boolean { return false; }
  isSocket(): boolean { return false; }
}

/** How full a filesystem is; blocks are of `bsize` bytes. */
export interface StatFs<T extends number | bigint = number> {
  readonly type: T;
  readonly bsize: T;
  readonly blocks: T;
  readonly bfree: T;
  readonly bavail: T;
  readonly files: T;
  readonly ffree: T;
}

/** What Linux calls a filesystem in memory. */
const TMPFS = 0x1021994;

/** The numbers of the kernel as Node.js has them. */
export function statFs([, used, available, files, , size, inMemory]: readonly number[]): StatFs {
  const blocks = (bytes: number): number => Math.floor(bytes / size!);
  const free = blocks(available!);
  return { type: inMemory ? TMPFS : 0x15011, bsize: size!, blocks: blocks(used! + available!), bfree: free, bavail: free, files: files!, ffree: 2 ** 53 - 1 };
}

/** The same in bigints. */
export function bigStatFs(stat: StatFs): StatFs<bigint> {
  return Object.fromEntries(Object.entries(stat).map(([name, value]) => [name, BigInt(value as number)])) as unknown as StatFs<bigint>;
}

/** What callbacks of Node.js are given: an error or null, then the answer. */
export type Callback<T> = (error: Error | null, value: T) => void;

/** The keys of disposal; where the engine has none, those that compilers of `using` agree on. */
export const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');
export const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for('Symbol.dispose');

/** A directory that is read entry by entry, as it was when it was opened. */
export class Dir {
  readonly path: string;
  readonly #entries: Dirent[];
  #at = 0;
  #closed = false;

  constructor(path: string, entries: Dirent[]) {
    this.path = path;
    this.#entries = entries;
  }

  #check(): void {
    if (this.#closed) throw Object.assign(new Error('Directory handle was closed'), { code: 'ERR_DIR_CLOSED' });
  }

  readSync(): Dirent | null {
    this.#check();
    return this.#entries[this.#at++] ?? null;
  }

  read(): Promise<Dirent | null>;
  read(done: Callback<Dirent | null>): void;
  read(done?: Callback<Dirent | null>): Promise<Dirent | null> | void {
    return answer(async () => this.readSync(), done);
  }

  closeSync(): void {
    this.#check();
    this.#closed = true;
  }

  close(): Promise<void>;
  close(done: Callback<void>): void;
  close(done?: Callback<void>): Promise<void> | void {
    return answer(async () => this.closeSync(), done);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Dirent, undefined> {
    try {
      for (let entry = this.readSync(); entry; entry = this.readSync()) yield entry;
    } finally {
      if (!this.#closed) this.closeSync();
    }
    return undefined;
  }

  async [asyncDispose](): Promise<void> {
    if (!this.#closed) this.closeSync();
  }
}

/** A promise, or its outcome to a callback if there is one. */
export function answer<T>(ask: () => Promise<T>, done: Callback<T> | undefined): Promise<T> | void {
  if (!done) return ask();
  // Out of the promise: what the callback throws is nobody's rejection.
  ask().then((value) => queueMicrotask(() => done(null, value)), (error: Error) => queueMicrotask(() => done(error, undefined as T)));
}

/** Where an entry stands. */
export function pathOfEntry(entry: Dirent): string {
  return join(entry.parentPath, entry.name);
}
