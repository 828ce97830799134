/**
 * A mutex that knows its holder, and the condition variable that goes with it.
 *
 * Words of a mutex: 0 the holder's thread id with bit 31 for "somebody may be asleep", 1 the id of a
 * holder that died. Word of a condvar: 0 a count of notifications. As in `src/sync/mutex.rs`.
 */

import { IsolithError } from '../errors.js';
import { allocate, type Handle, Shared, type StorageOptions, storageOf } from './storage.js';
import { isDead, threadId } from './thread.js';
import { deadlineOf, isPast, Line, requireBlocking, sleep, sleepAsync, type WaitOptions } from './wait.js';

const STATE = 0;
const POISON = 1;
const SEQUENCE = 0;
const SLEEPER = 0x8000_0000 | 0;
const SPINS = 100;

/** How to take a lock. */
export interface LockOptions extends WaitOptions {
  /** Take the lock even if its holder was killed; `guard.ownerDied` then says so, and unlocking heals it. */
  readonly recover?: boolean | undefined;
}

/** A lock that is held; `release()`, `using` or the end of a task gives it back. */
export class Guard {
  /** Whether the last holder was killed: what the lock protects may be half changed. */
  readonly ownerDied: boolean;
  #release: (() => void) | undefined;

  /** @internal */
  constructor(release: () => void, ownerDied = false) {
    this.#release = release;
    this.ownerDied = ownerDied;
  }

  /** Gives the lock back; a second call does nothing. */
  release(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }
}

export interface Guard {
  /** For `using`, where the engine has it. */
  [Symbol.dispose](): void;
}
if (typeof Symbol.dispose === 'symbol') {
  Object.defineProperty(Guard.prototype, Symbol.dispose, { value: Guard.prototype.release });
}

/** The error of a wait that was not answered in time. */
export function timedOut(what: string): IsolithError {
  return new IsolithError('ETIMEDOUT', `${what} took longer than the timeout`);
}

/** Mutual exclusion between threads, and between asynchronous tasks of one thread. */
export class Mutex extends Shared {
  /** Bytes of storage that one takes. */
  static readonly BYTES = 8;
  readonly #line = new Line();

  /** A free mutex. */
  constructor(options?: StorageOptions) {
    super('mutex', allocate(Mutex.BYTES, options), 2);
  }

  /** The mutex of a handle that another thread sent. */
  static attach(handle: Handle): Mutex {
    return new Mutex({ storage: storageOf(handle, 'mutex') });
  }

  /** Takes the lock if it is free now. Throws `EOWNERDEAD` as `lock` does. */
  tryLock(options?: LockOptions): Guard | undefined {
    return this.#take(threadId()) ? this.#guard(options) : undefined;
  }

  /**
   * Blocks until the lock is free and takes it. Workers only.
   *
   * Throws `ETIMEDOUT`; `EOWNERDEAD` when a holder was killed, until someone locks with `recover`.
   */
  lockSync(options?: LockOptions): Guard {
    this.#acquire(options);
    return this.#guard(options);
  }

  /** Takes the lock when it is free; in order among the callers of one thread. Rejects as `lockSync` throws. */
  async lock(options?: LockOptions): Promise<Guard> {
    options?.signal?.throwIfAborted();
    if (this.#line.busy || !this.#take(threadId())) await this.#wait(options);
    return this.#guard(options);
  }

  /** Gives the lock back; `guard.release()` does the same. */
  unlock(): void {
    if ((Atomics.exchange(this.w, STATE, 0) & SLEEPER) !== 0) Atomics.notify(this.w, STATE);
  }

  /** Id of the thread that holds the lock now, 0 if none. */
  get holder(): number {
    return Atomics.load(this.w, STATE) & ~SLEEPER;
  }

  /**
   * The killer's sweep: frees the lock if thread `dead` holds it, so that the next one is told.
   *
   * Only for a thread that is certain never to run again. Says whether it held the lock.
   */
  poison(dead: number): boolean {
    if (dead === 0) return false;
    // Of all who find it out at once one takes the lock over: a second must not free it from under its next holder.
    for (;;) {
      const state = Atomics.load(this.w, STATE);
      if ((state & ~SLEEPER) !== dead) return false;
      if (Atomics.compareExchange(this.w, STATE, state, threadId() | SLEEPER) === state) break;
    }
    Atomics.store(this.w, POISON, dead);
    Atomics.store(this.w, STATE, 0);
    Atomics.notify(this.w, STATE);
    return true;
  }

  /** @internal For a condvar: takes the lock back whatever became of others. */
  reacquireSync(): void {
    this.#acquire(undefined);
  }

  /** @internal */
  async reacquire(): Promise<void> {
    if (!this.#take(threadId())) await this.#wait(undefined);
  }

  #take(id: number): boolean {
    return Atomics.compareExchange(this.w, STATE, 0, id) === 0;
  }

  #acquire(options: LockOptions | undefined): void {
    const id = threadId();
    for (let i = 0; i < SPINS; i++) if (this.#take(id)) return;
    requireBlocking('lock()');
    const deadline = deadlineOf(options);
    for (;;) {
      const state = this.#mark(id);
      if (state === 0) return;
      if (isPast(deadline)) throw timedOut('a lock');
      if (this.#sweep(state)) continue;
      sleep(this.w, STATE, state, deadline, options?.signal);
    }
  }

  #wait(options: LockOptions | undefined): Promise<void> {
    const deadline = deadlineOf(options);
    const id = threadId();
    const turn = async (): Promise<void> => {
      for (;;) {
        const state = this.#mark(id);
        if (state === 0) return;
        if (isPast(deadline)) throw timedOut('a lock');
        if (this.#sweep(state)) continue;
        await sleepAsync(this.w, STATE, state, deadline, options?.signal);
      }
    };
    return this.#line.enter(turn, deadline, () => { throw timedOut('a lock'); }, options?.signal);
  }

  /**
   * Takes the lock (0), or sets the sleeper's bit and answers the word to sleep on.
   *
   * It takes the lock with the bit set: others may sleep whose bit went away with the last unlock.
   */
  #mark(id: number): number {
    for (;;) {
      const state = Atomics.load(this.w, STATE);
      if (state === 0) {
        if (Atomics.compareExchange(this.w, STATE, 0, id | SLEEPER) === 0) return 0;
      } else if ((state & SLEEPER) !== 0) {
        return state;
      } else if (Atomics.compareExchange(this.w, STATE, state, state | SLEEPER) === state) {
        return state | SLEEPER;
      }
    }
  }

  #sweep(state: number): boolean {
    const holder = state & ~SLEEPER;
    return isDead(holder) && this.poison(holder);
  }

  #guard(options: LockOptions | undefined): Guard {
    const dead = Atomics.load(this.w, POISON);
    if (dead === 0) return new Guard(() => this.unlock());
    if (options?.recover) {
      return new Guard(() => {
        Atomics.store(this.w, POISON, 0);
        this.unlock();
      }, true);
    }
    this.unlock();
    throw new IsolithError('EOWNERDEAD', `thread ${dead} was killed while it held this lock: repair, with lock({ recover: true })`);
  }
}

/** Where holders of a mutex wait until what it protects has changed. */
export class Condvar extends Shared {
  static readonly BYTES = 8;

  /** A condition variable nobody waits on. */
  constructor(options?: StorageOptions) {
    super('condvar', allocate(Condvar.BYTES, options), 2);
  }

  /** The condition variable of a handle that another thread sent. */
  static attach(handle: Handle): Condvar {
    return new Condvar({ storage: storageOf(handle, 'condvar') });
  }

  /**
   * Unlocks the mutex, blocks until notified, locks it again; false after the timeout. Workers only.
   *
   * May return early: call it in a loop that tests the condition.
   */
  waitSync(mutex: Mutex, options?: WaitOptions): boolean {
    requireBlocking('wait()');
    const deadline = deadlineOf(options);
    const seen = Atomics.load(this.w, SEQUENCE);
    mutex.unlock();
    try {
      while (Atomics.load(this.w, SEQUENCE) === seen) {
        if (isPast(deadline)) return false;
        sleep(this.w, SEQUENCE, seen, deadline, options?.signal);
      }
      return true;
    } finally {
      mutex.reacquireSync();
    }
  }

  /** The same as a promise, on every thread. */
  async wait(mutex: Mutex, options?: WaitOptions): Promise<boolean> {
    const deadline = deadlineOf(options);
    const seen = Atomics.load(this.w, SEQUENCE);
    mutex.unlock();
    try {
      while (Atomics.load(this.w, SEQUENCE) === seen) {
        if (isPast(deadline)) return false;
        await sleepAsync(this.w, SEQUENCE, seen, deadline, options?.signal);
      }
      return true;
    } finally {
      await mutex.reacquire();
    }
  }

  /** Wakes at least one waiter; the others may wake early, which they must bear anyway. */
  notifyOne(): void {
    Atomics.add(this.w, SEQUENCE, 1);
    Atomics.notify(this.w, SEQUENCE, 1);
  }

  /** Wakes all waiters. */
  notifyAll(): void {
    Atomics.add(this.w, SEQUENCE, 1);
    Atomics.notify(this.w, SEQUENCE);
  }
}

