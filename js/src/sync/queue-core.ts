/**
 * What all queues are: the words of the turnstiles, and waiting, closing and sweeping over them.
 *
 * A ring with a turnstile at each end; `src/sync/queue.rs` explains it, proves it under loom and
 * shares this layout. A turnstile word holds a position shifted left by 3, a SLEEPER and a CLOSED bit.
 * A thread may be terminated between any two instructions: what it had not published never was.
 */

import { IsolithError } from '../errors.js';
import { deadlineOf, isPast, Line, Patience, requireBlocking, sleep, sleepAsync, type WaitOptions } from './wait.js';
import type { Bell, Storage } from './storage.js';
import { ahead, BITS, BUSY, CLOSED, STEP, Turnstiles, WORD } from './turnstile.js';

/** What a queue's items are: numbers, bytes, or whatever the codec takes. */
export type QueueType = 'i32' | 'u32' | 'f64' | 'bytes' | 'any';

export const TAIL = 0;
/** The position of the tail while a producer is inside. */
export const TAIL_POSITION = 1;
export const HEAD_SEEN = 2;
export const PUSHED = 3;
export const POPPED_SEEN = 4;
export const HEAD = 16;
export const HEAD_POSITION = 17;
export const TAIL_SEEN = 18;
export const POPPED = 19;
export const KIND = 32;
export const CAPACITY = 33;
export const SLOTS = 34;
export const HEADER = 48;

/** Kind words: `IQ` and a number, as in `queue.rs`. */
export const KINDS: readonly QueueType[] = ['u32', 'i32', 'f64', 'bytes', 'any'];
export const MAGIC = 0x4951_0001;

/** Slots or cells, or room for so many, that make a stream of what is waited for. */
const MANY = 4;

/** Answer of an attempt that found nothing. */
export const NOTHING = Symbol('nothing');

/** A bounded queue in shared memory; made by `createQueue`, found again by `Queue.attach`. */
export abstract class QueueCore<T = unknown> extends Turnstiles {
  /** Items at most. */
  readonly capacity: number;
  /** What the items are. */
  readonly type: QueueType;
  protected readonly mask: number;
  readonly #pushing = new Line();
  readonly #popping = new Line();
  readonly #patience = new Patience();

  /** @internal */
  constructor(storage: Storage, words: number) {
    super('queue', storage, words);
    this.type = KINDS[this.w[KIND]! - MAGIC]!;
    this.capacity = this.w[CAPACITY]!;
    this.mask = this.w[SLOTS]! - 1;
  }

  /**
   * Pushes without waiting; false if there is no room now.
   *
   * Any thread, never blocks or allocates for numbers. Throws `EPIPE` once the queue is closed.
   */
  abstract push(value: T): boolean;

  /** Takes the oldest item without waiting; undefined if there is none. Any thread, never blocks. */
  abstract pop(): T | undefined;

  /** @internal One attempt to pop, told apart from an item that is `undefined`. */
  abstract take(): T | typeof NOTHING;

  /** A value that keeps until an asynchronous push gets its turn. */
  protected keep(value: T): () => boolean {
    return () => this.push(value);
  }

  /** Pushes, blocking while there is no room; false after the timeout. Workers only. */
  pushWait(value: T, options?: WaitOptions): boolean {
    if (this.push(value)) return true;
    requireBlocking('pushAsync');
    const attempt = this.keep(value);
    // The longer its pauses, the more the other side gets done before its words are looked at again.
    if (this.#patience.lookOut(attempt, () => ahead(this.w[TAIL]!, this.w[HEAD_SEEN]!) < (this.mask - MANY) * STEP)) return true;
    const deadline = deadlineOf(options);
    for (;;) {
      const word = this.bellOf(HEAD);
      if (attempt()) return true;
      if (isPast(deadline)) return false;
      sleep(this.w, HEAD, word, deadline, options?.signal);
      if (attempt()) return true;
    }
  }

  /** Takes the oldest item, blocking while there is none; undefined after the timeout, or once closed and empty. Workers only. */
  popWait(options?: WaitOptions): T | undefined {
    const item = this.takeWait(options);
    return item === NOTHING ? undefined : item;
  }

  /** @internal `popWait`, with `NOTHING` for none. */
  takeWait(options?: WaitOptions): T | typeof NOTHING {
    let item = this.take();
    if (item !== NOTHING) return item;
    requireBlocking('popAsync');
    if (this.#patience.lookOut(() => (item = this.take()) !== NOTHING, () => ahead(this.w[TAIL_SEEN]!, this.w[HEAD]!) > MANY * STEP)) return item;
    const deadline = deadlineOf(options);
    for (;;) {
      const word = this.bellOf(TAIL);
      item = this.take();
      if (item !== NOTHING) return item;
      if (this.closed || isPast(deadline)) return this.take();
      sleep(this.w, TAIL, word, deadline, options?.signal);
      // Before it asks to be woken again, which would be for nothing.
      item = this.take();
      if (item !== NOTHING) return item;
    }
  }

  /** Pushes when there is room; false after the timeout. Pushes of one thread keep their order. */
  async pushAsync(value: T, options?: WaitOptions): Promise<boolean> {
    options?.signal?.throwIfAborted();
    if (!this.#pushing.busy && this.push(value)) return true;
    const deadline = deadlineOf(options);
    const attempt = this.keep(value);
    const turn = async (): Promise<boolean> => {
      for (;;) {
        const word = this.bellOf(HEAD);
        if (attempt()) return true;
        if (isPast(deadline)) return false;
        await sleepAsync(this.w, HEAD, word, deadline, options?.signal);
      }
    };
    return this.#pushing.enter(turn, deadline, () => false, options?.signal);
  }

  /** Takes the oldest item when there is one; undefined after the timeout, or once closed and empty. */
  async popAsync(options?: WaitOptions): Promise<T | undefined> {
    const item = await this.next(options);
    return item === NOTHING ? undefined : item;
  }

  /** @internal `popAsync`, with `NOTHING` for none. */
  async next(options?: WaitOptions): Promise<T | typeof NOTHING> {
    options?.signal?.throwIfAborted();
    if (!this.#popping.busy) {
      const item = this.take();
      if (item !== NOTHING) return item;
    }
    const deadline = deadlineOf(options);
    const turn = async (): Promise<T | typeof NOTHING> => {
      for (;;) {
        const word = this.bellOf(TAIL);
        const item = this.take();
        if (item !== NOTHING) return item;
        if (this.closed) return this.take();
        if (isPast(deadline)) return NOTHING;
        await sleepAsync(this.w, TAIL, word, deadline, options?.signal);
      }
    };
    return this.#popping.enter(turn, deadline, () => NOTHING, options?.signal);
  }

  /** Takes items as they come until the queue is closed and empty. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      const item = await this.next();
      if (item === NOTHING) return;
      yield item;
    }
  }

  /** How many items wait now. */
  get length(): number {
    const head = this.outside(HEAD) & ~BITS;
    const tail = this.outside(TAIL) & ~BITS;
    return Math.min(((tail - head) & WORD) >>> 3, this.capacity);
  }

  /** Whether `close` was called, on any thread. */
  get closed(): boolean {
    return (this.outside(TAIL) & CLOSED) !== 0;
  }

  /** Refuses further pushes and wakes everybody; what is queued can still be popped. */
  close(): void {
    for (const end of [TAIL, HEAD]) {
      const before = this.enter(end);
      if (before === BUSY) throw new IsolithError('EBUSY', 'the queue is held by a thread that does not run: close it again');
      this.leave(end, before | CLOSED);
    }
    this.wakeAll();
  }

  /** Drops what is queued now. */
  clear(): void {
    this.#drop(undefined);
  }

  /** @internal The position at which the next item will be pushed, for who alone pushes. */
  get pushPosition(): number {
    return this.outside(TAIL) & ~BITS;
  }

  /** @internal Whether the item that was pushed at this position has been popped. */
  wasPopped(position: number): boolean {
    return ahead(this.outside(HEAD) & ~BITS, position) > 0;
  }

  /** @internal Takes the only item back if it is still at this position; false if it was popped. */
  retract(position: number): boolean {
    return this.#drop(position);
  }

  /** @internal Wakes who waits for room, without any. */
  nudge(): void {
    const before = this.enter(HEAD);
    if (before !== BUSY) this.leave(HEAD, before);
  }

  /** Drops all items, if the oldest is the one at this position. */
  #drop(position: number | undefined): boolean {
    const before = this.enter(HEAD);
    if (before === BUSY) throw new IsolithError('EBUSY', 'the queue is held by a thread that does not run: clear it again');
    if (position !== undefined && (before & ~BITS) !== position) {
      this.leave(HEAD, before);
      return false;
    }
    // Inside at both ends: what is dropped has been written whole.
    this.insideBoth = true;
    const last = this.enter(TAIL);
    this.insideBoth = false;
    if (last === BUSY) {
      this.leave(HEAD, before);
      throw new IsolithError('EBUSY', 'the queue is held by a thread that does not run: clear it again');
    }
    const tail = last & ~BITS;
    this.dropped();
    this.w[TAIL_SEEN] = tail;
    this.leave(TAIL, last);
    this.leave(HEAD, tail | (before & CLOSED));
    return true;
  }

  /**
   * The killer's sweep: if thread `dead` is inside, lets the others pass; wakes all. Says whether it was.
   *
   * What it was pushing is lost with it, what it was popping is still there. Only for a thread that
   * is certain never to run again.
   */
  poison(dead: number): boolean {
    let opened = false;
    for (const end of [TAIL, HEAD]) {
      opened = this.open(end, dead) || opened;
    }
    this.wakeAll();
    return opened;
  }

  /** All items are about to be dropped; this thread is inside at both ends. */
  protected dropped(): void {}

  protected wakeAll(): void {
    Atomics.notify(this.w, TAIL);
    Atomics.notify(this.w, HEAD);
  }

  /** @internal For waiting on many: the word to sleep on until the other side did something. */
  announce(side: 'read' | 'write'): Bell {
    const index = side === 'read' ? TAIL : HEAD;
    return { words: this.w, index, value: this.bellOf(index) };
  }
}

/** A push to a closed queue. */
export function closedError(): IsolithError {
  return new IsolithError('EPIPE', 'the queue is closed');
}

