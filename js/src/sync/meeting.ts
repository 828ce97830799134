/** Where threads count or meet: semaphore, barrier, once and wait group, of a few words each. */

import { IsolithError } from '../errors.js';
import { Guard, timedOut } from './mutex.js';
import { allocate, type Handle, Shared, type StorageOptions, storageOf } from './storage.js';
import { isDead, threadId } from './thread.js';
import { blockUntil, until, type WaitOptions } from './wait.js';

function requireCount(what: string, n: number, least: number): void {
  if (!Number.isInteger(n) || n < least || n > 0x3fff_ffff) throw new RangeError(`${what} is a whole number from ${least} on, not ${n}`);
}

/** Permits that threads take and give. They have no owner: what a killed thread took must be given by another. */
export class Semaphore extends Shared {
  static readonly BYTES = 8;

  /** A semaphore of `permits`. */
  constructor(permits: number, options?: StorageOptions) {
    requireCount('a number of permits', permits, 0);
    super('semaphore', allocate(Semaphore.BYTES, options), 2);
    Atomics.add(this.w, 0, permits);
  }

  /** The semaphore of a handle that another thread sent. */
  static attach(handle: Handle): Semaphore {
    return new Semaphore(0, { storage: storageOf(handle, 'semaphore') });
  }

  /** Permits that are free now. */
  get available(): number {
    return Atomics.load(this.w, 0);
  }

  /** Takes `n` permits if they are free now. */
  tryAcquire(n = 1): boolean {
    requireCount('a number of permits', n, 1);
    for (;;) {
      const free = Atomics.load(this.w, 0);
      if (free < n) return false;
      if (Atomics.compareExchange(this.w, 0, free, free - n) === free) return true;
    }
  }

  /** Blocks until it has `n` permits. Workers only; throws `ETIMEDOUT`. */
  acquireSync(n = 1, options?: WaitOptions): Guard {
    if (!blockUntil(this.w, 0, () => this.tryAcquire(n), options, 'acquire()')) throw timedOut('a permit');
    return new Guard(() => this.release(n));
  }

  /** Takes `n` permits when they are free; rejects with `ETIMEDOUT`. */
  async acquire(n = 1, options?: WaitOptions): Promise<Guard> {
    if (!(await until(this.w, 0, () => this.tryAcquire(n), options))) throw timedOut('a permit');
    return new Guard(() => this.release(n));
  }

  /** Gives `n` permits, taken here or elsewhere or new. */
  release(n = 1): void {
    requireCount('a number of permits', n, 1);
    Atomics.add(this.w, 0, n);
    Atomics.notify(this.w, 0);
  }
}

const BROKEN = 0x8000_0000 | 0;

/** A point that `parties` threads pass together, again and again. */
export class Barrier extends Shared {
  static readonly BYTES = 16;
  // Words: 0 rounds passed, with bit 31 once broken; 1 threads here; 2 parties.

  /** A barrier for `parties` threads. */
  constructor(parties: number, options?: StorageOptions) {
    requireCount('a number of parties', parties, 1);
    super('barrier', allocate(Barrier.BYTES, options), 4);
    Atomics.store(this.w, 2, parties);
  }

  /** The barrier of a handle that another thread sent. */
  static attach(handle: Handle): Barrier {
    const storage = storageOf(handle, 'barrier');
    return new Barrier(new Int32Array(storage.buffer, storage.byteOffset, 4)[2]!, { storage });
  }

  /**
   * Blocks until all parties are here; true for the last to come. Workers only.
   *
   * A timeout or abort breaks the barrier for everybody, since the others would wait for ever:
   * they get `EPIPE`, the one whose time ran out `ETIMEDOUT`.
   */
  waitSync(options?: WaitOptions): boolean {
    const round = this.#arrive();
    if (round < 0) return true;
    let passed = false;
    try {
      passed = blockUntil(this.w, 0, () => this.#isOver(round), options, 'wait()');
    } finally {
      if (!passed) this.abort();
    }
    return this.#leave(round, passed);
  }

  /** The same as a promise, on every thread. */
  async wait(options?: WaitOptions): Promise<boolean> {
    const round = this.#arrive();
    if (round < 0) return true;
    let passed = false;
    try {
      passed = await until(this.w, 0, () => this.#isOver(round), options);
    } finally {
      if (!passed) this.abort();
    }
    return this.#leave(round, passed);
  }

  /** Breaks the barrier: all who wait, or come later, get `EPIPE`. For when a party is dead. */
  abort(): void {
    Atomics.or(this.w, 0, BROKEN);
    Atomics.notify(this.w, 0);
  }

  /** The round to wait out, or -1 for the last to come. */
  #arrive(): number {
    const round = Atomics.load(this.w, 0);
    if ((round & BROKEN) !== 0) throw broken();
    if (Atomics.add(this.w, 1, 1) + 1 < Atomics.load(this.w, 2)) return round;
    Atomics.store(this.w, 1, 0);
    Atomics.add(this.w, 0, 1);
    Atomics.notify(this.w, 0);
    return -1;
  }

  #isOver(round: number): boolean {
    return Atomics.load(this.w, 0) !== round;
  }

  #leave(round: number, passed: boolean): boolean {
    if (!passed) throw timedOut('a barrier');
    if (Atomics.load(this.w, 0) === (round | BROKEN)) throw broken();
    return false;
  }
}

function broken(): IsolithError {
  return new IsolithError('EPIPE', 'the barrier is broken: a party gave up or died');
}

const DONE = -1;

/** Something that one thread does once while the others wait for it. */
export class Once extends Shared {
  static readonly BYTES = 8;
  // Word 0: 0, the id of the thread that runs it, or DONE.

  /** Not done yet. */
  constructor(options?: StorageOptions) {
    super('once', allocate(Once.BYTES, options), 2);
  }

  /** The once of a handle that another thread sent. */
  static attach(handle: Handle): Once {
    return new Once({ storage: storageOf(handle, 'once') });
  }

  /** Whether it is done. */
  get done(): boolean {
    return Atomics.load(this.w, 0) === DONE;
  }

  /** Runs `init` unless it was run; blocks while another thread runs it. True if this call ran it. Workers only. */
  callSync(init: () => void, options?: WaitOptions): boolean {
    let mine = false;
    if (!blockUntil(this.w, 0, () => this.done || (mine = this.#claim()), options, 'call()')) throw timedOut('a once');
    if (!mine) return false;
    let fine = false;
    try {
      init();
      fine = true;
    } finally {
      this.#settle(fine);
    }
    return true;
  }

  /** The same as a promise; `init` may be asynchronous. If it throws, the next caller tries again. */
  async call(init: () => void | Promise<void>, options?: WaitOptions): Promise<boolean> {
    let mine = false;
    if (!(await until(this.w, 0, () => this.done || (mine = this.#claim()), options))) throw timedOut('a once');
    if (!mine) return false;
    let fine = false;
    try {
      await init();
      fine = true;
    } finally {
      this.#settle(fine);
    }
    return true;
  }

  /** The killer's sweep: if thread `dead` was at it, the next caller does it again. */
  poison(dead: number): boolean {
    const was = dead !== 0 && Atomics.compareExchange(this.w, 0, dead, 0) === dead;
    Atomics.notify(this.w, 0);
    return was;
  }

  #claim(): boolean {
    const runner = Atomics.compareExchange(this.w, 0, 0, threadId());
    if (runner > 0 && isDead(runner)) this.poison(runner);
    return runner === 0;
  }

  #settle(fine: boolean): void {
    Atomics.store(this.w, 0, fine ? DONE : 0);
    Atomics.notify(this.w, 0);
  }
}

/** A count of things under way, and a wait for none. */
export class WaitGroup extends Shared {
  static readonly BYTES = 8;

  /** A group with nothing under way. */
  constructor(options?: StorageOptions) {
    super('waitgroup', allocate(WaitGroup.BYTES, options), 2);
  }

  /** The group of a handle that another thread sent. */
  static attach(handle: Handle): WaitGroup {
    return new WaitGroup({ storage: storageOf(handle, 'waitgroup') });
  }

  /** Things under way now. */
  get count(): number {
    return Atomics.load(this.w, 0);
  }

  /** `n` more are under way. */
  add(n = 1): void {
    requireCount('a number of things', n, 1);
    Atomics.add(this.w, 0, n);
  }

  /** One is done. Throws a RangeError if none was under way. */
  done(): void {
    for (;;) {
      const count = Atomics.load(this.w, 0);
      if (count <= 0) throw new RangeError('done() without add()');
      if (Atomics.compareExchange(this.w, 0, count, count - 1) !== count) continue;
      if (count === 1) Atomics.notify(this.w, 0);
      return;
    }
  }

  /** Blocks until none is under way; false after the timeout. Workers only. */
  waitSync(options?: WaitOptions): boolean {
    return blockUntil(this.w, 0, () => this.count === 0, options, 'wait()');
  }

  /** The same as a promise. */
  wait(options?: WaitOptions): Promise<boolean> {
    return until(this.w, 0, () => this.count === 0, options);
  }
}
