/** Channels between threads: queues with the manners of Go's and Rust's, and a choice among many. */

import { IsolithError } from '../errors.js';
import { timedOut } from './mutex.js';
import { createQueue, Queue, type QueueOptions } from './queue.js';
import { NOTHING } from './queue-core.js';
import type { Bell, Handle } from './storage.js';
import { deadlineOf, isPast, sleepAsync, type WaitOptions } from './wait.js';

/** What `createSharedChannel` takes: as a queue, with a capacity of 64 unless told. */
export type ChannelOptions = QueueOptions;

function closed(): IsolithError {
  return new IsolithError('EPIPE', 'the channel is closed');
}

/** A bounded channel for any number of senders and receivers on any threads. */
export class Channel<T = unknown> {
  readonly handle: Handle;
  readonly #queue: Queue<T>;

  /** The channel of a handle that another thread sent. */
  static attach<T = unknown>(handle: Handle): Channel<T> {
    return new Channel(Queue.attach<T>({ ...handle, isolith: handle.isolith === 'channel' ? 'queue' : 'none' }));
  }

  /** @internal */
  constructor(queue: Queue<T>) {
    this.#queue = queue;
    this.handle = { ...queue.handle, isolith: 'channel' };
  }

  /** Sends when there is room. Rejects with `EPIPE` once the channel is closed, `ETIMEDOUT`, or the signal's reason. */
  async send(value: T, options?: WaitOptions): Promise<void> {
    if (!(await this.#queue.pushAsync(value, options))) throw timedOut('a send');
  }

  /** Sends, blocking while there is no room. Workers only; throws as `send` rejects. */
  sendSync(value: T, options?: WaitOptions): void {
    if (!this.#queue.pushWait(value, options)) throw timedOut('a send');
  }

  /** Sends if there is room now. Throws `EPIPE` once the channel is closed. */
  trySend(value: T): boolean {
    return this.#queue.push(value);
  }

  /** The oldest value, when there is one. Rejects with `EPIPE` once closed and empty, `ETIMEDOUT`, or the signal's reason. */
  async recv(options?: WaitOptions): Promise<T> {
    const value = await this.#queue.next(options);
    if (value !== NOTHING) return value;
    throw this.closed ? closed() : timedOut('a receive');
  }

  /** The oldest value, blocking while there is none. Workers only; throws as `recv` rejects. */
  recvSync(options?: WaitOptions): T {
    const value = this.#queue.takeWait(options);
    if (value !== NOTHING) return value;
    throw this.closed ? closed() : timedOut('a receive');
  }

  /** The oldest value in a box, if there is one now. */
  tryRecv(): { value: T } | undefined {
    const value = this.#queue.take();
    return value === NOTHING ? undefined : { value };
  }

  /** Values until the channel is closed and empty. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    return this.#queue[Symbol.asyncIterator]();
  }

  /** Refuses further sends; what was sent can still be received. Twice is once. */
  close(): void {
    this.#queue.close();
  }

  /** Whether `close` was called, on any thread. */
  get closed(): boolean {
    return this.#queue.closed;
  }

  /** Values that wait now. */
  get length(): number {
    return this.#queue.length;
  }

  /** Values at most. */
  get capacity(): number {
    return this.#queue.capacity;
  }

  /** The killer's sweep, as `Queue.poison`. */
  poison(dead: number): boolean {
    return this.#queue.poison(dead);
  }

  /** Gives the memory back; nobody may use the channel any more. */
  free(): void {
    this.#queue.free();
  }

  /** @internal */
  announce(side: 'read' | 'write'): Bell {
    return this.#queue.announce(side);
  }
}

/** A channel in shared memory. */
export function createSharedChannel<T = unknown>(options: ChannelOptions = {}): Channel<T> {
  return new Channel(createQueue<T>({ capacity: 64, ...options }));
}

/** One thing that `select` may do. */
export type Case = { readonly recv: Channel<never> | Channel } | { readonly send: Channel<never> | Channel; readonly value: unknown };

/** What `select` did: which case, and for a receive its value, or that the channel is closed and empty. */
export interface Selected {
  readonly index: number;
  readonly value?: unknown;
  readonly closed?: true;
}

/**
 * Does exactly one of the cases, as soon as one is possible; undefined after the timeout.
 *
 * Among several that are possible it chooses by chance, so none starves. A timeout of 0 only looks.
 * Sending on a closed channel rejects with `EPIPE`; receiving from one answers `closed`.
 */
export async function select(cases: readonly Case[], options?: WaitOptions): Promise<Selected | undefined> {
  options?.signal?.throwIfAborted();
  const deadline = deadlineOf(options);
  for (;;) {
    // The bells first: what changes after the attempts ends the sleep at once.
    const bells = cases.map((it) => ('recv' in it ? it.recv.announce('read') : it.send.announce('write')));
    const start = Math.floor(Math.random() * cases.length);
    for (let i = 0; i < cases.length; i++) {
      const index = (start + i) % cases.length;
      const done = attempt(cases[index]!, index);
      if (done !== undefined) return done;
    }
    if (isPast(deadline)) return undefined;
    await firstOf(bells, deadline, options?.signal);
  }
}

function attempt(it: Case, index: number): Selected | undefined {
  if ('send' in it) return (it.send as Channel).trySend(it.value) ? { index } : undefined;
  // Closed is read first: after it nothing is sent, so a miss then is final.
  const over = it.recv.closed;
  const got = it.recv.tryRecv();
  if (got !== undefined) return { index, value: got.value };
  return over ? { index, closed: true } : undefined;
}

async function firstOf(bells: readonly Bell[], deadline: number, signal: AbortSignal | undefined): Promise<void> {
  const others = new AbortController();
  const stop = signal === undefined ? others.signal : AbortSignal.any([signal, others.signal]);
  const sleeps = bells.map((bell) => sleepAsync(bell.words, bell.index, bell.value, deadline, stop));
  try {
    await Promise.race(sleeps);
  } finally {
    others.abort();
    await Promise.allSettled(sleeps);
  }
}
