/** The worker's side of a pool: starts the runtime on this thread, then runs tasks as they come. */

import { packError } from './errors.js';
import { attachHeap, getHeap, type Heap } from './heap.js';
import type { Context, Host } from './pool/context.js';
import { MailDuty } from './pool/duty-mail.js';
import { isKernel, Kernels } from './pool/duty-kernels.js';
import { isThenable, RingDuty, type Send } from './pool/duty-ring.js';
import { begin, comeIn, enterRuntime, holdLock } from './pool/enter.js';
import { poolExports, Views } from './pool/exports.js';
import { Stage } from './pool/stage.js';
import type { BlockRef, Start, ToWorker } from './protocol.js';
import { reviveLive } from './pool/revive.js';
import { type Callable, functionFrom, type HeapView } from './task.js';
import { requireShared } from './support.js';

/** Takes the pool's messages on any thread: a worker's, or the caller's own. */
export class Runner implements Host {
  readonly #send: Send;
  readonly #functions = new Map<number, Callable>();
  readonly #stage: Stage;
  readonly #kernels: Kernels;
  #duty: RingDuty | MailDuty | undefined;
  #heap: Heap | undefined;
  workerId = 0;

  constructor(send: Send) {
    this.#send = send;
    this.#stage = new Stage(send);
    this.#kernels = new Kernels(() => this.heap().kernel, send);
  }

  /** Handles one message; never throws and never rejects. */
  take(message: ToWorker): void {
    const duty = this.#duty;
    if (message === 0) {
      if (duty instanceof RingDuty) duty.ring();
    } else if (message.type === 'start') {
      void this.#start(message);
    } else if (message.type === 'jobs') {
      if (duty instanceof MailDuty) duty.jobs(message.jobs);
    } else if (message.type === 'recall') {
      if (duty instanceof MailDuty) duty.recall();
    } else if (message.type === 'data') {
      if (duty instanceof RingDuty) duty.data(message.id, reviveLive(message.data, message.handles));
    } else if (message.type === 'drop') {
      if (duty instanceof RingDuty) duty.drop(message.id);
    } else if (message.type === 'abort') {
      duty?.abort(message.id);
    } else if (message.type === 'kernel' || message.type === 'unload') {
      this.#kernels.take(message);
    } else {
      this.#stage.take(message);
    }
  }

  /** A message came that the browser could not read on this thread. */
  unread(): void {
    if (this.#duty instanceof RingDuty) this.#duty.unread();
    else throw new RangeError("the browser could not read a task's data in the worker: it is nested too deeply");
  }

  async #start(start: Start): Promise<void> {
    try {
      const held = start.lock === undefined ? undefined : holdLock(start.lock);
      if (!(await this.#enter(start))) return;
      await held;
      this.workerId = start.workerId;
      this.#send({ type: 'ready' });
      if (this.#duty instanceof RingDuty) this.#duty.ring();
    } catch (error) {
      this.#send({ type: 'failed', error: packError(error) });
    }
  }

  /** Puts this thread onto its memories; false if it is wanted dead before it has begun. */
  async #enter(start: Start): Promise<boolean> {
    const mine = enterRuntime(start);
    if (mine === 'unwanted') return false;
    const { memory, link, heapMemory, heapThread } = start;
    if (heapMemory) {
      if (!comeIn(heapMemory, heapThread)) return false;
      this.#heap = await attachHeap(heapMemory);
      begin(this.#heap.kernel, heapThread);
    } else if (memory) {
      this.#heap = getHeap();
    }
    const execute = this.#execute.bind(this);
    this.#duty =
      mine && link !== undefined
        ? new RingDuty(poolExports(mine), new Views(mine.memory), link, this, execute, this.#send)
        : new MailDuty(this, execute, this.#send);
    return true;
  }

  #execute(fn: number, source: () => string, data: unknown, block: BlockRef | undefined, context: Context): unknown {
    const known = this.#functions.get(fn);
    if (known) return this.#call(known, data, block, context);
    const text = source();
    const made = isKernel(text) ? this.#kernels.callable(text) : functionFrom(text);
    if (!isThenable(made)) {
      this.#functions.set(fn, made);
      return this.#call(made, data, block, context);
    }
    return (made as Promise<Callable>).then((callable) => {
      this.#functions.set(fn, callable);
      return this.#call(callable, data, block, context);
    });
  }

  #call({ fn, spread }: Callable, data: unknown, block: BlockRef | undefined, context: Context): unknown {
    if (spread) return this.#stage.call(fn, data as unknown[], context);
    if (!block) return fn(data as never, context as never);
    const { heap } = context;
    const view: HeapView = { ptr: block.ptr, size: block.size, heap, HEAP: heap.HEAP };
    return fn(view as never, data as never, context as never);
  }

  /** The heap of this runner's tasks; throws where memory is not shared with it. */
  heap(): Heap {
    if (!this.#heap) requireShared("a worker's heap");
    return (this.#heap ??= getHeap());
  }

  listens(id: number): void {
    this.#duty?.listens(id);
  }

  isAborted(id: number): boolean {
    return this.#duty?.isAborted(id) ?? false;
  }

  progress(id: number, value: unknown): void {
    this.#send({ type: 'progress', id, value });
  }
}
