/** What a pool and its workers say to each other beside the ring. */

import type { Parts, Place } from './linked/seat.js';
import type { Mourning } from './pool/mourning.js';
import type { Handle } from './sync/storage.js';
import type { FromGuest } from './wasm/ops.js';

/** A thread of a memory that may be killed: its number there, and the address of its slot. */
export interface ThreadSlot {
  readonly number: number;
  readonly address: number;
}

/** First message to a worker: what it needs to be part of the runtime. */
export interface Start {
  readonly type: 'start';
  readonly workerId: number;
  /** The kernel, compiled for shared memory, and that memory; absent where memory cannot be shared. */
  readonly kernel?: { readonly bytes: Uint8Array; readonly compiled: WebAssembly.Module };
  readonly memory?: WebAssembly.Memory;
  readonly thread?: ThreadSlot;
  /** Where the scripts are that a worker loads when a task needs them, for one that has only the first. */
  readonly scripts?: { readonly ring: string; readonly values: string; readonly rest: string };
  /** All of those have worked before: the worker may say that it is ready before it has loaded any. */
  readonly proven?: boolean;
  /** Who the worker is to the locks of isolith/sync. */
  readonly mourning?: Mourning;
  /** Address of this worker's ring; absent where all goes by messages. */
  readonly link?: number;
  /** Another memory whose heap the tasks use (`createPoolWasm`). */
  readonly heapMemory?: WebAssembly.Memory;
  readonly heapThread?: ThreadSlot;
}

/** The block of `runHeap`, whose task is called with `({ ptr, size, HEAP, heap }, data)`. */
export interface BlockRef {
  readonly ptr: number;
  readonly size: number;
}

/** One task, where it comes whole. The function's source comes along only the first time. */
export interface Parcel {
  readonly id: number;
  readonly fn: number;
  readonly source?: string;
  readonly data: unknown;
  readonly block?: BlockRef;
}

/** A linked module for a worker, and the worker's own memory for it. */
export interface KernelMessage {
  readonly type: 'kernel';
  readonly kernel: number;
  readonly parts: Parts;
  readonly places: readonly Place[];
  /** The modules, given before or about to be, whose exports these import. */
  readonly libraries: readonly number[];
}

/** 0 is the doorbell; `data` belongs to a job of the ring, `drop` takes it back; `recall` asks for jobs not begun; `reply` answers a call-back. */
export type ToWorker =
  | 0
  | Start
  | { readonly type: 'jobs'; readonly jobs: readonly Parcel[] }
  | { readonly type: 'data'; readonly id: number; readonly data: unknown; readonly handles: readonly Handle[] | undefined }
  | { readonly type: 'drop'; readonly id: number }
  | { readonly type: 'abort'; readonly id: number }
  | { readonly type: 'recall' }
  | { readonly type: 'reply'; readonly call: number; readonly ok: boolean; readonly value: unknown }
  | { readonly type: 'ask'; readonly id: number; readonly call: number; readonly what: 'next' | 'return' }
  | KernelMessage
  | { readonly type: 'unload'; readonly kernel: number };

/** An answer to a task, with the times at which it ran (milliseconds since 1970). */
export interface Answer {
  readonly id: number;
  readonly ok: boolean;
  readonly value: unknown;
  readonly start: number;
  readonly end: number;
}

/** `loaded`: the script runs; `ready`: it has started, and holds that Web Lock for as long as it lives; 0 is the doorbell. */
export type FromWorker =
  | 0
  | { readonly type: 'loaded' }
  | { readonly type: 'ready'; readonly lock?: string }
  | { readonly type: 'failed'; readonly error: unknown }
  | { readonly type: 'answers'; readonly answers: readonly Answer[] }
  | { readonly type: 'listens'; readonly id: number }
  | { readonly type: 'returned'; readonly ids: readonly number[] }
  | { readonly type: 'progress'; readonly id: number; readonly value: unknown }
  | { readonly type: 'call'; readonly id: number; readonly call: number; readonly callback: number; readonly args: unknown[] }
  | { readonly type: 'forget'; readonly callback: number }
  | { readonly type: 'item'; readonly id: number; readonly call: number; readonly ok: boolean; readonly done: boolean; readonly value: unknown }
  | { readonly type: 'unloaded'; readonly kernel: number }
  | { readonly type: 'stray'; readonly error: unknown }
  | FromGuest;
