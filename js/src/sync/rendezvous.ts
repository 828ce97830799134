/** Channels without room, as Go's and Rust's of capacity 0: a value goes from hand to hand. */

import { IsolithError } from '../errors.js';
import { Mutex, timedOut, type Guard } from './mutex.js';
import type { Queue } from './queue.js';
import type { Storage } from './storage.js';
import { deadlineOf, isPast, requireBlocking, sleep, sleepAsync, type WaitOptions } from './wait.js';

/** Words of the queue's header: a mutex of two, and how many receivers wait. */
const SENDERS = 40;
const RECEIVERS = 42;
const WORDS = 48;

/**
 * The meeting of senders and receivers over a queue of one item.
 *
 * One sender at a time, by a mutex, lays its value into the queue and waits until it is gone; if
 * nobody comes for it, it takes it back. Receivers are counted, for those who only look.
 */
export class Rendezvous {
  readonly #queue: Queue<unknown>;
  readonly #senders: Mutex;
  readonly #words: Int32Array;

  constructor(queue: Queue<unknown>, { buffer, byteOffset }: Storage) {
    this.#queue = queue;
    this.#senders = new Mutex({ storage: { buffer, byteOffset: byteOffset + 4 * SENDERS } });
    this.#words = new Int32Array(buffer, byteOffset, WORDS);
  }

  /** Resolves when a receiver has taken the value; otherwise it is taken back. */
  async send(value: unknown, options: WaitOptions | undefined): Promise<void> {
    const deadline = deadlineOf(options);
    // A sender that was killed may have left its value to the next receiver, or not: nothing to repair.
    const guard = await this.#senders.lock({ ...options, recover: true });
    try {
      const left = deadline === Infinity ? undefined : Math.max(0, deadline - now());
      const position = this.#queue.pushPosition;
      if (!(await this.#queue.pushAsync(value, { ...options, timeout: left }))) throw timedOut('a send');
      try {
        for (;;) {
          const bell = this.#queue.announce('write');
          if (this.#isSettled(position, deadline)) return;
          await sleepAsync(bell.words, bell.index, bell.value, deadline, options?.signal);
        }
      } catch (error) {
        if (this.#queue.retract(position)) throw error;
      }
    } finally {
      guard.release();
    }
  }

  /** The same, blocking. */
  sendSync(value: unknown, options: WaitOptions | undefined): void {
    requireBlocking('send()');
    const deadline = deadlineOf(options);
    const guard: Guard = this.#senders.lockSync({ ...options, recover: true });
    try {
      const left = deadline === Infinity ? undefined : Math.max(0, deadline - now());
      const position = this.#queue.pushPosition;
      if (!this.#queue.pushWait(value, { ...options, timeout: left })) throw timedOut('a send');
      try {
        for (;;) {
          const bell = this.#queue.announce('write');
          if (this.#isSettled(position, deadline)) return;
          sleep(bell.words, bell.index, bell.value, deadline, options?.signal);
        }
      } catch (error) {
        if (this.#queue.retract(position)) throw error;
      }
    } finally {
      guard.release();
    }
  }

  /** Gives the value to a receiver that waits now, if there is one. */
  trySend(value: unknown): boolean {
    const guard = this.#senders.tryLock({ recover: true });
    if (guard === undefined) return false;
    try {
      if (Atomics.load(this.#words, RECEIVERS) > 0) return this.#queue.push(value);
      // Only for its error: a closed channel refuses, whoever waits.
      if (this.#queue.closed) throw closedMeanwhile();
      return false;
    } finally {
      guard.release();
    }
  }

  /** A receiver waits from now on: senders that only look are told. */
  arrive(): void {
    Atomics.add(this.#words, RECEIVERS, 1);
    this.#queue.nudge();
  }

  /** It waits no longer. */
  depart(): void {
    Atomics.sub(this.#words, RECEIVERS, 1);
  }

  /** The killer's sweep. */
  poison(dead: number): boolean {
    return this.#senders.poison(dead);
  }

  #isSettled(position: number, deadline: number): boolean {
    if (this.#queue.wasPopped(position)) return true;
    if (this.#queue.closed) throw closedMeanwhile();
    if (isPast(deadline)) throw timedOut('a send');
    return false;
  }
}

function closedMeanwhile(): IsolithError {
  return new IsolithError('EPIPE', 'the channel is closed');
}

function now(): number {
  return deadlineOf({ timeout: 0 });
}
