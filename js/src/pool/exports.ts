/** The kernel's exports that pools use, and the layout of links, slots and threads that both sides share. */

import type { Kernel } from '../kernel.js';

/** Addresses come as signed 32-bit numbers: `>>> 0` them. */
export interface PoolExports {
  isolith_crew_new(least: number, most: number): number;
  isolith_crew_free(crew: number): void;
  isolith_crew_limit(crew: number, least: number, most: number): void;
  isolith_crew_send(crew: number, job: number, task: number, source: number, length: number, value: number): number;
  isolith_crew_submit(crew: number, priority: number, once: number): number;
  isolith_crew_deal(crew: number): number;
  isolith_crew_publish(crew: number, worker: number): number;
  isolith_crew_collect(crew: number, glances: number): number;
  isolith_crew_answered(crew: number, job: number, took: number, now: number): void;
  isolith_crew_arrived(crew: number, worker: number): void;
  isolith_crew_unsend(crew: number, job: number): void;
  isolith_crew_requeue(crew: number, job: number): void;
  isolith_crew_drop(crew: number, job: number): void;
  isolith_crew_take_back(crew: number, job: number): number;
  isolith_crew_recall(crew: number, worker: number, all: number, below: number): number;
  isolith_crew_newest(crew: number, worker: number): number;
  isolith_crew_oldest(crew: number, worker: number): number;
  isolith_crew_running(crew: number, worker: number): number;
  isolith_crew_load(crew: number, worker: number): number;
  isolith_crew_hire(crew: number): number;
  isolith_crew_join(crew: number, worker: number, link: number, window: number, now: number): void;
  isolith_crew_widen(crew: number, worker: number, window: number): void;
  isolith_crew_ask(crew: number, worker: number, asked: number): void;
  isolith_crew_remove(crew: number, worker: number): void;
  isolith_crew_even(crew: number, now: number): number;
  isolith_crew_dismiss(crew: number, now: number, patience: number): number;
  isolith_crew_doze(crew: number): number;
  isolith_link_size(slots: number): number;
  isolith_link_init(link: number, slots: number): void;
  isolith_link_claim(link: number, glances: number): number;
  isolith_link_room(slot: number, bytes: number): number;
  isolith_link_answer(link: number, slot: number, length: number, value: number, start: number, end: number): number;
  isolith_link_finish(link: number): number;
  isolith_link_sleep(link: number): number;
  isolith_thread_reserve(): number;
  isolith_thread_slot(thread: number): number;
  isolith_thread_begin(thread: number, tls: number, stack: number): void;
  isolith_thread_want(thread: number): number;
  isolith_thread_reap(thread: number): void;
  isolith_bytes_new(bytes: number): number;
  isolith_bytes_free(ptr: number, bytes: number): void;
  readonly __tls_base: WebAssembly.Global;
  readonly __stack_alloc: WebAssembly.Global;
  __wbindgen_thread_destroy(tls: number, stack: number, stackBytes: number): void;
}

/** The pool's part of a kernel. */
export function poolExports(kernel: Kernel): PoolExports {
  return kernel.exports as unknown as PoolExports;
}

/** Words of a link's header; see `src/pool/link.rs`. */
export const LinkWord = { asleep: 0, abort: 1, listens: 2, looks: 4 } as const;
/** Where a link's first slot lies, in bytes, and the states of one that the first script knows. */
export const SLOTS_AT = 128;
export const SlotState = { queued: 1, running: 2 } as const;

/** Words of a slot, and where times (float64) and small payloads lie in it, in bytes. */
export const SlotWord = { state: 0, job: 1, fn: 2, kind: 3, ptr: 4, length: 5, block: 6, blockSize: 7, source: 8, room: 9 } as const;
export const START_AT = 40;
export const END_AT = 48;
export const INLINE_AT = 56;
export const INLINE = 72;

/** How data or an answer travels: inside the slot, in memory of its own, by postMessage, or there in packed form. */
export const Kind = { inline: 0, block: 1, message: 2, packed: 3 } as const;
/** Added to an answer's kind when it is what the task threw. */
export const THREW = 4;
/** Added to data's kind: the task works on a block of the heap (`runHeap`). */
export const ON_BLOCK = 8;

/** Words of a thread's slot; see `src/sys/thread.rs`. */
export const ThreadWord = { inside: 0, wanted: 1, tls: 5, stack: 6 } as const;

/** Typed views of a shared memory, made anew only when it has grown past them. */
export class Views {
  readonly #memory: WebAssembly.Memory;
  u8!: Uint8Array;
  i32!: Int32Array;
  f64!: Float64Array;

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    this.#renew();
  }

  #renew(): void {
    const { buffer } = this.#memory;
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }

  /** Makes sure that the views reach up to `end`; a shared buffer from before a growth stays valid. */
  reach(end: number): void {
    if (end > this.u8.length) this.#renew();
  }
}
