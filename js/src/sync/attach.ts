/** From a handle of any kind to the live object. */

import { IsolithError } from '../errors.js';
import { Broadcast } from './broadcast.js';
import { Channel } from './channel.js';
import { Barrier, Once, Semaphore, WaitGroup } from './meeting.js';
import { Condvar, Mutex } from './mutex.js';
import { Pipe } from './pipe.js';
import { Queue } from './queue.js';
import { Ring } from './ring.js';
import { RwLock } from './rwlock.js';
import type { Handle } from './storage.js';

const KINDS = {
  queue: Queue, ring: Ring, mutex: Mutex, condvar: Condvar, rwlock: RwLock, semaphore: Semaphore, barrier: Barrier,
  once: Once, waitgroup: WaitGroup, channel: Channel, broadcast: Broadcast, pipe: Pipe,
} as const;

/** What a handle can lead to. */
export type Attached = Queue | Ring | Mutex | Condvar | RwLock | Semaphore | Barrier | Once | WaitGroup | Channel | Broadcast | Pipe;

/** Whether a value is the handle of one of these, as it arrives by structured clone. */
export function isHandle(value: unknown): value is Handle {
  if (typeof value !== 'object' || value === null || !('isolith' in value) || !('buffer' in value)) return false;
  return Object.hasOwn(KINDS, String(value.isolith)) && value.buffer instanceof SharedArrayBuffer;
}

/** The live object of a handle that another thread sent, whatever it is. */
export function attach(handle: Handle): Attached {
  if (!isHandle(handle)) throw new IsolithError('EINVAL', 'not a handle of isolith/sync');
  return (KINDS[handle.isolith as keyof typeof KINDS] as { attach(handle: Handle): Attached }).attach(handle);
}
