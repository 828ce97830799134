/** Bounded queues over shared memory for any number of producers and consumers. */

import { IsolithError } from '../errors.js';
import { ByteQueue, ValueQueue } from './queue-cells.js';
import {
  CAPACITY, KIND, HEADER, KINDS, MAGIC, SLOTS, QueueCore, type QueueType,
} from './queue-core.js';
import { allocate, type Handle, type Storage, type StorageOptions, storageOf } from './storage.js';
import { WordQueue } from './queue-words.js';

/** What `createQueue` takes. */
export interface QueueOptions extends StorageOptions {
  /** Items at most; 1,024 unless told. */
  readonly capacity?: number | undefined;
  /** `'any'` unless told. */
  readonly type?: QueueType | undefined;
  /** Room for `bytes` and `any` items in all, each with a header of 4; rounded up to a power of 2, up to 128 MiB. */
  readonly bytes?: number | undefined;
}

/** A bounded queue in shared memory; made by `createQueue`, found again by `Queue.attach`. */
export type Queue<T = unknown> = QueueCore<T>;

/** The class of all queues, for `instanceof` and `attach`. */
export const Queue = Object.assign(QueueCore, {
  /** The queue of a handle that another thread sent. */
  attach<T = unknown>(handle: Handle): Queue<T> {
    return attachAt(storageOf(handle, 'queue')) as Queue<unknown> as Queue<T>;
  },
});

export type { QueueType };

function attachAt(storage: Storage): Queue<never> {
  const kind = new Int32Array(storage.buffer, storage.byteOffset, HEADER)[KIND]! - MAGIC;
  const type = KINDS[kind];
  if (type === undefined) throw new IsolithError('EINVAL', `no queue at byte ${storage.byteOffset} of this memory`);
  const Class = type === 'bytes' ? ByteQueue : type === 'any' ? ValueQueue : WordQueue;
  return new Class(storage) as QueueCore<unknown> as Queue<never>;
}

/**
 * A bounded queue in shared memory, empty.
 *
 * Throws a RangeError for a capacity that is not a whole number from 1 to 2²⁵.
 */
export function createQueue(options: QueueOptions & { type: 'i32' | 'u32' | 'f64' }): Queue<number>;
export function createQueue(options: QueueOptions & { type: 'bytes' }): Queue<Uint8Array>;
export function createQueue<T = unknown>(options?: QueueOptions): Queue<T>;
export function createQueue(options: QueueOptions = {}): Queue<never> {
  const { capacity = 1024, type = 'any' } = options;
  const kind = KINDS.indexOf(type);
  if (kind < 0) throw new RangeError(`a queue's type is one of ${KINDS.join(', ')}, not ${String(type)}`);
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > 1 << 25) {
    throw new RangeError(`a queue's capacity is a whole number from 1 to ${1 << 25}, not ${capacity}`);
  }
  const cells = type === 'bytes' || type === 'any';
  const bytes = options.bytes ?? Math.min(Math.max(1 << 16, 64 * capacity), 1 << 26);
  if (cells && !(bytes >= 8 && bytes <= 1 << 27)) throw new RangeError(`a queue's bytes are 8 to ${1 << 27}, not ${bytes}`);
  const slots = 2 ** Math.ceil(Math.log2(cells ? bytes / 4 : capacity));
  const storage = allocate(4 * HEADER + slots * (type === 'f64' ? 8 : 4), options);
  const words = new Int32Array(storage.buffer, storage.byteOffset, HEADER);
  words[CAPACITY] = capacity;
  words[SLOTS] = slots;
  words[KIND] = MAGIC + kind;
  return attachAt(storage);
}

/** `queue.push(value)`, as a function. */
export function push<T>(queue: Queue<T>, value: T): boolean {
  return queue.push(value);
}

/** `queue.pop()`, as a function. */
export function pop<T>(queue: Queue<T>): T | undefined {
  return queue.pop();
}
