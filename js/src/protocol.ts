/** What a pool and its workers say to each other. */

/** First message to a worker: what it needs to be part of the runtime. */
export interface Start {
  readonly type: 'start';
  readonly workerId: number;
  /** The kernel, compiled for shared memory, and that memory; absent where memory cannot be shared. */
  readonly kernel?: { readonly bytes: Uint8Array<ArrayBuffer>; readonly compiled: WebAssembly.Module };
  readonly memory?: WebAssembly.Memory;
  /** Another memory whose heap the tasks use (`createPoolWasm`). */
  readonly heapMemory?: WebAssembly.Memory;
}

/** One task. The function's source comes along only the first time that the worker sees its id. */
export interface Task {
  readonly type: 'task';
  readonly id: number;
  readonly fn: number;
  readonly source?: string;
  readonly data: unknown;
  /** The block of `runHeap`, whose task is called with `({ ptr, size, HEAP, heap }, data)`. */
  readonly block?: { readonly ptr: number; readonly size: number };
}

export type ToWorker = Start | Task;

/** `loaded`: the script runs; `ready`: it has started; then one answer for each task. */
export type FromWorker =
  | { readonly type: 'loaded' }
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly error: unknown }
  | { readonly type: 'done'; readonly id: number; readonly value: unknown }
  | { readonly type: 'threw'; readonly id: number; readonly error: unknown }
  | { readonly type: 'progress'; readonly id: number; readonly value: unknown };
