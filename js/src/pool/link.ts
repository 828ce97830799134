/** The owner's side of a ring's slots: writes jobs into them, reads answers, brings back what was taken back. */

import { decode } from '../codec.js';
import { unpack } from '../codec/unpack.js';
import { IsolithError, unpackError } from '../errors.js';
import type { ToWorker } from '../protocol.js';
import { END_AT, INLINE, INLINE_AT, Kind, LinkWord, ON_BLOCK, type PoolExports, SlotWord, START_AT, THREW, type Views } from './exports.js';
import type { Job } from './job.js';
import { isPlainLength, readPlain, writePlain } from './plain.js';

/** Slots of a ring: one more than jobs can be ahead of a worker. */
const SLOTS = 512;

/** Posts to the link's worker. */
export type Post = (message: ToWorker, transfer?: Transferable[]) => void;

/** What a worker says of a job. */
export interface Outcome {
  readonly ok: boolean;
  readonly value: unknown;
  readonly start: number;
  readonly end: number;
}

/** The way to one worker. */
export interface Link {
  /** Address of the ring, 0 where jobs go by message. */
  readonly address: number;
  /** How many jobs may be ahead of the worker. */
  readonly window: number;
  /** Sends a job; `behind`: others are before it. */
  write(job: Job, slot: number, behind: boolean): void;
  /** What it was sent is no longer the worker's: for another one (`again`), or for nobody. */
  withdraw(job: Job, again: boolean): void;
  /** Asks the worker to stop a job. */
  ask(job: Job): void;
  /** Whether the job has looked at its signal. */
  hears(job: Job): boolean;
  heard(id: number): void;
  /** Gives back what the link had, after its worker's certain death. */
  free(): void;
}

/** Sources of functions in shared memory, where every worker finds them. */
export class Sources {
  readonly #kernel: PoolExports;
  readonly #views: Views;
  readonly #at = new Map<number, number>();
  #lastId = 0;
  #last = 0;

  constructor(kernel: PoolExports, views: Views) {
    this.#kernel = kernel;
    this.#views = views;
  }

  address(fn: { id: number; source: string }): number {
    if (fn.id === this.#lastId) return this.#last;
    this.#last = this.#at.get(fn.id) ?? this.#write(fn);
    this.#lastId = fn.id;
    return this.#last;
  }

  #write({ id, source }: { id: number; source: string }): number {
    const bytes = new TextEncoder().encode(source);
    const at = this.#kernel.isolith_bytes_new(bytes.length + 4) >>> 0;
    if (at === 0) throw exhausted(bytes.length);
    this.#views.reach(at + 4 + bytes.length);
    this.#views.i32[at >>> 2] = bytes.length;
    this.#views.u8.set(bytes, at + 4);
    this.#at.set(id, at);
    return at;
  }

  free(): void {
    for (const at of this.#at.values()) this.#kernel.isolith_bytes_free(at, this.#views.i32[at >>> 2]! + 4);
    this.#at.clear();
    this.#lastId = 0;
  }
}

function exhausted(bytes: number): IsolithError {
  return new IsolithError('ENOMEM', `the runtime's memory is exhausted: no ${bytes} bytes for a task`);
}

/** A link through shared memory. */
export class RingLink implements Link {
  readonly address: number;
  readonly window = SLOTS - 1;
  readonly #kernel: PoolExports;
  readonly #views: Views;
  readonly #sources: Sources;
  readonly #post: Post;

  constructor(kernel: PoolExports, views: Views, sources: Sources, post: Post) {
    this.#kernel = kernel;
    this.#views = views;
    this.#sources = sources;
    this.#post = post;
    const bytes = kernel.isolith_link_size(SLOTS);
    this.address = kernel.isolith_bytes_new(bytes) >>> 0;
    if (this.address === 0) throw exhausted(bytes);
    kernel.isolith_link_init(this.address, SLOTS);
    views.reach(this.address + bytes);
  }

  write(job: Job, slot: number, behind: boolean): void {
    const source = this.#sources.address(job.fn);
    job.slot = slot;
    this.#payload(job, slot, behind);
    const word = slot >>> 2;
    const { i32 } = this.#views;
    i32[word + SlotWord.job] = job.id;
    i32[word + SlotWord.fn] = job.fn.id;
    i32[word + SlotWord.source] = source;
    i32[word + SlotWord.room] = 0;
    if (!job.block) return;
    i32[word + SlotWord.kind]! |= ON_BLOCK;
    i32[word + SlotWord.block] = job.block.ptr;
    i32[word + SlotWord.blockSize] = job.block.size;
  }

  /** Puts the job's data into the slot, into memory of its own, or into a message. */
  #payload(job: Job, slot: number, behind: boolean): void {
    const views = this.#views;
    const word = slot >>> 2;
    const { bytes } = job;
    if (bytes === undefined) {
      const { data } = job;
      if (!job.transfer && writePlain(views, slot, data)) return;
      // Should it be taken back, it is sent again, as it was now.
      if (behind && !job.transfer) job.data = structuredClone(data);
      this.#post({ type: 'data', id: job.id, data, handles: job.handles }, job.transfer);
      views.i32[word + SlotWord.kind] = Kind.message;
      return;
    }
    const { length } = bytes;
    if (length <= INLINE && !job.packed) {
      views.i32[word + SlotWord.length] = length;
      views.i32[word + SlotWord.kind] = Kind.inline;
      const { u8 } = views;
      for (let i = 0, at = slot + INLINE_AT; i < length; i++) u8[at + i] = bytes[i]!;
      return;
    }
    const ptr = this.#kernel.isolith_bytes_new(length) >>> 0;
    if (ptr === 0) throw exhausted(length);
    views.reach(ptr + length);
    views.u8.set(bytes, ptr);
    views.i32[word + SlotWord.length] = length;
    views.i32[word + SlotWord.kind] = job.packed ? Kind.packed : Kind.block;
    views.i32[word + SlotWord.ptr] = ptr;
    job.ptr = ptr;
    job.length = length;
  }

  /** Reads the answer in a slot, unless nobody waits for it; undefined if it comes by message. */
  read(slot: number, job: Job): Outcome | undefined {
    const views = this.#views;
    const { i32, f64 } = views;
    const word = slot >>> 2;
    const kind = i32[word + SlotWord.kind]!;
    const wanted = !job.over;
    let value: unknown;
    if ((kind & 3) === Kind.inline) {
      const length = i32[word + SlotWord.length]!;
      if (isPlainLength(length)) value = readPlain(views, slot, length);
      else if (wanted) value = decode(views.u8, slot + INLINE_AT, slot + INLINE_AT + length);
    } else if ((kind & 3) !== Kind.message) {
      const ptr = i32[word + SlotWord.ptr]! >>> 0;
      const end = ptr + i32[word + SlotWord.length]!;
      views.reach(end);
      if (wanted) value = (kind & 3) === Kind.packed ? unpack(views.u8, ptr, end) : decode(views.u8, ptr, end);
      this.#kernel.isolith_bytes_free(ptr, end - ptr);
    }
    if (job.ptr !== 0) this.#release(job);
    if ((kind & 3) === Kind.message) return undefined;
    const ok = (kind & THREW) === 0;
    return { ok, value: ok || !wanted ? value : unpackError(value), start: f64[(slot + START_AT) >>> 3]!, end: f64[(slot + END_AT) >>> 3]! };
  }

  #release(job: Job): void {
    if (job.ptr !== 0) this.#kernel.isolith_bytes_free(job.ptr, job.length);
    job.ptr = 0;
  }

  withdraw(job: Job, again: boolean): void {
    const { u8, i32 } = this.#views;
    const word = job.slot >>> 2;
    const kind = i32[word + SlotWord.kind]! & 3;
    if (kind === Kind.message) {
      this.#post({ type: 'drop', id: job.id });
    } else if (again) {
      // Its data goes along to whoever gets it next.
      const at = kind === Kind.inline ? job.slot + INLINE_AT : job.ptr;
      const length = i32[word + SlotWord.length]!;
      if (kind !== Kind.inline || !isPlainLength(length)) job.bytes = u8.slice(at, at + length);
    }
    this.#release(job);
  }

  /** A job ends with its worker: what it had in memory comes back. */
  bury(job: Job): void {
    const { i32 } = this.#views;
    const word = job.slot >>> 2;
    const room = i32[word + SlotWord.room]! >>> 0;
    if (room !== 0) this.#kernel.isolith_bytes_free(room, i32[word + SlotWord.length]!);
    this.#release(job);
  }

  ask(job: Job): void {
    Atomics.store(this.#views.i32, (this.address >>> 2) + LinkWord.abort, job.id);
    this.#post({ type: 'abort', id: job.id });
  }

  hears(job: Job): boolean {
    return Atomics.load(this.#views.i32, (this.address >>> 2) + LinkWord.listens) === job.id;
  }

  heard(): void {}

  /** Whether the worker looks out for long, so that the owner should, too. */
  get looks(): boolean {
    return this.#views.i32[(this.address >>> 2) + LinkWord.looks] !== 0;
  }

  free(): void {
    this.#kernel.isolith_bytes_free(this.address, this.#kernel.isolith_link_size(SLOTS));
  }
}
