/** The worker's side of a pool: starts the runtime on this thread, then runs tasks as they come. */

import { packError } from './errors.js';
import type { WorkerFs } from './fs/worker-fs.js';
import type { Heap } from './heap.js';
import type { Kernel } from './kernel.js';
import type { Context, Host } from './pool/context.js';
import type { Kernels } from './pool/duty-kernels.js';
import type { MailDuty } from './pool/duty-mail.js';
import { isThenable, RingDuty, type Send } from './pool/duty-ring.js';
import { begin, comeIn, enterRuntime } from './pool/enter.js';
import { poolExports, Views } from './pool/exports.js';
import { expectParts, rest, values } from './pool/parts.js';
import type { Stage } from './pool/stage.js';
import type { BlockRef, Start, ToWorker } from './protocol.js';
import { type Callable, functionFrom, type HeapView, KERNEL, type LoadModule } from './task.js';

/** How long after its start a worker loads what its first task may do without, in milliseconds. */
const AFTER_START = 20;

function preload(): void {
  try {
    values();
  } catch {
    // The task that needs it will say so.
  }
}

/** Takes the pool's messages on any thread: a worker's, or the caller's own. */
export class Runner implements Host {
  readonly #send: Send;
  readonly #load: LoadModule;
  readonly #lock: Promise<string> | undefined;
  readonly #functions = new Map<number, Callable>();
  #itsStage: Stage | undefined;
  #itsKernels: Kernels | undefined;
  /** Whether this thread is on the page's memory. */
  #shares = false;
  #duty: RingDuty | MailDuty | undefined;
  #heap: Heap | undefined;
  workerId = 0;
  /** The doorbell of the ring; never throws. */
  bell: () => void = () => {};

  /** `load` imports modules; `lock` is what tells of this thread's death, where it is a worker's. */
  constructor(send: Send, load: LoadModule, lock?: Promise<string>) {
    this.#send = send;
    this.#load = load;
    this.#lock = lock;
  }

  get #stage(): Stage {
    return (this.#itsStage ??= new (rest().Stage)(this.#send));
  }

  get #kernels(): Kernels {
    return (this.#itsKernels ??= new (rest().Kernels)(() => this.heap().kernel, this.#send, this.#load));
  }

  /** Handles one message; never throws and never rejects. */
  take(message: ToWorker): void {
    const duty = this.#duty;
    if (message === 0) {
      this.bell();
    } else if (message.type === 'start') {
      void this.#start(message);
    } else if (message.type === 'jobs') {
      if (duty && !(duty instanceof RingDuty)) duty.jobs(message.jobs);
    } else if (message.type === 'recall') {
      if (duty && !(duty instanceof RingDuty)) duty.recall();
    } else if (message.type === 'data') {
      if (duty instanceof RingDuty) duty.data(message.id, message.handles ? rest().reviveLive(message.data, message.handles) : message.data);
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

  /**
   * Comes in on a worker that the first script has called ready; undefined if it is wanted dead. The job in
   * the ring's first slot, if that is begun, goes on by the ring's `begun` and `ran`.
   */
  goOn(start: Start): RingDuty | undefined {
    expectParts(start);
    const mine = enterRuntime(start);
    if (!mine || mine === 'unwanted') return undefined;
    this.#equip(start, mine);
    setTimeout(preload, AFTER_START);
    return this.#duty as RingDuty;
  }

  /** A function that a task has brought. */
  learn(fn: number, callable: Callable): void {
    this.#functions.set(fn, callable);
  }

  async #start(start: Start): Promise<void> {
    try {
      expectParts(start);
      if (!(await this.#enter(start))) return;
      const lock = await this.#lock;
      this.#send(lock === undefined ? { type: 'ready' } : { type: 'ready', lock });
      if (!(this.#duty instanceof RingDuty)) return;
      this.bell();
      // What most tasks need sooner or later is there before they do; who needs it at once does not wait for this.
      setTimeout(preload, AFTER_START);
    } catch (error) {
      this.#send({ type: 'failed', error: packError(error) });
    }
  }

  /** Puts this thread onto its memories; false if it is wanted dead before it has begun. */
  async #enter(start: Start): Promise<boolean> {
    const mine = enterRuntime(start);
    if (mine === 'unwanted') return false;
    const { heapMemory, heapThread } = start;
    if (heapMemory) {
      if (!comeIn(heapMemory, heapThread)) return false;
      this.#heap = await rest().attachHeap(heapMemory);
      begin(this.#heap.kernel, heapThread);
    }
    this.#equip(start, mine);
    return true;
  }

  #equip({ workerId, memory, link }: Start, mine: Kernel | undefined): void {
    this.workerId = workerId;
    this.#shares = memory !== undefined;
    const execute = this.#execute.bind(this);
    if (mine && link !== undefined) {
      const ring = new RingDuty(poolExports(mine), new Views(mine.memory), link, this, execute, this.#send, values);
      this.bell = () => ring.ring();
      this.#duty = ring;
    } else {
      this.#duty = new (rest().MailDuty)(this, execute, this.#send);
    }
  }

  #execute(fn: number, source: () => string, data: unknown, block: BlockRef | undefined, context: Context): unknown {
    const known = this.#functions.get(fn);
    if (known && !known.spread && !block) return known.fn(data as never, context as never);
    if (known) return this.#call(known, data, block, context);
    const text = source();
    const made = text.startsWith(KERNEL) ? this.#kernels.callable(text) : functionFrom(text, this.#load);
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
    if (!this.#shares) rest().requireShared("a worker's heap");
    return (this.#heap ??= rest().getHeap());
  }

  /** The files of this runner's tasks; throws where memory is not shared with it. */
  fs(): WorkerFs {
    return rest().workerFs();
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
