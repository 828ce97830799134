/** isolith: heap, pool, atomics and channels of one shared memory, ready when imported. */

import './start.js';
import { setLinker } from './heap.js';
import { getKernel } from './runtime.js';

let started: WebAssembly.Memory | undefined;
try {
  started = getKernel().memory;
} catch {
  started = undefined;
}

/** Memory of the runtime's heap; undefined only where the runtime could not start. */
export const memory = started as WebAssembly.Memory;

setLinker(async (...args) => (await import('./linked.js')).link(...args));

export { IsolithError } from './errors.js';
export {
  allocMemory, attachHeap, createHeap, freeMemory, type Heap, type HeapOptions, type HeapStats, type MemoryBlock,
} from './heap.js';
export type { Library, LinkedModule, LinkOptions } from './linked.js';
export type { ImportContext } from './linked/imports.js';
export { TypedBlock } from './block.js';
export type { ResponseOptions } from './response.js';
export {
  createPool, createPoolWasm, spawn, type HeapTaskFunction, type Pool, type PoolEventMap, type PoolOptions, type PoolStats, type Priority,
  type RunOptions, type TaskFunction, type TaskModule,
} from './pool.js';
export type { ForOptions, MapOptions, Mapped, ReduceOptions } from './pool/parallel.js';
export type { Proxied } from './pool/proxy.js';
export type { HeapView, TaskContext } from './task.js';
export * from './atomics.js';
export { createChannel } from './channel.js';
export { createQueue, pop, push, type Queue, type QueueOptions } from './sync/queue.js';
export { support, type Support } from './support.js';
export { deleteFile, exists, listFiles, readFile, readText, writeFile, writeText, type FileData } from './files.js';
