/** Waiting for a word of shared memory to change: blocking in workers, as a promise everywhere. */

import { IsolithError } from '../errors.js';
import { isWebKit, mayBlock } from '../support.js';
import { after } from '../timer.js';

/** How long to wait, and what ends the wait before. */
export interface WaitOptions {
  /** Milliseconds; without it a wait has no end of its own. */
  readonly timeout?: number | undefined;
  /**
   * Ends the wait with the signal's reason. A blocked thread hears no events: there only a signal
   * that is aborted by another thread through shared memory (a task's `ctx.signal`) is noticed.
   */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A blocked thread looks again after this many ms whatever happens: a terminated worker may have
 * swallowed the wake-up (Chromium), or the other side died before it could ring.
 */
const SLICE = 50;

/** The same for promises. In WebKit's workers `waitAsync` loses wake-ups, so they look more often. */
const ASYNC_SLICE = waitAsyncIsLossy() ? 10 : 1000;

/** Rounds of `linger` that looking out takes at most, 20 to 40 µs: about what sleeping and being woken costs. */
const MOST = 16;
/** The round that a look-out begins with at most, 1 to 2 µs. */
const GATHER = 5;
/** Whoever has given up looking out tries again, some 3 µs, once in so many waits: the others may have become quicker. */
const [PROBE, PROBES] = [5, 64];

const clock: { now(): number } = typeof performance === 'undefined' ? Date : performance;
let blocking: boolean | undefined;

function waitAsyncIsLossy(): boolean {
  if (typeof Atomics.waitAsync !== 'function') return true;
  return typeof document === 'undefined' && isWebKit();
}

/** The moment at which a wait of these options ends, in ms of this thread's clock. */
export function deadlineOf(options: WaitOptions | undefined): number {
  const timeout = options?.timeout;
  if (timeout === undefined) return Infinity;
  if (!(timeout >= 0)) throw new RangeError(`a timeout is a number of milliseconds from 0 on, not ${timeout}`);
  return clock.now() + timeout;
}

/** Whether the moment has passed. */
export function isPast(deadline: number): boolean {
  return deadline !== Infinity && clock.now() >= deadline;
}

const atomics: { pause?(): void } = Atomics as object;

/** Lets a moment pass, longer from round to round: 1, 2, 4 … up to 64 pauses of the processor, some 3 µs. */
export function linger(round: number): void {
  if (atomics.pause !== undefined) {
    for (let i = 1 << Math.min(round, 6); i > 0; i--) atomics.pause();
  } else {
    // As long as pauses would take, roughly: loads that no compiler may leave out.
    for (let i = 8 << Math.min(round, 6); i > 0; i--) Atomics.load(nothing, 0);
  }
}

const nothing = new Int32Array(1);

/**
 * How long to look out for something before sleeping, learnt from how it went before.
 *
 * Where the other side runs on another core it answers within the look-out; where it shares this
 * one, looking out only keeps it from running.
 */
export class Patience {
  #rounds = MOST;
  #waits = 0;
  #first = 1;

  /**
   * Calls `attempt` after longer and longer pauses until it says true; false if that did not come soon.
   *
   * When `isMany` says that more was there than the one, the next look-out begins with a longer
   * pause: a stream is better let gather, since every look takes a cache line from its other end.
   */
  lookOut(attempt: () => boolean, isMany: () => boolean): boolean {
    const rounds = this.#rounds === 0 && ++this.#waits % PROBES === 0 ? PROBE : this.#rounds;
    for (let round = 0; round < rounds; round++) {
      linger(this.#first + round);
      if (!attempt()) continue;
      this.#rounds = MOST;
      this.#first = isMany() ? Math.min(this.#first + 1, GATHER) : Math.max(this.#first - 1, 1);
      return true;
    }
    this.#rounds >>= 1;
    return false;
  }
}

/** Throws where blocking is not allowed, naming what to call instead. */
export function requireBlocking(instead: string): void {
  if (!(blocking ??= mayBlock())) {
    throw new IsolithError('ENOTSUP', `a page's main thread may not block: use ${instead}`);
  }
}

/** Whether this thread may block. */
export function canBlock(): boolean {
  return (blocking ??= mayBlock());
}

/** Blocks while the word is `value`, for a slice at most; wakes up early for no reason at times. */
export function sleep(words: Int32Array, index: number, value: number, deadline: number, signal: AbortSignal | undefined): void {
  signal?.throwIfAborted();
  const left = deadline === Infinity ? SLICE : Math.max(0, Math.min(SLICE, deadline - clock.now()));
  Atomics.wait(words, index, value, left);
}

/** Like `sleep`, as a promise. Rejects with the signal's reason. */
export function sleepAsync(
  words: Int32Array, index: number, value: number, deadline: number, signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const left = deadline === Infinity ? ASYNC_SLICE : Math.max(0, Math.min(ASYNC_SLICE, deadline - clock.now()));
    const answer = Atomics.waitAsync?.(words, index, value, left);
    if (answer !== undefined && !answer.async) return resolve();
    // The timer beside the engine's own timeout: some lose both, and Node sleeps through neither.
    const timer = typeof setTimeout === 'function' ? setTimeout(done, left) : undefined;
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal!.reason as Error);
    };
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      resolve();
    }
    signal?.addEventListener('abort', abort, { once: true });
    void answer?.value.then(done);
  });
}

/**
 * Blocks until `attempt` says true, looking again whenever the word changes; false after the timeout.
 *
 * `bit` is set in the word first, for those who change it to see that somebody sleeps on it.
 */
export function blockUntil(
  words: Int32Array, index: number, attempt: () => boolean, options: WaitOptions | undefined, instead: string, bit = 0,
): boolean {
  if (attempt()) return true;
  requireBlocking(instead);
  const deadline = deadlineOf(options);
  for (;;) {
    // Read before the attempt: a change after this ends the sleep at once.
    const value = look(words, index, bit);
    if (attempt()) return true;
    if (isPast(deadline)) return false;
    sleep(words, index, value, deadline, options?.signal);
  }
}

/** Like `blockUntil`, as a promise. Rejects with the signal's reason. */
export async function until(
  words: Int32Array, index: number, attempt: () => boolean, options: WaitOptions | undefined, bit = 0,
): Promise<boolean> {
  options?.signal?.throwIfAborted();
  const deadline = deadlineOf(options);
  for (;;) {
    const value = look(words, index, bit);
    if (attempt()) return true;
    if (isPast(deadline)) return false;
    await sleepAsync(words, index, value, deadline, options?.signal);
  }
}

function look(words: Int32Array, index: number, bit: number): number {
  return bit === 0 ? Atomics.load(words, index) : Atomics.or(words, index, bit) | bit;
}

/** Turns the caller waits in on its own thread, so that only the first of them waits in shared memory. */
export class Line {
  #last: Promise<unknown> | undefined;
  #length = 0;

  /** Whether somebody stands in line. */
  get busy(): boolean {
    return this.#length > 0;
  }

  /** Runs `turn` when all earlier turns have ended; `signal` and `deadline` also end the standing. */
  enter<T>(turn: () => Promise<T>, deadline: number, late: () => T, signal: AbortSignal | undefined): Promise<T> {
    const before = this.#last;
    this.#length++;
    const mine = (before === undefined ? Promise.resolve() : before).then(() => {
      signal?.throwIfAborted();
      return turn();
    });
    const settled = mine.then(() => {}, () => {}).then(() => {
      if (--this.#length === 0) this.#last = undefined;
    });
    this.#last = settled;
    if (before === undefined || (deadline === Infinity && signal === undefined)) return mine;
    return impatient(before, mine, deadline, late, signal);
  }
}

/** Stops waiting for `mine` while `before` has not ended, at the deadline or on abort. */
function impatient<T>(
  before: Promise<unknown>, mine: Promise<T>, deadline: number, late: () => T, signal: AbortSignal | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal!.reason as Error);
    };
    const timer = after(Math.max(0, deadline - clock.now()), () => resolve(late()));
    if (signal?.aborted) return abort();
    signal?.addEventListener('abort', abort, { once: true });
    void before.then(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      mine.then(resolve, reject);
    });
  });
}
