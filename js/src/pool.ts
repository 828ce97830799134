/** A pool of workers: ships functions as source, keeps the order of tasks, settles every promise. */

import { IsolithError, unpackError } from './errors.js';
import { getKernel } from './runtime.js';
import type { MemoryBlock } from './block.js';
import type { FromWorker, Task } from './protocol.js';
import { requireShared } from './support.js';
import { type AnyFunction, type HeapView, sourceOf, type TaskContext } from './task.js';
import { type StartedBy, startThread, type Thread, type WorkerSource } from './worker-start.js';

/** How a pool is made. */
export interface PoolOptions {
  /** Number of workers. */
  readonly size: number;
  /** The worker script, where the package's own cannot be found by itself. */
  readonly worker?: WorkerSource;
}

/** How one task runs. */
export interface RunOptions {
  /** Objects that are moved to the task instead of copied. */
  readonly transfer?: Transferable[];
  /** Called with what the task passes to `ctx.progress`. */
  readonly onProgress?: (value: unknown) => void;
}

/** A task as its caller waits for it. */
interface Pending {
  readonly message: Omit<Task, 'source'>;
  readonly fn: AnyFunction;
  readonly options: RunOptions;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A thread and what it is doing. */
interface Slot {
  readonly workerId: number;
  thread: Thread | undefined;
  task: Pending | undefined;
  readonly known: Set<number>;
}

/** What a task with this function is given and gives. */
export type TaskFunction<D, R> = (data: D, context: TaskContext) => R;

/** What a `runHeap` task is given and gives. */
export type HeapTaskFunction<D, R> = (view: HeapView, data: D, context: TaskContext) => R;

let functions = 0;

/** Threads of workers that run functions; made by `createPool` and `createPoolWasm`. */
export class Pool {
  readonly #slots: Slot[] = [];
  readonly #queue: Pending[] = [];
  readonly #ids = new WeakMap<AnyFunction, { id: number; source: string }>();
  readonly #options: PoolOptions;
  readonly #heapMemory: WebAssembly.Memory | undefined;
  #failure: unknown;
  #destroyed = false;
  #tasks = 0;

  constructor(options: PoolOptions, heapMemory?: WebAssembly.Memory) {
    if (!Number.isInteger(options.size) || options.size < 1) {
      throw new RangeError(`a pool has a whole number of workers, at least 1, not ${options.size}`);
    }
    this.#options = options;
    this.#heapMemory = heapMemory;
    for (let workerId = 1; workerId <= options.size; workerId++) {
      const slot: Slot = { workerId, thread: undefined, task: undefined, known: new Set() };
      this.#slots.push(slot);
      void this.#start(slot);
    }
  }

  /** Number of workers. */
  get size(): number {
    return this.#destroyed ? 0 : this.#slots.length;
  }

  /** Tasks that wait or run. */
  get pendingTasks(): number {
    return this.#queue.length + this.#slots.filter((slot) => slot.task).length;
  }

  /** How the workers came to be: `caller` means that tasks run on this thread. */
  startedBy(): StartedBy[] {
    return this.#slots.flatMap((slot) => (slot.thread ? [slot.thread.startedBy] : []));
  }

  /**
   * Runs `fn(data, context)` in a worker. The function is sent as source: it sees its arguments and
   * the worker's globals only.
   */
  run<R, D = undefined>(fn: TaskFunction<D, R>, data?: D, options: RunOptions = {}): Promise<Awaited<R>> {
    return this.#submit(fn as AnyFunction, data, undefined, options) as Promise<Awaited<R>>;
  }

  /** Runs `fn({ ptr, size, HEAP, heap }, data, context)` in a worker, on a block that is not copied. */
  runHeap<R, D = undefined>(
    fn: HeapTaskFunction<D, R>,
    block: MemoryBlock,
    data?: D,
    options: RunOptions = {},
  ): Promise<Awaited<R>> {
    try {
      requireShared('runHeap');
      if (block.ptr === null) throw new IsolithError('ERR_USE_AFTER_FREE', 'the block was already freed');
    } catch (error) {
      return Promise.reject(error);
    }
    const { ptr, size } = block;
    return this.#submit(fn as AnyFunction, data, { ptr, size }, options) as Promise<Awaited<R>>;
  }

  /** Ends all workers at once; what still waits or runs rejects with `ERR_POOL_DESTROYED`. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    const error = new IsolithError('ERR_POOL_DESTROYED', 'the pool was destroyed');
    for (const slot of this.#slots) {
      slot.thread?.terminate();
      slot.task?.reject(error);
      slot.task = undefined;
    }
    for (const pending of this.#queue.splice(0)) pending.reject(error);
  }

  [Symbol.dispose](): void {
    this.destroy();
  }

  #submit(fn: AnyFunction, data: unknown, block: Task['block'], options: RunOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#destroyed) throw new IsolithError('ERR_POOL_DESTROYED', 'the pool was destroyed');
      if (this.#failure !== undefined) throw this.#failure;
      if (typeof fn !== 'function') throw new TypeError(`a task is a function, not ${typeof fn}`);
      const message = { type: 'task', id: ++this.#tasks, fn: this.#register(fn), data, ...(block ? { block } : {}) } as const;
      this.#queue.push({ message, fn, options, resolve, reject });
      this.#dispatch();
    });
  }

  #register(fn: AnyFunction): number {
    let known = this.#ids.get(fn);
    if (!known) {
      known = { id: ++functions, source: sourceOf(fn) };
      this.#ids.set(fn, known);
    }
    return known.id;
  }

  async #start(slot: Slot): Promise<void> {
    try {
      const thread = await startThread(slot.workerId, this.#options.worker, this.#heapMemory);
      if (this.#destroyed) return thread.terminate();
      thread.onmessage = (message) => this.#receive(slot, message);
      thread.onerror = (error) => this.#crashed(slot, error);
      slot.known.clear();
      slot.thread = thread;
      this.#dispatch();
    } catch (error) {
      // No worker of this pool can start where one cannot: nobody is left waiting.
      this.#failure = error;
      for (const pending of this.#queue.splice(0)) pending.reject(error);
    }
  }

  #dispatch(): void {
    for (const slot of this.#slots) {
      while (slot.thread && !slot.task && this.#queue.length > 0) this.#assign(slot, slot.thread);
    }
  }

  #assign(slot: Slot, thread: Thread): void {
    const pending = this.#queue.shift();
    if (!pending) return;
    const { message, options } = pending;
    const source = slot.known.has(message.fn) ? undefined : this.#ids.get(pending.fn)?.source;
    try {
      thread.post(source === undefined ? message : { ...message, source }, options.transfer);
      slot.known.add(message.fn);
      slot.task = pending;
    } catch (cause) {
      pending.reject(new IsolithError('ERR_NOT_SERIALIZABLE', `the task's data cannot be sent to a worker: ${String(cause)}`, { cause }));
    }
  }

  #receive(slot: Slot, message: FromWorker): void {
    const pending = slot.task;
    if (!pending || !('id' in message) || message.id !== pending.message.id) return;
    if (message.type === 'progress') {
      pending.options.onProgress?.(message.value);
      return;
    }
    slot.task = undefined;
    if (message.type === 'done') pending.resolve(message.value);
    else pending.reject(unpackError(message.error));
    this.#dispatch();
  }

  #crashed(slot: Slot, error: Error): void {
    slot.task?.reject(error);
    slot.task = undefined;
    slot.thread?.terminate();
    slot.thread = undefined;
    if (!this.#destroyed) void this.#start(slot);
  }
}

/** A pool of `size` workers on the runtime's memory; returns at once, workers start behind it. */
export function createPool(size: number | PoolOptions): Pool {
  return new Pool(typeof size === 'number' ? { size } : size);
}

/** A pool whose tasks work on the heap of `memory`. Rejects where memory cannot be shared. */
export async function createPoolWasm(
  memory: WebAssembly.Memory,
  size: number,
  options: Omit<PoolOptions, 'size'> = {},
): Promise<Pool> {
  requireShared('createPoolWasm');
  return new Pool({ ...options, size }, memory === getKernel().memory ? undefined : memory);
}

let common: Pool | undefined;

/** Runs `fn(data, context)` in a worker of a pool that the whole page shares. */
export function spawn<R, D = undefined>(fn: TaskFunction<D, R>, data?: D, options?: RunOptions): Promise<Awaited<R>> {
  const cores = typeof navigator === 'undefined' ? 2 : (navigator.hardwareConcurrency ?? 2);
  common ??= createPool(Math.max(1, Math.min(cores - 1, 8)));
  return common.run(fn, data, options);
}
