/** The worker's side of a pool: starts the runtime on this thread, then runs tasks as they come. */

import { packError } from './errors.js';
import { workerFs } from './fs/worker-fs.js';
import { attachHeap, getHeap, type Heap } from './heap.js';
import { kernelModule } from './module.js';
import type { FromWorker, Start, Task, ToWorker } from './protocol.js';
import { adopt } from './runtime.js';
import { type AnyFunction, functionFrom, type HeapView, type TaskContext } from './task.js';
import { requireShared } from './support.js';

/** Sends a message to the pool; `transfer` moves what it lists. */
type Send = (message: FromWorker, transfer?: Transferable[]) => void;

/** Takes the pool's messages on any thread: a worker's, or the caller's own. */
export class Runner {
  readonly #send: Send;
  readonly #functions = new Map<number, AnyFunction>();
  #heap: Heap | undefined;
  #workerId = 0;

  constructor(send: Send) {
    this.#send = send;
  }

  /** Handles one message; never throws and never rejects. */
  async take(message: ToWorker): Promise<void> {
    if (message.type === 'start') {
      try {
        await this.#start(message);
        this.#send({ type: 'ready' });
      } catch (error) {
        this.#send({ type: 'failed', error: packError(error) });
      }
      return;
    }
    try {
      const value = await this.#run(message);
      this.#send({ type: 'done', id: message.id, value });
    } catch (error) {
      this.#send({ type: 'threw', id: message.id, error: packError(error) });
    }
  }

  async #start({ workerId, kernel, memory, heapMemory }: Start): Promise<void> {
    this.#workerId = workerId;
    if (kernel && memory) adopt(kernelModule(kernel.bytes, kernel.compiled), memory, true);
    if (heapMemory) this.#heap = await attachHeap(heapMemory);
    else if (memory) this.#heap = getHeap();
  }

  #run({ id, fn, source, data, block }: Task): unknown {
    let task = this.#functions.get(fn);
    if (!task) {
      task = functionFrom(source ?? '');
      this.#functions.set(fn, task);
    }
    const context = this.#context(id);
    if (!block) return task(data as never, context as never);
    const { heap } = context;
    const view: HeapView = { ptr: block.ptr, size: block.size, heap, HEAP: heap.HEAP };
    return task(view as never, data as never, context as never);
  }

  #context(id: number): TaskContext {
    const runner = this;
    return {
      get heap() {
        return runner.heap();
      },
      get fs() {
        return workerFs();
      },
      signal: new AbortController().signal,
      workerId: this.#workerId,
      progress: (value) => this.#send({ type: 'progress', id, value }),
    };
  }

  /** The heap of this runner's tasks; throws where memory is not shared with it. */
  heap(): Heap {
    if (!this.#heap) requireShared("a worker's heap");
    return (this.#heap ??= getHeap());
  }
}
