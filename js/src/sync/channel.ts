/** Channels between threads: queues with the manners of Go's and Rust's. */

import { IsolithError } from '../errors.js';
import { timedOut } from './mutex.js';
import { createQueue, Queue, type QueueOptions } from './queue.js';
import { NOTHING } from './queue-core.js';
import { Rendezvous } from './rendezvous.js';
import { type Bell, type Handle, storageOf } from './storage.js';
import type { WaitOptions } from './wait.js';

/** Writes values as bytes and reads them again; the same on every thread that uses the channel. */
export interface Codec<T> {
  /** The bytes of a value; copied at once. */
  encode(value: T): Uint8Array;
  /** The value of these bytes, which are the decoder's to keep. */
  decode(bytes: Uint8Array): T;
}

/** What `createSharedChannel` takes: as a queue. */
export interface ChannelOptions<T = unknown> extends QueueOptions {
  /** Values at most; 64 unless told. With 0 a send ends when a receiver has taken the value. */
  readonly capacity?: number | undefined;
  /** Instead of `type`: values as these functions write them. Other threads need them too: `channel.withCodec`. */
  readonly codec?: Codec<T> | undefined;
}

/** Word of the queue's header: what kind of channel is built on it. */
const FLAGS = 38;
const MEETING = 1;
const CODED = 2;

/** A bounded channel for any number of senders and receivers on any threads. */
export class Channel<T = unknown> {
  readonly handle: Handle;
  readonly #queue: Queue<unknown>;
  readonly #codec: Codec<T> | undefined;
  readonly #coded: boolean;
  readonly #meeting: Rendezvous | undefined;

  /** The channel of a handle that another thread sent. */
  static attach<T = unknown>(handle: Handle, options?: { readonly codec?: Codec<T> | undefined }): Channel<T> {
    return new Channel<T>(Queue.attach({ ...handle, isolith: handle.isolith === 'channel' ? 'queue' : 'none' }), options?.codec);
  }

  /** @internal */
  constructor(queue: Queue<unknown>, codec: Codec<T> | undefined) {
    const storage = storageOf(queue.handle);
    const flags = new Int32Array(storage.buffer, storage.byteOffset, FLAGS + 1)[FLAGS]!;
    this.#queue = queue;
    this.#codec = codec;
    this.#coded = (flags & CODED) !== 0;
    this.#meeting = (flags & MEETING) === 0 ? undefined : new Rendezvous(queue, storage);
    this.handle = { ...queue.handle, isolith: 'channel' };
  }

  /** The same channel with the codec that it was created with: functions do not travel to other threads. */
  withCodec<U>(codec: Codec<U>): Channel<U> {
    if (!this.#coded) throw new IsolithError('EINVAL', 'this channel was created without a codec');
    return new Channel<U>(this.#queue, codec);
  }

  /**
   * Sends when there is room, or without any when a receiver takes the value.
   *
   * Rejects with `EPIPE` once the channel is closed, `ETIMEDOUT`, or the signal's reason: the value is not sent then.
   */
  async send(value: T, options?: WaitOptions): Promise<void> {
    const item = this.#encode(value);
    if (this.#meeting !== undefined) return this.#meeting.send(item, options);
    if (!(await this.#queue.pushAsync(item, options))) throw timedOut('a send');
  }

  /** Sends, blocking while there is no room. Workers only; throws as `send` rejects. */
  sendSync(value: T, options?: WaitOptions): void {
    const item = this.#encode(value);
    if (this.#meeting !== undefined) return this.#meeting.sendSync(item, options);
    if (!this.#queue.pushWait(item, options)) throw timedOut('a send');
  }

  /** Sends if there is room, or without any a receiver that waits, now. Throws `EPIPE` once the channel is closed. */
  trySend(value: T): boolean {
    const item = this.#encode(value);
    return this.#meeting === undefined ? this.#queue.push(item) : this.#meeting.trySend(item);
  }

  /** The oldest value, when there is one. Rejects with `EPIPE` once closed and empty, `ETIMEDOUT`, or the signal's reason. */
  async recv(options?: WaitOptions): Promise<T> {
    return this.#answer(await this.#next(options));
  }

  /** The oldest value, blocking while there is none. Workers only; throws as `recv` rejects. */
  recvSync(options?: WaitOptions): T {
    this.arrive();
    let item: unknown = NOTHING;
    try {
      item = this.#queue.takeWait(options);
    } finally {
      this.depart();
    }
    return this.#answer(item === NOTHING ? this.#queue.take() : item);
  }

  /** The oldest value in a box, if there is one now. */
  tryRecv(): { value: T } | undefined {
    const item = this.#queue.take();
    return item === NOTHING ? undefined : { value: this.#decode(item) };
  }

  /** Values until the channel is closed and empty. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      const item = await this.#next(undefined);
      if (item === NOTHING) return;
      yield this.#decode(item);
    }
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
    return this.#meeting === undefined ? this.#queue.length : 0;
  }

  /** Values at most. */
  get capacity(): number {
    return this.#meeting === undefined ? this.#queue.capacity : 0;
  }

  /** The killer's sweep, as `Queue.poison`. */
  poison(dead: number): boolean {
    const sent = this.#meeting?.poison(dead) ?? false;
    return this.#queue.poison(dead) || sent;
  }

  /** Gives the memory back; nobody may use the channel any more. */
  free(): void {
    this.#queue.free();
  }

  /** @internal */
  announce(side: 'read' | 'write'): Bell {
    return this.#queue.announce(side);
  }

  /** @internal Says that a receiver waits from now on, which matters only without room. */
  arrive(): void {
    this.#meeting?.arrive();
  }

  /** @internal */
  depart(): void {
    this.#meeting?.depart();
  }

  async #next(options: WaitOptions | undefined): Promise<unknown> {
    this.arrive();
    let item: unknown = NOTHING;
    try {
      item = await this.#queue.next(options);
    } finally {
      this.depart();
    }
    // Once more: a sender that only looked may have counted on this receiver until just now.
    return item === NOTHING ? this.#queue.take() : item;
  }

  #answer(item: unknown): T {
    if (item !== NOTHING) return this.#decode(item);
    throw this.closed ? new IsolithError('EPIPE', 'the channel is closed') : timedOut('a receive');
  }

  #encode(value: T): unknown {
    if (!this.#coded) return value;
    const bytes = this.#ownCodec().encode(value);
    if (!(bytes instanceof Uint8Array)) throw new TypeError(`a codec's encode gives a Uint8Array, not ${typeof bytes}`);
    return bytes;
  }

  #decode(item: unknown): T {
    return this.#coded ? this.#ownCodec().decode(item as Uint8Array) : (item as T);
  }

  #ownCodec(): Codec<T> {
    if (this.#codec !== undefined) return this.#codec;
    throw new IsolithError('EINVAL', 'this channel has a codec of its own: give it on this thread too, by channel.withCodec(codec)');
  }
}

/** A channel in shared memory. Throws as `createQueue` does. */
export function createSharedChannel<T = unknown>(options: ChannelOptions<T> = {}): Channel<T> {
  const { capacity = 64, codec, ...rest } = options;
  const type = codec === undefined ? rest.type : 'bytes';
  const queue = createQueue<unknown>({ ...rest, type, capacity: capacity === 0 ? 1 : capacity });
  const { buffer, byteOffset } = storageOf(queue.handle);
  const flags = (capacity === 0 ? MEETING : 0) | (codec === undefined ? 0 : CODED);
  new Int32Array(buffer, byteOffset, FLAGS + 1)[FLAGS] = flags;
  return new Channel<T>(queue, codec);
}
