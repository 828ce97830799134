/** The work behind the page: one heap, two pools on it, runs that can be cancelled, and blocks that have names. */

import { createHeap, createPoolWasm, type Heap, type HeapView, type MemoryBlock, type Pool } from 'isolith';

/** What a block is for; the heap map colours it by this. */
export type Kind = 'input' | 'pixels' | 'work' | 'output' | 'scratch' | 'other';

/** When a task ran, on which worker; times in milliseconds since the run began. */
export interface Span {
  readonly worker: number;
  readonly stage: number;
  readonly from: number;
  readonly to: number;
  /** What only the pool's trace knows, once the run is over. */
  readonly traced?: Traced;
}

/** How a task came to its worker, and its answer to the page; in milliseconds. */
export interface Traced {
  readonly name: string;
  readonly ok: boolean;
  readonly queued: number;
  readonly wake: number;
}

/** A pool's trace, as `chrome://tracing` and Perfetto read it. */
export type Trace = ReturnType<Pool['trace']>;

/** What every task is told beside its own data. */
export interface TaskFrame {
  /** Address of a 32-bit word in the heap that turns to 1 when the run is cancelled. */
  readonly stop: number;
}

/** What every task answers beside its own result: the clock of all threads is the page's. */
export interface TaskTimes {
  readonly began: number;
  readonly ended: number;
}

/** A function for `runHeap`: it is sent as source, so it uses nothing but its arguments. */
export type StageTask<D, R> = (view: HeapView, data: D & TaskFrame, context: { workerId: number }) => R & TaskTimes & { worker: number };

/** One step of a job: the same function for every part of the work. */
export interface Stage<D, R> {
  readonly name: string;
  readonly task: StageTask<D, R>;
  readonly block: MemoryBlock;
  readonly parts: readonly D[];
}

/** A job: its stages one after another; the parts of a stage side by side. */
export interface Plan<D, R> {
  readonly stages: readonly Stage<D, R>[];
}

/** What a run did. */
export interface Run<R> {
  readonly milliseconds: number;
  readonly workers: number;
  readonly spans: readonly Span[];
  /** Results of the last stage, in the order of its parts. */
  readonly results: readonly R[];
}

/** Who watches a run. */
export interface Watcher {
  progress?(done: number, total: number, stage: string): void;
  span?(span: Span): void;
  began?(workers: number): void;
}

/** Parts of each stage that every worker does before a clock runs: enough for the browser's compiler. */
const WARM_UP = 6;

/** How much two readings of the browser's clocks may differ, in milliseconds. */
const CLOCK = 0.02;

export class Engine {
  readonly heap: Heap;
  readonly workers: number;
  readonly #all: Pool;
  readonly #one: Pool;
  readonly #stop: MemoryBlock;
  readonly #names = new Map<number, { kind: Kind; name: string }>();

  private constructor(heap: Heap, all: Pool, one: Pool) {
    this.heap = heap;
    this.workers = all.size;
    this.#all = all;
    this.#one = one;
    this.#stop = heap.alloc(16);
    this.name(this.#stop, 'other', 'Stop flag');
  }

  /** A heap, a pool of `workers`, and a pool of one to compare with. */
  static async start(workers: number): Promise<Engine> {
    const heap = await createHeap();
    return new Engine(heap, await createPoolWasm(heap.memory, workers), await createPoolWasm(heap.memory, 1));
  }

  /** Gives a block a name and a colour. */
  name(block: MemoryBlock, kind: Kind, name: string): MemoryBlock {
    if (block.ptr !== null) this.#names.set(block.ptr, { kind, name });
    return block;
  }

  /** Name and colour of the block at an address. */
  nameOf(ptr: number): { kind: Kind; name: string } {
    return this.#names.get(ptr) ?? { kind: 'other', name: 'Runtime' };
  }

  free(block: MemoryBlock | undefined): void {
    if (!block || block.ptr === null) return;
    this.#names.delete(block.ptr);
    this.heap.free(block);
  }

  /** Streams a response into the heap, chunk by chunk. */
  async load(response: Response, name: string, signal: AbortSignal, onProgress: (received: number, total: number) => void): Promise<MemoryBlock> {
    if (!response.ok) throw new Error(`${response.url} answered ${response.status}`);
    return this.name(await this.heap.fromResponse(response, { signal, onProgress }), 'input', name);
  }

  /** Lets each worker of both pools compile the tasks before a clock runs. */
  async warmUp<D, R>(plan: Plan<D, R>): Promise<void> {
    for (const pool of [this.#all, this.#one]) {
      for (const stage of plan.stages) {
        const parts = stage.parts.slice(0, WARM_UP);
        await Promise.all(parts.flatMap((part) => Array.from({ length: pool.size }, () => pool.runHeap(stage.task, stage.block, this.#framed(part)))));
      }
    }
  }

  /** Runs a plan on all workers, or on one. Rejects with the signal's reason when it is cancelled. */
  async run<D, R>(plan: Plan<D, R>, alone: boolean, signal: AbortSignal, watcher: Watcher = {}): Promise<Run<R>> {
    const pool = alone ? this.#one : this.#all;
    const flag = this.heap.view(Int32Array, this.#stop.ptr ?? 0, 1);
    Atomics.store(flag, 0, 0);
    const raise = (): void => void Atomics.store(flag, 0, 1);
    signal.throwIfAborted();
    signal.addEventListener('abort', raise, { once: true });
    const total = plan.stages.reduce((sum, stage) => sum + stage.parts.length, 0);
    const begins: number[] = [];
    let results: R[] = [];
    let done = 0;
    watcher.began?.(pool.size);
    const start = performance.now();
    const origin = performance.timeOrigin + start;
    try {
      for (const [index, stage] of plan.stages.entries()) {
        begins.push(performance.now() - start);
        const answers = stage.parts.map(async (part) => {
          const answer = await pool.runHeap(stage.task, stage.block, this.#framed(part));
          const span = { worker: answer.worker, stage: index, from: answer.began - origin, to: answer.ended - origin };
          if (!signal.aborted) {
            watcher.span?.(span);
            watcher.progress?.(++done, total, stage.name);
          }
          return answer as R;
        });
        // All are waited for, also after a cancel: nothing may still write when the blocks are freed.
        const settled = await Promise.allSettled(answers);
        signal.throwIfAborted();
        const failed = settled.find((one) => one.status === 'rejected');
        if (failed) throw failed.reason;
        results = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      }
      return { milliseconds: performance.now() - start, workers: pool.size, spans: tracedSpans(pool.trace(), origin, begins), results };
    } finally {
      signal.removeEventListener('abort', raise);
    }
  }

  /** The last tasks of both pools, each a process of its own to a trace viewer. */
  trace(): Trace {
    const [one, all] = [this.#one.trace(), this.#all.trace()];
    return { ...all, traceEvents: [...one.traceEvents, ...all.traceEvents.map((event) => ({ ...event, pid: 2 }))] };
  }

  #framed<D>(part: D): D & TaskFrame {
    return { ...part, stop: this.#stop.ptr ?? 0 };
  }
}

/** The tasks of a trace that were queued since `origin`; `begins` are the stages' own beginnings. */
function tracedSpans({ traceEvents }: Trace, origin: number, begins: readonly number[]): Span[] {
  return traceEvents.flatMap(({ name, tid, ts, dur, args }) => {
    if (ts === undefined || dur === undefined) return [];
    const from = ts / 1000 - origin;
    const queued = Number(args.queuedMs);
    const stage = begins.findLastIndex((begin) => begin <= from - queued + CLOCK);
    if (stage < 0) return [];
    return [{ worker: tid, stage, from, to: from + dur / 1000, traced: { name, ok: args.ok === true, queued, wake: Number(args.wakeMs) } }];
  });
}
