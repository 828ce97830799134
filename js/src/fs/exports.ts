/** The filesystem's exports of the kernel, and what a thread needs to talk to them. */

import type { Kernel } from '../kernel.js';
import type { Cargo } from './cargo.js';

/** Numbers in, a status out: 0, an error's number, or `AGAIN`. Paths stand in the input buffer. */
export interface FsExports {
  isolith_fs_frame(): number;
  isolith_fs_words(): number;
  isolith_fs_input(bytes: number): number;
  isolith_fs_trim(): void;
  isolith_fs_init(seedLow: number, seedHigh: number, cacheBytes: number): number;
  isolith_fs_budget(bytes: number): number;
  isolith_fs_cached(): number;
  isolith_fs_open(path: number, flags: number, mode: number, owner: number): number;
  isolith_fs_close(handle: number): number;
  isolith_fs_join(owner: number): void;
  isolith_fs_close_all(owner: number): number;
  isolith_fs_read(handle: number, offset: number, bytes: number): number;
  isolith_fs_write(handle: number, offset: number, bytes: number): number;
  isolith_fs_read_whole(path: number): number;
  isolith_fs_write_whole(path: number, bytes: number, mode: number, exclusive: number): number;
  isolith_fs_limit(): number;
  isolith_fs_draft(path: number, exclusive: number, owner: number): number;
  isolith_fs_publish(handle: number, path: number, mode: number, exclusive: number): number;
  isolith_fs_copy(from: number, fromOffset: number, to: number, toOffset: number, bytes: number): number;
  isolith_fs_stat(path: number, handle: number, follow: number): number;
  isolith_fs_mkdir(path: number, mode: number, all: number): number;
  isolith_fs_list(path: number, seen: number): number;
  isolith_fs_remove(path: number, what: number): number;
  isolith_fs_name(from: number, to: number, what: number): number;
  isolith_fs_readlink(path: number, real: number): number;
  isolith_fs_chmod(path: number, handle: number, follow: number, mode: number): number;
  isolith_fs_chown(path: number, handle: number, follow: number, uid: number, gid: number): number;
  isolith_fs_attr(path: number, name: number, follow: number): number;
  isolith_fs_set_attr(path: number, name: number, value: number, follow: number, how: number): number;
  isolith_fs_times(path: number, handle: number, follow: number, atime: number, mtime: number): number;
  isolith_fs_truncate(path: number, handle: number, size: number): number;
  isolith_fs_access(path: number, wanted: number): number;
  isolith_fs_statfs(path: number): number;
  isolith_fs_sync(handle: number, disk: number): number;
  isolith_fs_settled(store: number, node: number, epoch: number): number;
  isolith_fs_image(key: number, value: number): number;
  isolith_fs_mount(path: number, kind: number, readOnly: number): number;
  isolith_fs_unmount(store: number, lose: number): number;
  isolith_fs_remote(path: number, size: number, mtime: number, mode: number): number;
  isolith_fs_seal(store: number): number;
  isolith_fs_refresh(store: number): number;
  isolith_fs_last_log(store: number): number;
  isolith_fs_owned(store: number, yes: number): number;
  isolith_fs_own_failed(store: number, words: number): number;
  isolith_fs_space(store: number, used: number, available: number): number;
  isolith_fs_poll(store: number): number;
  isolith_fs_flush(store: number): number;
  isolith_fs_clean(store: number): number;
  isolith_fs_loads(store: number): number;
  isolith_fs_fill(load: number, bytes: number): number;
  isolith_fs_fill_failed(load: number, words: number): number;
  isolith_fs_fold(store: number): number;
  isolith_fs_batch(store: number, little: number): number;
  isolith_fs_batch_copied(store: number): number;
  isolith_fs_batch_done(store: number, epoch: number, error: number, words: number): number;
  isolith_fs_abandon(store: number): number;
  isolith_fs_sweep(store: number): number;
  isolith_fs_check(): number;
  isolith_fs_map(handle: number): number;
  isolith_fs_map_sync(handle: number, offset: number, bytes: number): number;
  isolith_fs_unmap(handle: number): number;
  isolith_fs_watch(owner: number): number;
  isolith_fs_unwatch(owner: number): number;
  isolith_fs_events(seq: number): number;
}

/** The database of `/` unless another is chosen. */
export const STORE_NAME = 'isolith';

/** A status that says: what was missing has been asked for, call again after the next tick. */
export const AGAIN = 0x1_0000;

/** The path length that says: the handle is meant. */
export const BY_HANDLE = -1;

/** Words in shared memory by which threads wait for each other; see `export/desk.rs`. */
export const enum Word {
  work,
  done,
  sleeping,
  pageWaits,
  shared,
  wanted,
  fresh,
  state,
  channelLow,
  channelHigh,
  watchers,
  direct,
  workers,
  instant,
}

/** What the word `state` says. */
export const enum State {
  none,
  starting,
  ready,
  failed,
}

/** What a directory holds: a type for each name (1 a file, 2 a directory, 3 a symbolic link). Not to be changed. */
export interface Listing {
  readonly names: readonly string[];
  readonly types: Uint8Array;
  /** The kernel's number for this state of the directory. */
  readonly stamp: number;
}

const doors = new WeakMap<Kernel, Door>();

/** The exports, with what a thread needs to talk to them. */
export class Door {
  readonly kernel: Kernel;
  readonly exports: FsExports;
  readonly cargo: Cargo;
  /** Listings by the path they were last asked for with; the kernel says whether they still hold. */
  readonly listings = new Map<string, Listing>();
  readonly #frame: number;
  readonly #wordsAt: number;
  #inputAt = 0;
  #inputSize = 0;
  #buffer: ArrayBufferLike | undefined;
  #words = new Int32Array(0);
  #numbers = new Float64Array(0);
  #u8 = new Uint8Array(0);

  /** The one door of a kernel on this thread: what is cached of it must not be cached twice. */
  static of(kernel: Kernel): Door {
    let door = doors.get(kernel);
    if (!door) doors.set(kernel, (door = new Door(kernel)));
    return door;
  }

  private constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.exports = kernel.exports as unknown as FsExports;
    this.cargo = kernel.cargo!;
    this.#frame = this.exports.isolith_fs_frame() >>> 0;
    this.#wordsAt = this.exports.isolith_fs_words() >>> 0;
  }

  #look(): void {
    const { buffer } = this.kernel.memory;
    if (buffer === this.#buffer) return;
    this.#buffer = buffer;
    this.#words = new Int32Array(buffer, this.#wordsAt, 14);
    this.#numbers = new Float64Array(buffer, this.#frame + 8, 16);
    this.#u8 = new Uint8Array(buffer);
  }

  get words(): Int32Array {
    this.#look();
    return this.#words;
  }

  /** All bytes of the memory. */
  get u8(): Uint8Array {
    this.#look();
    return this.#u8;
  }

  /** A number of the last answer. */
  number(at: number): number {
    this.#look();
    return this.#numbers[at]!;
  }

  /** A copy of the bytes of the last answer. */
  output(): Uint8Array<ArrayBuffer> {
    this.#look();
    const [at, length] = new Uint32Array(this.#u8.buffer, this.#frame, 2) as unknown as [number, number];
    const copy = new Uint8Array(length);
    copy.set(this.#u8.subarray(at, at + length));
    return copy;
  }

  /** The address of `bytes` bytes of input; valid until the next call for more. */
  input(bytes: number): number {
    if (bytes > this.#inputSize) {
      this.#inputAt = this.exports.isolith_fs_input(bytes) >>> 0;
      if (this.#inputAt === 0) throw new RangeError('memory is exhausted');
      this.#inputSize = bytes;
    }
    this.#look();
    return this.#inputAt;
  }

  /** Gives large buffers back. */
  trim(): void {
    if (this.#inputSize < 1 << 20) return;
    this.exports.isolith_fs_trim();
    this.#inputSize = 0;
  }

  /** Writes bytes as the input, one after the other. */
  put(...parts: Uint8Array[]): void {
    let at = this.input(parts.reduce((sum, part) => sum + part.length, 0));
    for (const part of parts) {
      this.#u8.set(part, at);
      at += part.length;
    }
  }

  /** Writes a text as the input, from byte `from` on; answers its bytes. */
  text(text: string, from = 0): number {
    const length = text.length;
    let at = this.input(Math.max(from + length, 256)) + from;
    const u8 = this.#u8;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) return this.#encode(text, from);
      u8[at++] = unit;
    }
    return length;
  }

  #encode(text: string, from: number): number {
    const bytes = new TextEncoder().encode(text);
    const before = this.#u8.slice(this.#inputAt, this.#inputAt + from);
    const at = this.input(from + bytes.length);
    this.#u8.set(before, at);
    this.#u8.set(bytes, at + from);
    return bytes.length;
  }
}
