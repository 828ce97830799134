/**
 * A lock that many readers or one writer hold, whose killed holders can be swept away.
 *
 * Words: 0 a count of changes, 1 the writer's thread id, 2 the id of a writer that died, from 4 on a
 * slot per reader with its thread id. A reader writes its slot, then looks at the writer; a writer
 * writes its word, then looks at the slots: at least one sees the other, and the reader gives way.
 */

import { IsolithError } from '../errors.js';
import { Guard, type LockOptions, timedOut } from './mutex.js';
import { allocate, type Handle, Shared, type StorageOptions, storageOf } from './storage.js';
import { isDead, threadId } from './thread.js';
import { blockUntil, until } from './wait.js';

const CHANGES = 0;
const WRITER = 1;
const POISON = 2;
const SLOTS = 4;
const WORDS = 64;

/** Many readers or one writer. A writer that waits holds back new readers. Not recursive. */
export class RwLock extends Shared {
  /** Bytes of storage that one takes: room for 60 readers at once, more wait. */
  static readonly BYTES = 4 * WORDS;

  /** A free lock. */
  constructor(options?: StorageOptions) {
    super('rwlock', allocate(RwLock.BYTES, options), WORDS);
  }

  /** The lock of a handle that another thread sent. */
  static attach(handle: Handle): RwLock {
    return new RwLock({ storage: storageOf(handle, 'rwlock') });
  }

  /** Blocks until no writer has the lock and takes part in it. Workers only. Throws as `Mutex.lockSync`. */
  readSync(options?: LockOptions): Guard {
    let slot = -1;
    if (!blockUntil(this.w, CHANGES, () => (slot = this.#enterRead()) >= 0, options, 'read()')) throw timedOut('a read lock');
    return this.#readGuard(slot, options);
  }

  /** Takes part in the lock when no writer has it. */
  async read(options?: LockOptions): Promise<Guard> {
    let slot = -1;
    if (!(await until(this.w, CHANGES, () => (slot = this.#enterRead()) >= 0, options))) throw timedOut('a read lock');
    return this.#readGuard(slot, options);
  }

  /** Blocks until nobody else has the lock and takes it alone. Workers only. Throws as `Mutex.lockSync`. */
  writeSync(options?: LockOptions): Guard {
    if (!blockUntil(this.w, CHANGES, () => this.#claim(), options, 'write()')) throw timedOut('a write lock');
    this.#orGiveBack(() => blockUntil(this.w, CHANGES, () => this.#isAlone(), options, 'write()'));
    return this.#writeGuard(options);
  }

  /** Takes the lock alone when nobody else has it. */
  async write(options?: LockOptions): Promise<Guard> {
    if (!(await until(this.w, CHANGES, () => this.#claim(), options))) throw timedOut('a write lock');
    let alone = false;
    try {
      alone = await until(this.w, CHANGES, () => this.#isAlone(), options);
    } finally {
      if (!alone) this.#leaveWrite();
    }
    if (!alone) throw timedOut('a write lock');
    return this.#writeGuard(options);
  }

  /** The killer's sweep: takes thread `dead` out of the lock. A dead writer poisons it, readers do not. */
  poison(dead: number): boolean {
    let held = false;
    for (let slot = SLOTS; slot < WORDS; slot++) held = Atomics.compareExchange(this.w, slot, dead, 0) === dead || held;
    // Of all who find it out at once one takes the lock over: a second must not free it from under its next holder.
    if (dead !== 0 && Atomics.compareExchange(this.w, WRITER, dead, threadId()) === dead) {
      Atomics.store(this.w, POISON, dead);
      Atomics.store(this.w, WRITER, 0);
      held = true;
    }
    this.#changed();
    return held;
  }

  #enterRead(): number {
    const writer = Atomics.load(this.w, WRITER);
    if (writer !== 0 && !(isDead(writer) && this.poison(writer))) return -1;
    const id = threadId();
    for (let slot = SLOTS; slot < WORDS; slot++) {
      if (Atomics.compareExchange(this.w, slot, 0, id) !== 0) continue;
      if (Atomics.load(this.w, WRITER) === 0) return slot;
      this.#leaveRead(slot);
      return -1;
    }
    return -1;
  }

  #leaveRead(slot: number): void {
    Atomics.store(this.w, slot, 0);
    this.#changed();
  }

  #claim(): boolean {
    const writer = Atomics.compareExchange(this.w, WRITER, 0, threadId());
    if (isDead(writer)) this.poison(writer);
    return writer === 0;
  }

  #isAlone(): boolean {
    for (let slot = SLOTS; slot < WORDS; slot++) {
      const reader = Atomics.load(this.w, slot);
      if (reader !== 0 && !(isDead(reader) && this.poison(reader))) return false;
    }
    return true;
  }

  #leaveWrite(): void {
    Atomics.store(this.w, WRITER, 0);
    this.#changed();
  }

  #orGiveBack(wait: () => boolean): void {
    let alone = false;
    try {
      alone = wait();
    } finally {
      if (!alone) this.#leaveWrite();
    }
    if (!alone) throw timedOut('a write lock');
  }

  #changed(): void {
    Atomics.add(this.w, CHANGES, 1);
    Atomics.notify(this.w, CHANGES);
  }

  #readGuard(slot: number, options: LockOptions | undefined): Guard {
    const died = Atomics.load(this.w, POISON);
    if (died === 0 || options?.recover) return new Guard(() => this.#leaveRead(slot), died !== 0);
    this.#leaveRead(slot);
    throw ownerDied(died);
  }

  #writeGuard(options: LockOptions | undefined): Guard {
    const died = Atomics.load(this.w, POISON);
    if (died === 0) return new Guard(() => this.#leaveWrite());
    if (options?.recover) {
      return new Guard(() => {
        Atomics.store(this.w, POISON, 0);
        this.#leaveWrite();
      }, true);
    }
    this.#leaveWrite();
    throw ownerDied(died);
  }
}

function ownerDied(dead: number): IsolithError {
  return new IsolithError('EOWNERDEAD', `thread ${dead} was killed while it wrote under this lock: repair, with write({ recover: true })`);
}
