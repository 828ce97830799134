/** Queues, rings, locks, channels and pipes over shared memory, for pages, workers and worklets. */

export { decode, encode } from './codec.js';
export { bury, GRAVEYARD_WORDS, isDead, setGraveyard, setThreadId, threadId } from './sync/thread.js';
export { setAllocator, type Allocator, type Handle, type Storage, type StorageOptions } from './sync/storage.js';
export type { WaitOptions } from './sync/wait.js';
export { createQueue, pop, push, Queue, type QueueOptions, type QueueType } from './sync/queue.js';
export { createRing, Ring, type RingArray, type RingOptions, type RingType } from './sync/ring.js';
export { Condvar, Guard, Mutex, type LockOptions } from './sync/mutex.js';
export { RwLock } from './sync/rwlock.js';
export { Barrier, Once, Semaphore, WaitGroup } from './sync/meeting.js';
export { Channel, createSharedChannel, type ChannelOptions, type Codec } from './sync/channel.js';
export { select, type Case, type Selected } from './sync/select.js';
export { Broadcast, broadcast, Receiver, type BroadcastOptions } from './sync/broadcast.js';
export { createPipe, Pipe, type PipeOptions } from './sync/pipe.js';
export { attach, isHandle, type Attached } from './sync/attach.js';
export * from './sync/floats.js';
