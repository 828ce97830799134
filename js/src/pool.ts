/** A pool of workers: runs functions on other threads, keeps their order, settles every promise. */

import type { MemoryBlock, TypedBlock } from './block.js';
import { IsolithError, unpackError } from './errors.js';
import type { Heap } from './heap.js';
import { heapInstance, type Kernel } from './kernel.js';
import { Crew } from './pool/crew.js';
import type { TraceEvent } from './pool/figures.js';
import { type Client, type Job, jobOf, nextJob, refOf, refOfExport, type TaskRef } from './pool/job.js';
import type { Member } from './pool/member.js';
import { type Copy, hold } from './pool/payload.js';
import { bounds, destroyed, type PoolOptions, type PoolStats, priorityOf, type RunOptions, span, timedOut, whole } from './pool/options.js';
import { each, fold, type ForOptions, type MapOptions, type Mapped, mapped, overArray, type ReduceOptions } from './pool/parallel.js';
import { Far, type Proxied } from './pool/proxy.js';
import type { WasmBytes } from './linker-module.js';
import type { LinkedModule } from './linked.js';
import type { KernelOptions, PoolKernel, RowOptions } from './pool/kernel.js';
import type { BlockRef, FromWorker } from './protocol.js';
import { getKernel } from './runtime.js';
import { requireShared } from './support.js';
import { absolute, type AnyFunction, type HeapView, type TaskContext } from './task.js';
import { after } from './timer.js';
import type { StartedBy } from './worker-start.js';

export type { PoolOptions, PoolStats, Priority, RunOptions } from './pool/options.js';

/** What a task with this function is given and gives. */
export type TaskFunction<D, R> = (data: D, context: TaskContext) => R;

/** What a `runHeap` task is given and gives. */
export type HeapTaskFunction<D, R> = (view: HeapView, data: D, context: TaskContext) => R;

/** The exports of a module as tasks by name. */
export interface TaskModule<T> {
  readonly url: string;
  /** Runs an export as a task, `name(data, context)`; without `eval`. */
  run<K extends FunctionsOf<T>>(name: K, data?: FirstOf<T[K]>, options?: RunOptions): Promise<ResultOf<T[K]>>;
}

type FunctionsOf<T> = { [K in keyof T & string]: T[K] extends (...args: never[]) => unknown ? K : never }[keyof T & string];
type FirstOf<F> = F extends (data: infer D, ...rest: never[]) => unknown ? D : unknown;
type ResultOf<F> = F extends (...args: never[]) => infer R ? Awaited<R> : unknown;

/** What a pool's events carry as `detail`. */
export interface PoolEventMap {
  /** A worker is ready. */
  start: CustomEvent<{ readonly workerId: number; readonly startedBy: StartedBy | undefined }>;
  /** A worker is gone, whatever the reason. */
  exit: CustomEvent<{ readonly workerId: number }>;
  /** A worker ended by itself. */
  crash: CustomEvent<{ readonly workerId: number; readonly error: unknown }>;
  /** An error in a worker that nobody caught. */
  error: CustomEvent<{ readonly workerId: number; readonly error: unknown }>;
  /** No worker can be had any more: all that waits has been rejected with this error. */
  failed: CustomEvent<{ readonly error: unknown }>;
  /** The last task that was there is over. */
  idle: CustomEvent<Record<string, never>>;
}

type Listener<K extends keyof PoolEventMap> = (event: PoolEventMap[K]) => void;

/** The types of its listeners. */
export interface Pool {
  removeEventListener<K extends keyof PoolEventMap>(type: K, listener: Listener<K> | null, options?: boolean | EventListenerOptions): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;
}

/** Workers and their tasks. Events: see `PoolEventMap`. */
export class Pool extends EventTarget implements Client {
  readonly name: string;
  readonly #crew: Crew;
  /** Tasks that wait or run, but for those that wait to be let in or run here. */
  #count = 0;
  #done = 0;
  #failed = 0;
  readonly #limit: number;
  readonly #onFull: NonNullable<PoolOptions['onQueueFull']>;
  readonly #waiting: Waiting[] = [];
  /** What ends the wait for tasks that run on this thread. */
  readonly #here = new Set<(error: unknown) => void>();
  readonly #idle: (() => void)[] = [];
  readonly #far: Far;
  /** Types of events that were ever listened for. */
  readonly #heard = new Set<string>();
  #module: string | undefined;
  #state: 'open' | 'draining' | 'gone' = 'open';
  #drained: Promise<void> | undefined;
  #ended: Promise<void> | undefined;

  constructor(options: PoolOptions, heap?: Kernel) {
    super();
    this.name = options.name ?? 'pool';
    this.#limit = options.queueLimit === undefined ? Infinity : whole('queueLimit', options.queueLimit, 0);
    this.#onFull = whatWhenFull(options.onQueueFull);
    if (options.module !== undefined) this.#module = absolute(options.module);
    if (options.share) {
      this.#crew = options.share.#crew;
      if (this.#crew.closed) throw destroyed();
    } else {
      const [min, max] = bounds(options);
      const { worker } = options;
      const idleTimeout = span('idleTimeout', options.idleTimeout ?? 10_000);
      const grace = options.grace === undefined ? undefined : span('grace', options.grace);
      this.#crew = new Crew(getKernel(), { min, max, idleTimeout, grace, worker }, heap);
    }
    this.#far = new Far(this);
    this.#crew.observers.add(this);
  }

  /** Number of workers, those that start included; 0 after `destroy`. */
  get size(): number {
    return this.#state === 'gone' ? 0 : this.#crew.size;
  }

  /** Number of workers at the most; for the package's own use. */
  get most(): number {
    return this.#crew.max;
  }

  /** Tasks of this pool that wait or run. */
  get pendingTasks(): number {
    return this.#count + this.#waiting.length + this.#here.size;
  }

  /** How the workers came to be: `caller` means that tasks run on this thread. */
  startedBy(): StartedBy[] {
    return [...this.#crew.members].flatMap(({ startedBy }) => startedBy ?? []);
  }

  /**
   * Runs `fn(data, context)` in a worker; or, by its name, an export of the pool's module.
   *
   * The function is sent as source: it sees its arguments and the worker's globals only. Data is
   * copied when this is called. Rejects with what the task throws; `ERR_NOT_SERIALIZABLE`;
   * `ETIMEDOUT`; the signal's reason; `ERR_WORKER_CRASHED`, `ERR_QUEUE_FULL`, `ERR_POOL_DESTROYED`.
   */
  run<R, D = undefined>(fn: TaskFunction<D, R>, data?: D, options?: RunOptions): Promise<Awaited<R>>;
  run<R = unknown>(name: string, data?: unknown, options?: RunOptions): Promise<R>;
  run(fn: AnyFunction | string, data?: unknown, options?: RunOptions): Promise<unknown> {
    if (options !== undefined) return this.submit(() => this.#refOf(fn), data, undefined, options);
    return new Promise((resolve, reject) => {
      if (this.#state !== 'open') throw destroyed();
      const ref = this.#refOf(fn);
      if (this.#isOpen() && this.#crew.send(this, ref, data, resolve, reject)) this.#count++;
      else this.#enter(ref, data, undefined, {}, resolve, reject);
    });
  }

  /** Runs `fn({ ptr, size, HEAP, heap }, data, context)` in a worker, on a block that is not copied. */
  runHeap<R, D = undefined>(
    fn: HeapTaskFunction<D, R>,
    block: MemoryBlock,
    data?: D,
    options?: RunOptions,
  ): Promise<Awaited<R>> {
    return this.submit(() => {
      requireShared('runHeap');
      this.checkBlock(block);
      return this.#refOf(fn as AnyFunction);
    }, data, block, options) as Promise<Awaited<R>>;
  }

  /** Runs `fn(item, context)` for each item; all results in order, or one by one with `for await`. */
  map<T, R>(items: Iterable<T> | AsyncIterable<T>, fn: TaskFunction<T, R>, options?: MapOptions): Mapped<Awaited<R>> {
    return mapped(this, items, fn as AnyFunction, options) as Mapped<Awaited<R>>;
  }

  /** Like `map`, without results. */
  forEach<T>(items: Iterable<T> | AsyncIterable<T>, fn: TaskFunction<T, unknown>, options?: MapOptions): Promise<void> {
    return each(this, items, fn as AnyFunction, options);
  }

  /**
   * Folds the items with `fn(accumulator, item)`, in order, in a worker. With `combine`, which joins
   * the results of two neighbouring parts, all workers take part; `initial` is then where each starts.
   */
  reduce<T, A>(items: Iterable<T>, fn: (accumulator: A, item: T) => A, initial: A, options?: ReduceOptions<A>): Promise<A>;
  reduce<T>(items: Iterable<T>, fn: (accumulator: T, item: T) => T): Promise<T>;
  reduce(items: Iterable<unknown>, fn: AnyFunction, ...rest: [initial?: unknown, options?: ReduceOptions<unknown>]): Promise<unknown> {
    return fold(this, items, fn, rest);
  }

  /**
   * Calls `fn(value, index, array)` for every element of a block on the heap, in place: what it
   * returns, unless undefined, is stored. Workers take grains of the range from one atomic cursor.
   * With `{ range: true }`: `fn(array, start, end)` for each grain.
   */
  parallelFor<T extends ArrayLike<number> | ArrayLike<bigint>>(
    block: TypedBlock<T>,
    fn: (value: T[number], index: number, array: T) => T[number] | void,
    options?: ForOptions & { range?: false },
  ): Promise<void>;
  parallelFor<T>(block: TypedBlock<T>, fn: (array: T, start: number, end: number) => void, options: ForOptions & { range: true }): Promise<void>;
  /**
   * Calls `name(start, end, ...args)` of a kernel for all of `0..count` (rows of an image, say), a
   * grain at a time: workers take grains from one atomic cursor.
   */
  parallelFor(kernel: PoolKernel, name: string, count: number, args?: readonly (number | bigint)[], options?: RowOptions): Promise<void>;
  parallelFor(what: TypedBlock<unknown> | PoolKernel, fn: AnyFunction | string, ...rest: never[]): Promise<void> {
    if (typeof fn === 'string') return (what as PoolKernel).overRows(this, fn, ...(rest as unknown as [number]));
    return overArray(this, what as TypedBlock<unknown>, fn, ...rest);
  }

  /**
   * Makes a compiled module's exports callable in all workers, on the heap that tasks work on: see
   * `heap.link`. The module's data is one for all threads, and so is what it writes there; each
   * worker has a stack and thread-local data of its own.
   *
   * Rejects as `heap.link` does, and with `ERR_NOT_SUPPORTED` for a module whose allocator cannot be
   * replaced and is not made for threads.
   */
  async kernel(module: WasmBytes | readonly WasmBytes[] | LinkedModule, options?: KernelOptions): Promise<PoolKernel> {
    requireShared('kernel');
    const { openKernel } = await import('./pool/kernel.js');
    return openKernel(this.#crew.heap ?? this.#crew.kernel, module, options);
  }

  /**
   * Calls an export of a kernel in a worker. Rejects with what it throws or traps with,
   * `ERR_NO_SUCH_TASK`, and `ERR_USE_AFTER_FREE` once the kernel is unloaded. `kernel.call` takes a
   * timeout and a signal; what ends a loop without end is the end of its thread, which WebKit grants
   * only to loops with calls in them.
   */
  call(kernel: PoolKernel, name: string, ...args: (number | bigint)[]): Promise<number | bigint | undefined> {
    return kernel.call(this, name, args);
  }

  /** Throws unless a block is there and on the heap of this pool's tasks; for the package's own use. */
  checkBlock(block: MemoryBlock): void {
    if (block.ptr === null) throw new IsolithError('ERR_USE_AFTER_FREE', 'the block was already freed');
    const { heap } = block as { heap?: Heap };
    if (heap && heap.memory !== this.heapMemory) {
      throw new RangeError("the block is on another heap than this pool's tasks: make the pool by createPoolWasm(heap.memory, size)");
    }
  }

  /** The memory that tasks work on; for the package's own use. */
  get heapMemory(): WebAssembly.Memory {
    return (this.#crew.heap ?? this.#crew.kernel).memory;
  }

  /** The module's exports as tasks, which need no `unsafe-eval`; `run('name')` means it from now on. */
  module<T = Record<string, AnyFunction>>(url: string | URL): TaskModule<T> {
    const address = absolute(url);
    this.#module = address;
    return {
      url: address,
      run: (name, data, options) =>
        this.submit(() => refOfExport(address, name, false), data, undefined, options) as Promise<never>,
    };
  }

  /**
   * The module's exports as async functions: `await proxy.name(...args)`. Functions and async
   * iterables among the arguments stay here and are called from there; an async iterable as result
   * stays there and is iterated from here.
   */
  proxy<T>(url: string | URL): Proxied<T> {
    return this.#far.proxy<T>(absolute(url));
  }

  /** What is going on, and what was; workers and latencies are those of all pools that share them. */
  stats(): PoolStats {
    const { figures, members } = this.#crew;
    figures.settle();
    const workers = [...members].map((member) => {
      const { workerId, state, startedBy, busyMs, done, failed } = member;
      return { workerId, state, startedBy, busyMs, done, failed, load: this.#crew.load(member) };
    });
    const running = this.#crew.runningOf(this) + this.#here.size;
    const { queueLatency, wakeLatency } = figures;
    return { queued: this.pendingTasks - running, running, done: this.#done, failed: this.#failed, ending: this.#crew.ending, workers, queueLatency, wakeLatency };
  }

  /** The last 8,192 tasks in the Chrome trace format: `JSON.stringify` it for a trace viewer. */
  trace(): { traceEvents: TraceEvent[]; displayTimeUnit: 'ms' } {
    return this.#crew.figures.trace(this.name);
  }

  /** Changes the number of workers, for all pools that share them; those too many end after their task. */
  resize(size: number): void {
    whole('the number of workers of a pool', size, 1);
    if (this.#state === 'gone') throw destroyed();
    this.#crew.resize(size, size);
    this.#letIn();
  }

  /** Resolves when no task of this pool waits or runs. */
  drain(): Promise<void> {
    if (this.pendingTasks === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /**
   * Ends the workers; what still waits or runs rejects with `ERR_POOL_DESTROYED`, with `drain` it is
   * finished first, unless `destroy()` is called again without. Resolves when the workers' death is
   * certain and their memory returned; at once where another pool goes on with them.
   */
  destroy(options: { drain?: boolean } = {}): Promise<void> {
    if (!options.drain) return (this.#ended ??= this.#end());
    if (this.#state === 'open') this.#state = 'draining';
    return (this.#drained ??= this.drain().then(() => this.destroy()));
  }

  async #end(): Promise<void> {
    this.#state = 'gone';
    const error = destroyed();
    for (const { refuse } of this.#waiting.splice(0)) refuse(error);
    for (const stop of this.#here) stop(error);
    this.#far.end();
    // The last that uses the workers hears of their ends.
    if (this.#crew.observers.size === 1) return this.#crew.close();
    this.#crew.observers.delete(this);
    for (const job of this.#crew.jobsOf(this)) this.#crew.cancel(job, error);
  }

  [Symbol.dispose](): void {
    void this.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.destroy();
  }

  /** Submits a task; for the package's own use. */
  submit(refOf: () => TaskRef, data: unknown, block: MemoryBlock | BlockRef | undefined, options: RunOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#state !== 'open') throw destroyed();
      const { timeout, signal } = options;
      signal?.throwIfAborted();
      if (timeout !== undefined) span('a timeout', timeout);
      this.#enter(refOf(), data, block, options, resolve, reject);
    });
  }

  /** Whether a task may come in now. */
  #isOpen(): boolean {
    return this.#count < this.#crew.max + this.#limit && this.#waiting.length === 0;
  }

  #enter(
    fn: TaskRef, data: unknown, block: MemoryBlock | BlockRef | undefined, options: RunOptions,
    resolve: (value: unknown) => void, reject: (error: unknown) => void,
  ): void {
    if (this.#isOpen()) this.#admit(fn, data, block, options, resolve, reject);
    else this.#overfull(fn, data, block, options, resolve, reject);
  }

  #admit(
    fn: TaskRef, data: unknown, block: MemoryBlock | BlockRef | undefined, options: RunOptions,
    resolve: (value: unknown) => void, reject: (error: unknown) => void, held?: Held,
  ): void {
    const { timeout, signal, transfer } = held ?? options;
    const job = jobOf(nextJob(), this, fn, data, resolve, reject);
    job.handles = held?.handles;
    if (block && block.ptr !== null) job.block = { ptr: block.ptr, size: block.size };
    if (transfer && transfer.length > 0) job.transfer = transfer;
    if (options.priority !== undefined) job.priority = priorityOf(options.priority);
    job.onProgress = options.onProgress;
    job.queuedAt = held?.queuedAt ?? performance.now();
    this.#crew.submit(job);
    this.#count++;
    if (!job.over && (timeout !== undefined || signal)) limit(this.#crew, job, timeout, signal);
  }

  #overfull(
    fn: TaskRef, data: unknown, block: MemoryBlock | BlockRef | undefined, options: RunOptions,
    resolve: (value: unknown) => void, reject: (error: unknown) => void,
  ): void {
    if (this.#onFull === 'reject') {
      throw new IsolithError('ERR_QUEUE_FULL', `${this.#count} tasks are pending, and queueLimit is ${this.#limit}`);
    }
    const priority = options.priority === undefined ? 0 : priorityOf(options.priority);
    const { timeout, signal, transfer } = options;
    const copy = hold(data, transfer);
    const queuedAt = performance.now();
    let late: ReturnType<typeof setTimeout> | undefined;
    const aborted = (): void => giveUp(signal?.reason);
    const leave = (): void => {
      clearTimeout(late);
      signal?.removeEventListener('abort', aborted);
    };
    let giveUp: (error: unknown) => void;
    // What needs a worker waits for one.
    if (this.#onFull === 'runOnMain' && !fn.away) {
      const control = new AbortController();
      giveUp = (error) => {
        leave();
        control.abort(error);
        if (this.#here.delete(giveUp)) this.#left(false);
        reject(error);
      };
      const end = (ok: boolean, settle: () => void): void => {
        leave();
        if (this.#here.delete(giveUp)) this.#left(ok);
        settle();
      };
      this.#here.add(giveUp);
      import('./pool/here.js')
        .then(({ runHere }) => runHere(fn, copy, block, this.heapMemory, control.signal, options.onProgress))
        .then((value) => end(true, () => resolve(value)), (error: unknown) => end(false, () => reject(error)));
    } else {
      const waiting: Waiting = {
        priority,
        admit: () => {
          leave();
          const left = timeout === undefined ? undefined : Math.max(0, timeout - (performance.now() - queuedAt));
          try {
            this.#admit(fn, copy.data, block, options, resolve, reject, { ...copy, timeout: left, signal, queuedAt });
          } catch (error) {
            reject(error);
          }
        },
        refuse: (error) => {
          leave();
          this.#failed++;
          reject(error);
        },
      };
      giveUp = (error) => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        waiting.refuse(error);
      };
      let at = this.#waiting.length;
      while (at > 0 && this.#waiting[at - 1]!.priority < priority) at--;
      this.#waiting.splice(at, 0, waiting);
    }
    if (timeout !== undefined) late = after(timeout, () => giveUp(timedOut(timeout)));
    signal?.addEventListener('abort', aborted);
  }

  /** Lets tasks in that wait for it, as many as there is room for. */
  #letIn(): void {
    while (this.#waiting.length > 0 && this.#count < this.#crew.max + this.#limit && this.#state !== 'gone') {
      this.#waiting.shift()?.admit();
    }
  }

  /** A job is over; called by the crew. */
  over(ok: boolean): void {
    this.#count--;
    this.#left(ok);
  }

  #left(ok: boolean): void {
    if (ok) this.#done++;
    else this.#failed++;
    if (this.#waiting.length > 0) this.#letIn();
    if (this.#count > 0 || this.pendingTasks > 0) return;
    if (this.#idle.length > 0) for (const resolve of this.#idle.splice(0)) resolve();
    if (this.#heard.size > 0) this.event('idle', {});
  }

  override addEventListener<K extends keyof PoolEventMap>(type: K, listener: Listener<K> | null, options?: boolean | AddEventListenerOptions): void;
  override addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
  override addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void {
    this.#heard.add(type);
    super.addEventListener(type, listener, options);
  }

  /** Something happened to a worker; called by the crew. */
  event(type: string, detail: unknown): void {
    if (type === 'exit') this.#far.lost((detail as { workerId: number }).workerId);
    // An event costs more than a task does: none is made for nobody.
    if (this.#heard.has(type) && typeof CustomEvent === 'function') this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** A worker has something for this pool; called by the crew. */
  message(member: Member, message: FromWorker): void {
    if (message !== 0 && message.type === 'stray') {
      this.event('error', { workerId: member.workerId, error: unpackError(message.error) });
    } else {
      this.#far.take(member, message);
    }
  }

  #refOf(fn: AnyFunction | string): TaskRef {
    if (typeof fn === 'function') return refOf(fn);
    if (typeof fn !== 'string') throw new TypeError(`a task is a function or the name of one, not ${typeof fn}`);
    if (this.#module !== undefined) return refOfExport(this.#module, fn, false);
    throw new IsolithError('ERR_NO_SUCH_TASK', `run('${fn}') needs a module: createPool({ module }) or pool.module(url)`);
  }
}

/** A task that waits to be let in. */
interface Waiting {
  readonly priority: number;
  admit(): void;
  refuse(error: unknown): void;
}

/** What a task that was let in late had when it was submitted, and what is left of its time. */
interface Held extends Copy {
  readonly timeout: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly queuedAt: number;
}

function whatWhenFull(answer: PoolOptions['onQueueFull'] = 'reject'): NonNullable<PoolOptions['onQueueFull']> {
  if (['reject', 'wait', 'runOnMain'].includes(answer)) return answer;
  throw new RangeError(`onQueueFull is 'reject', 'wait' or 'runOnMain', not ${String(answer)}`);
}

/** Ends a job's wait at its deadline or with its signal. */
function limit(crew: Crew, job: Job, timeout: number | undefined, signal: AbortSignal | undefined): void {
  const late = timeout === undefined ? undefined : after(timeout, () => crew.cancel(job, timedOut(timeout)));
  const aborted = (): void => crew.cancel(job, signal?.reason);
  signal?.addEventListener('abort', aborted);
  job.release = () => {
    clearTimeout(late);
    signal?.removeEventListener('abort', aborted);
  };
}

/**
 * A pool of `size` workers on the runtime's memory; returns at once, workers start behind it.
 *
 * JavaScript's own heap has no limit per worker that a page could set, and its end cannot be caught: a
 * task that fills it ends the whole page in Chromium, and in Firefox goes on for as long as the machine
 * has memory. Give tasks that may do so a `timeout`. Exhaustion of the runtime's heap, and buffers
 * that are refused, reject the task alone.
 */
export function createPool(size?: number | PoolOptions): Pool {
  return new Pool(typeof size === 'number' ? { size } : (size ?? {}));
}

/** A pool whose tasks work on the heap of `memory`. Rejects where memory cannot be shared. */
export async function createPoolWasm(
  memory: WebAssembly.Memory,
  size: number,
  options: Omit<PoolOptions, 'size'> = {},
): Promise<Pool> {
  requireShared('createPoolWasm');
  const kernel = getKernel();
  const heap = memory === kernel.memory ? undefined : heapInstance(kernel.module, memory, true);
  return new Pool({ ...options, size }, heap);
}

let common: Pool | undefined;

/** Runs `fn(data, context)` in a worker of a pool that the whole page shares. */
export function spawn<R, D = undefined>(fn: TaskFunction<D, R>, data?: D, options?: RunOptions): Promise<Awaited<R>> {
  const cores = globalThis.navigator?.hardwareConcurrency ?? 2;
  common ??= createPool({ max: Math.max(1, Math.min(cores - 1, 8)), name: 'spawn' });
  return common.run(fn, data, options);
}
