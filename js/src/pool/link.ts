/** The owner's end of the ring: writes jobs into slots, takes answers out, takes jobs back. */

import { decode, encode } from '../codec.js';
import { unpackError } from '../errors.js';
import type { ToWorker } from '../protocol.js';
import {
  END_AT, INLINE, INLINE_AT, Kind, LinkWord, ON_BLOCK, type PoolExports, QUEUED, RUNNING, SlotWord, START_AT, THREW, type Views,
} from './exports.js';
import type { Job } from './job.js';
import { readJson } from './payload.js';

/** Slots of a ring: how many jobs can be ahead of a worker. */
const SLOTS = 512;

/** Told of each answer: the job, whether it went well, with what, and when it ran. */
export type OnAnswer = (job: Job, ok: boolean, value: unknown, start: number, end: number) => void;

/** Posts to the link's worker. */
export type Post = (message: ToWorker, transfer?: Transferable[]) => void;

/** The way to one worker. */
export interface Link {
  /** Jobs that the worker has and has not answered. */
  readonly load: number;
  /** How many jobs may be ahead of the worker. */
  readonly window: number;
  /** When answers were last taken. */
  readonly collectedAt: number;
  hasRoom(): boolean;
  /** Sends a job, for which there is room; answers whether the worker slept. */
  push(job: Job): boolean;
  /** Takes answers; whether there were any. */
  collect(glances: number): boolean;
  /** Takes back a job that the worker has not begun; false if it has, or cannot tell. */
  takeBack(job: Job): boolean;
  /** The job that the worker has begun, as far as one can know. */
  running(): Job | undefined;
  /** All that it has, oldest first. */
  jobs(): Job[];
  /** The answer of a job came by message. */
  answered(id: number): Job | undefined;
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

  constructor(kernel: PoolExports, views: Views) {
    this.#kernel = kernel;
    this.#views = views;
  }

  address(fn: { id: number; source: string }): number {
    const known = this.#at.get(fn.id);
    if (known !== undefined) return known;
    const bytes = new TextEncoder().encode(fn.source);
    const at = this.#kernel.isolith_bytes_new(bytes.length + 4) >>> 0;
    if (at === 0) throw new RangeError('memory is exhausted');
    this.#views.reach(at + 4 + bytes.length);
    this.#views.i32[at >>> 2] = bytes.length;
    this.#views.u8.set(bytes, at + 4);
    this.#at.set(fn.id, at);
    return at;
  }

  free(): void {
    for (const at of this.#at.values()) this.#kernel.isolith_bytes_free(at, this.#views.i32[at >>> 2]! + 4);
    this.#at.clear();
  }
}

/** A link through shared memory. */
export class RingLink implements Link {
  readonly address: number;
  readonly window = SLOTS - 1;
  collectedAt = 0;
  readonly #kernel: PoolExports;
  readonly #views: Views;
  readonly #sources: Sources;
  readonly #post: Post;
  readonly #onAnswer: OnAnswer;
  /** In the order of their slots. */
  readonly #jobs = new Map<number, Job>();
  /** Answered in the ring, but the value comes by message. */
  readonly #late = new Map<number, Job>();
  #reserved = 0;
  #collecting = false;

  constructor(kernel: PoolExports, views: Views, sources: Sources, post: Post, onAnswer: OnAnswer) {
    this.#kernel = kernel;
    this.#views = views;
    this.#sources = sources;
    this.#post = post;
    this.#onAnswer = onAnswer;
    const bytes = kernel.isolith_link_size(SLOTS);
    this.address = kernel.isolith_bytes_new(bytes) >>> 0;
    if (this.address === 0) throw new RangeError('memory is exhausted');
    kernel.isolith_link_init(this.address, SLOTS);
    views.reach(this.address + bytes);
  }

  get load(): number {
    return this.#jobs.size + this.#late.size;
  }

  doze(yes: boolean): void {
    if (yes) this.#kernel.isolith_link_doze(this.address);
    else Atomics.store(this.#views.i32, (this.address >>> 2) + LinkWord.owner, 0);
  }

  hasRoom(): boolean {
    if (this.#reserve()) return true;
    // Jobs that were taken back hold their slots until the worker has passed them and we look.
    this.collect(0);
    return this.#reserve();
  }

  #reserve(): boolean {
    return (this.#reserved ||= this.#kernel.isolith_link_reserve(this.address) >>> 0) !== 0;
  }

  push(job: Job): boolean {
    const kernel = this.#kernel;
    if (!this.hasRoom()) throw new RangeError('the ring is full');
    const slot = this.#reserved;
    this.#reserved = 0;
    const source = this.#sources.address(job.fn);
    const ptr = this.#write(job, slot);
    const word = slot >>> 2;
    const { i32 } = this.#views;
    i32[word + SlotWord.job] = job.id;
    i32[word + SlotWord.fn] = job.fn.id;
    i32[word + SlotWord.source] = source;
    i32[word + SlotWord.room] = 0;
    if (job.block) {
      i32[word + SlotWord.kind]! |= ON_BLOCK;
      i32[word + SlotWord.block] = job.block.ptr;
      i32[word + SlotWord.blockSize] = job.block.size;
    }
    job.slot = slot;
    job.ptr = ptr;
    this.#jobs.set(job.id, job);
    if (kernel.isolith_link_publish(this.address) === 0) return false;
    this.#post(0);
    return true;
  }

  /** Puts the job's data into the slot, a block, or a message; the block's address, else 0. */
  #write(job: Job, slot: number): number {
    const views = this.#views;
    const word = slot >>> 2;
    const { bytes } = job;
    if (bytes === undefined) {
      const { data } = job;
      const type = typeof data;
      if (type === 'number' || type === 'undefined' || type === 'boolean' || data === null) {
        views.i32[word + SlotWord.kind] = Kind.inline;
        views.i32[word + SlotWord.length] = encode(data, views.u8, slot + INLINE_AT) - slot - INLINE_AT;
      } else {
        this.#post({ type: 'data', id: job.id, data }, job.transfer);
        views.i32[word + SlotWord.kind] = Kind.message;
      }
      return 0;
    }
    const { length } = bytes;
    views.i32[word + SlotWord.length] = length;
    if (length <= INLINE && !job.json) {
      views.i32[word + SlotWord.kind] = Kind.inline;
      const { u8 } = views;
      for (let i = 0, at = slot + INLINE_AT; i < length; i++) u8[at + i] = bytes[i]!;
      return 0;
    }
    const ptr = this.#kernel.isolith_bytes_new(length) >>> 0;
    if (ptr === 0) throw new RangeError(`memory is exhausted: ${length} bytes of data`);
    views.reach(ptr + length);
    views.u8.set(bytes, ptr);
    views.i32[word + SlotWord.kind] = job.json ? Kind.json : Kind.block;
    views.i32[word + SlotWord.ptr] = ptr;
    job.length = length;
    return ptr;
  }

  collect(glances: number): boolean {
    // An answer may let a job in that looks for room here.
    if (this.#collecting) return false;
    const kernel = this.#kernel;
    let slot = kernel.isolith_link_collect(this.address, 0, glances) >>> 0;
    if (slot === 0) return false;
    this.collectedAt = performance.now();
    this.#collecting = true;
    do {
      this.#take(slot);
      slot = kernel.isolith_link_collect(this.address, 1, 0) >>> 0;
    } while (slot !== 0);
    this.#collecting = false;
    return true;
  }

  #take(slot: number): void {
    const views = this.#views;
    const { i32, f64 } = views;
    const word = slot >>> 2;
    const id = i32[word + SlotWord.job]!;
    const kind = i32[word + SlotWord.kind]!;
    const job = this.#jobs.get(id);
    let value: unknown;
    if ((kind & 3) === Kind.inline) {
      if (job) value = decode(views.u8, slot + INLINE_AT, slot + INLINE_AT + i32[word + SlotWord.length]!);
    } else if ((kind & 3) !== Kind.message) {
      const ptr = i32[word + SlotWord.ptr]! >>> 0;
      const end = ptr + i32[word + SlotWord.length]!;
      views.reach(end);
      if (job) value = (kind & 3) === Kind.json ? readJson(views.u8, ptr, end) : decode(views.u8, ptr, end);
      this.#kernel.isolith_bytes_free(ptr, end - ptr);
    } else if (job) {
      this.#remove(job);
      this.#late.set(id, job);
      return;
    }
    if (!job) return;
    this.#remove(job);
    const threw = (kind & THREW) !== 0;
    this.#onAnswer(job, !threw, threw ? unpackError(value) : value, f64[(slot + START_AT) >>> 3]!, f64[(slot + END_AT) >>> 3]!);
  }

  #remove(job: Job): void {
    this.#jobs.delete(job.id);
    if (job.ptr !== 0) this.#kernel.isolith_bytes_free(job.ptr, job.length);
    job.ptr = 0;
  }

  takeBack(job: Job): boolean {
    if (!this.#jobs.has(job.id) || this.#kernel.isolith_link_recall(job.slot) === 0) return false;
    const word = job.slot >>> 2;
    const { u8, i32 } = this.#views;
    const kind = i32[word + SlotWord.kind]! & 3;
    const at = kind === Kind.inline ? job.slot + INLINE_AT : job.ptr;
    // Its data goes along to whoever gets it next.
    if (kind === Kind.message) this.#post({ type: 'drop', id: job.id });
    else job.bytes = u8.slice(at, at + i32[word + SlotWord.length]!);
    this.#remove(job);
    return true;
  }

  running(): Job | undefined {
    for (const job of this.#jobs.values()) {
      const state = Atomics.load(this.#views.i32, job.slot >>> 2);
      if (state === RUNNING) return job;
      // What is before it may be done and not yet collected; what is behind has not begun.
      if (state === QUEUED) break;
    }
    const [late] = this.#late.values();
    return late;
  }

  jobs(): Job[] {
    return [...this.#late.values(), ...this.#jobs.values()];
  }

  answered(id: number): Job | undefined {
    const job = this.#jobs.get(id) ?? this.#late.get(id);
    if (job) this.#remove(job);
    this.#late.delete(id);
    return job;
  }

  ask(job: Job): void {
    Atomics.store(this.#views.i32, (this.address >>> 2) + LinkWord.abort, job.id);
    this.#post({ type: 'abort', id: job.id });
  }

  hears(job: Job): boolean {
    return Atomics.load(this.#views.i32, (this.address >>> 2) + LinkWord.listens) === job.id;
  }

  heard(): void {}

  free(): void {
    for (const job of this.#jobs.values()) {
      const { i32 } = this.#views;
      const word = job.slot >>> 2;
      const room = i32[word + SlotWord.room]! >>> 0;
      if (room !== 0) this.#kernel.isolith_bytes_free(room, i32[word + SlotWord.length]!);
      this.#remove(job);
    }
    this.#late.clear();
    this.#kernel.isolith_bytes_free(this.address, this.#kernel.isolith_link_size(SLOTS));
  }
}
