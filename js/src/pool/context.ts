/** What a running task sees of its pool: its signal, its way to report progress, its heap. */

import type { WorkerFs } from '../fs/worker-fs.js';
import type { Heap } from '../heap.js';
import type { TaskContext } from '../task.js';

/** What the worker's side does for its tasks. */
export interface Host {
  readonly workerId: number;
  heap(): Heap;
  fs(): WorkerFs;
  /** A task has looked at its signal, and may be expected to stop when asked. */
  listens(id: number): void;
  /** Whether the task is asked to stop, as far as this thread can see without its event loop. */
  isAborted(id: number): boolean;
  progress(id: number, value: unknown): void;
}

/** The second argument of a task. */
export class Context implements TaskContext {
  readonly #host: Host;
  readonly #id: number;
  #controller: AbortController | undefined;
  /** Whether messages of this task are on their way, which its answer must not overtake. */
  spoke = false;
  /** What moves with the result. */
  moves: Transferable[] | undefined;

  constructor(host: Host, id: number) {
    this.#host = host;
    this.#id = id;
  }

  get heap(): Heap {
    return this.#host.heap();
  }

  get fs(): WorkerFs {
    return this.#host.fs();
  }

  get workerId(): number {
    return this.#host.workerId;
  }

  get signal(): AbortSignal {
    return (this.#controller ??= this.#listen()).signal;
  }

  // Getters, so that a task may take them out of its context: `(data, { progress }) => …`.
  get progress(): (value: unknown) => void {
    return (value) => {
      this.spoke = true;
      this.#host.progress(this.#id, value);
    };
  }

  get transfer(): (list: Transferable[]) => void {
    return (list) => void (this.moves ??= []).push(...list);
  }

  /** The task is asked to stop. */
  abort(): void {
    this.#controller?.abort();
  }

  #listen(): AbortController {
    const controller = new AbortController();
    const { signal } = controller;
    const host = this.#host;
    const id = this.#id;
    const native = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')?.get;
    const aborted = (): boolean => {
      if (native?.call(signal) === true) return true;
      if (!host.isAborted(id)) return false;
      controller.abort();
      return true;
    };
    // A loop that never yields gets no messages: the signal looks into shared memory by itself.
    Object.defineProperties(signal, {
      aborted: { get: aborted, configurable: true },
      throwIfAborted: {
        configurable: true,
        value: (): void => {
          if (aborted()) throw signal.reason;
        },
      },
    });
    host.listens(id);
    if (host.isAborted(id)) controller.abort();
    return controller;
  }
}
