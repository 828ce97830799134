/**
 * Every receiver sees every value; one that is too slow loses the oldest and is told how many.
 *
 * Words: 0 the senders' turnstile (positions count cells) and 1 its position, 2 values sent; 16 the
 * position of the oldest value kept; 32 kind, 33 capacity, 34 cells, 36 values kept; from word 48 on the cells: length, number, bytes of each value.
 *
 * A receiver copies a value without a lock and then looks whether the oldest position has passed it
 * meanwhile, in which case the copy is rubbish. Senders move that position by an exchange before they
 * overwrite, and receivers look by an addition of 0: on processors that reorder, both are barriers,
 * which plain atomic loads and stores are not in these directions.
 */

import { decode, encode, FULL, NOT_CODABLE } from '../codec.js';
import { IsolithError } from '../errors.js';
import { timedOut } from './mutex.js';
import { allocate, type Handle, type Storage, type StorageOptions, storageOf } from './storage.js';
import { ahead, BITS, BUSY, CLOSED, SLEEPER, STEP, TAKEN, Turnstiles, WORD } from './turnstile.js';
import { blockUntil, until, type WaitOptions } from './wait.js';

const TAIL = 0;
const SENT = 2;
const OLDEST = 16;
const KIND = 32;
const CAPACITY = 33;
const CELLS = 34;
const KEPT = 36;
const HEADER = 48;
const MAGIC = 0x4942_0001;

/** What `broadcast` takes. */
export interface BroadcastOptions extends StorageOptions {
  /** Values kept for the slowest receiver; 256 unless told. */
  readonly capacity?: number | undefined;
  /** Room for their bytes; 64 KiB, or 64 a value, unless told. */
  readonly bytes?: number | undefined;
}

/** One to many, or many to many; `send` never waits. */
export class Broadcast<T = unknown> extends Turnstiles {
  /** Values kept at most. */
  readonly capacity: number;
  /** @internal */
  readonly cells: Int32Array;
  /** @internal */
  readonly bytes: Uint8Array;

  /** The broadcast of a handle that another thread sent. */
  static attach<T = unknown>(handle: Handle): Broadcast<T> {
    return new Broadcast(storageOf(handle, 'broadcast'));
  }

  /** @internal */
  constructor(storage: Storage) {
    super('broadcast', storage, HEADER);
    if (this.w[KIND] !== MAGIC) throw new IsolithError('EINVAL', `no broadcast at byte ${storage.byteOffset} of this memory`);
    this.capacity = this.w[CAPACITY]!;
    const start = storage.byteOffset + 4 * HEADER;
    this.cells = new Int32Array(storage.buffer, start, this.w[CELLS]!);
    this.bytes = new Uint8Array(storage.buffer, start, 4 * this.w[CELLS]!);
  }

  /** Sends to all receivers. Never blocks for them; any thread. Throws `EPIPE` once closed, `EMSGSIZE`. */
  send(value: T): void {
    const from = encoded(value);
    const { w, cells, bytes } = this;
    const mask = cells.length - 1;
    const step = (2 + ((from.length + 3) >>> 2)) * STEP;
    if (step > cells.length * STEP) {
      throw new IsolithError('EMSGSIZE', `a value of ${from.length} bytes does not fit a broadcast of ${4 * cells.length}: create it with more bytes`);
    }
    const word = this.enter(TAIL);
    if (word === BUSY) throw new IsolithError('EBUSY', 'a sender that does not run holds the broadcast: send again');
    const before = word & ~SLEEPER;
    if ((before & CLOSED) !== 0) {
      this.leave(TAIL, before);
      throw new IsolithError('EPIPE', 'the broadcast is closed');
    }
    let oldest = w[OLDEST]!;
    let kept = w[KEPT]!;
    while (kept >= this.capacity || ahead(before, oldest) + step > cells.length * STEP) {
      oldest = (oldest + (2 + ((cells[(oldest >>> 3) & mask]! + 3) >>> 2)) * STEP) & WORD;
      kept--;
    }
    // Before the first overwriting store: a receiver that reads there will see it was passed.
    if (oldest !== w[OLDEST]) Atomics.exchange(w, OLDEST, oldest);
    const cell = before >>> 3;
    cells[cell & mask] = from.length;
    cells[(cell + 1) & mask] = w[SENT]!;
    const start = 4 * ((cell + 2) & mask);
    const straight = Math.min(from.length, bytes.length - start);
    bytes.set(from.subarray(0, straight), start);
    bytes.set(from.subarray(straight), 0);
    w[KEPT] = kept + 1;
    w[SENT] = (w[SENT]! + 1) | 0;
    this.leave(TAIL, (before + step) & WORD);
  }

  /** A receiver of all that is sent from now on. */
  subscribe(): Receiver<T> {
    const before = this.enter(TAIL);
    if (before === BUSY) throw new IsolithError('EBUSY', 'a sender that does not run holds the broadcast: subscribe again');
    const next = this.w[SENT]!;
    this.leave(TAIL, before);
    return new Receiver(this, this.w, before & ~BITS, next);
  }

  /** Refuses further sends; receivers get what is kept, then end. */
  close(): void {
    const before = this.enter(TAIL);
    if (before === BUSY) throw new IsolithError('EBUSY', 'a sender that does not run holds the broadcast: close it again');
    this.leave(TAIL, before | CLOSED);
  }

  /** Whether `close` was called, on any thread. */
  get closed(): boolean {
    return (this.outside(TAIL) & CLOSED) !== 0;
  }

  /** @internal The position up to which all is sent, or BUSY. */
  get sentTo(): number {
    for (let tries = 1; ; tries++) {
      const word = Atomics.load(this.w, TAIL);
      // The position beside a taken turnstile may be ahead of its bytes: wait the instant.
      if ((word & TAKEN) === 0) return word & ~BITS;
      if (this.pause(tries, TAIL)) return BUSY;
    }
  }

  /** The killer's sweep: lets the others send if thread `dead` was sending. */
  poison(dead: number): boolean {
    const was = this.open(TAIL, dead);
    const before = was ? this.enter(TAIL) : BUSY;
    if (before !== BUSY) {
      // It may have died between moving the oldest position and counting: count again.
      const { w, cells } = this;
      const mask = cells.length - 1;
      let kept = 0;
      for (let at = w[OLDEST]!; at !== (before & ~BITS); kept++) {
        w[SENT] = (cells[((at >>> 3) + 1) & mask]! + 1) | 0;
        at = (at + (2 + ((cells[(at >>> 3) & mask]! + 3) >>> 2)) * STEP) & WORD;
      }
      w[KEPT] = kept;
      this.leave(TAIL, before);
    }
    Atomics.notify(this.w, TAIL);
    return was;
  }
}

const NONE = Symbol('none');

/** One receiver's place in a broadcast; for one thread. */
export class Receiver<T = unknown> {
  readonly #from: Broadcast<T>;
  readonly #w: Int32Array;
  #position: number;
  #next: number;
  #lagged = 0;

  /** @internal */
  constructor(from: Broadcast<T>, words: Int32Array, position: number, next: number) {
    this.#from = from;
    this.#w = words;
    this.#position = position;
    this.#next = next;
  }

  /** Values that were overwritten before this receiver came to them, in all. */
  get lagged(): number {
    return this.#lagged;
  }

  /** The next value, when there is one. Rejects with `EPIPE` once closed and read to the end, `ETIMEDOUT`. */
  async recv(options?: WaitOptions): Promise<T> {
    let value: T | typeof NONE = NONE;
    const done = await until(this.#w, TAIL, () => this.#attempt((it) => (value = it)), options, SLEEPER);
    return this.#answer(value, done);
  }

  /** The next value, blocking while there is none. Workers only; throws as `recv` rejects. */
  recvSync(options?: WaitOptions): T {
    let value: T | typeof NONE = NONE;
    const done = blockUntil(this.#w, TAIL, () => this.#attempt((it) => (value = it)), options, 'recv()', SLEEPER);
    return this.#answer(value, done);
  }

  /** The next value in a box, if there is one now. */
  tryRecv(): { value: T } | undefined {
    const value = this.#take();
    return value === NONE ? undefined : { value };
  }

  /** Values until the broadcast is closed and read to the end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      let value: T | typeof NONE = NONE;
      await until(this.#w, TAIL, () => this.#attempt((it) => (value = it)), undefined, SLEEPER);
      if (value === NONE) return;
      yield value;
    }
  }

  #answer(value: T | typeof NONE, done: boolean): T {
    if (value !== NONE) return value;
    throw done ? new IsolithError('EPIPE', 'the broadcast is closed') : timedOut('a receive');
  }

  /** True when there is a value, which is handed on, or never will be one. */
  #attempt(use: (value: T) => void): boolean {
    const over = this.#from.closed;
    const value = this.#take();
    if (value === NONE) return over;
    use(value);
    return true;
  }

  #take(): T | typeof NONE {
    const { cells, bytes } = this.#from;
    const mask = cells.length - 1;
    for (;;) {
      const tail = this.#from.sentTo;
      if (this.#position === tail || tail === BUSY) return NONE;
      const cell = this.#position >>> 3;
      const size = cells[cell & mask]!;
      const number = cells[(cell + 1) & mask]!;
      if (this.#wasPassed()) continue;
      const start = 4 * ((cell + 2) & mask);
      const straight = Math.min(size, bytes.length - start);
      const copy = new Uint8Array(size);
      copy.set(bytes.subarray(start, start + straight));
      copy.set(bytes.subarray(0, size - straight), straight);
      if (this.#wasPassed()) continue;
      this.#lagged += (number - this.#next) | 0;
      this.#next = (number + 1) | 0;
      this.#position = (this.#position + (2 + ((size + 3) >>> 2)) * STEP) & WORD;
      return decode(copy) as T;
    }
  }

  /** Whether the senders have overwritten this place; then it moves on to the oldest value. */
  #wasPassed(): boolean {
    const oldest = Atomics.add(this.#w, OLDEST, 0);
    if (ahead(this.#position, oldest) >= 0) return false;
    this.#position = oldest;
    return true;
  }
}

let scratch = new Uint8Array(4096);

function encoded(value: unknown): Uint8Array {
  for (;;) {
    const size = encode(value, scratch, 0);
    if (size >= 0) return scratch.subarray(0, size);
    if (size === NOT_CODABLE) {
      throw new DOMException('a broadcast carries no ports, Blobs, shared buffers or other platform objects', 'DataCloneError');
    }
    if (size === FULL) scratch = new Uint8Array(2 * scratch.length);
  }
}

/** A broadcast without receivers. */
export function broadcast<T = unknown>(options: BroadcastOptions = {}): Broadcast<T> {
  const { capacity = 256 } = options;
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > 1 << 24) {
    throw new RangeError(`a broadcast's capacity is a whole number from 1 to ${1 << 24}, not ${capacity}`);
  }
  const bytes = options.bytes ?? Math.max(1 << 16, 64 * capacity);
  if (!(bytes >= 16 && bytes <= 1 << 27)) throw new RangeError(`a broadcast's bytes are 16 to ${1 << 27}, not ${bytes}`);
  const cells = 2 ** Math.ceil(Math.log2(bytes / 4));
  const storage = allocate(4 * (HEADER + cells), options);
  const words = new Int32Array(storage.buffer, storage.byteOffset, HEADER);
  words[CAPACITY] = capacity;
  words[CELLS] = cells;
  words[KIND] = MAGIC;
  return new Broadcast(storage);
}
