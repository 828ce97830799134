/** Many tasks as one call: map, forEach, reduce, and loops over arrays on the heap. */

import type { TypedBlock } from '../block.js';
import type { Heap } from '../heap.js';
import type { Pool } from '../pool.js';
import { requireShared } from '../support.js';
import { type AnyFunction, sourceOf } from '../task.js';
import { poolExports } from './exports.js';
import { refOfSource } from './job.js';
import type { RunOptions } from './options.js';

/** After so many milliseconds no killed thread runs any more. */
const LINGER = 10_000;

/** How `map` and `forEach` go about it. */
export interface MapOptions extends Omit<RunOptions, 'transfer'> {
  /** Items per task; default 1. */
  readonly chunk?: number;
  /** Tasks on their way at a time; default 64 per worker for arrays, 2 per worker for other iterables. */
  readonly concurrency?: number;
}

/** How `reduce` goes about it. */
export interface ReduceOptions<A> extends Omit<RunOptions, 'transfer'> {
  /** Joins the results of two neighbouring parts: makes the parts run in parallel. */
  readonly combine?: (left: A, right: A) => A;
  /** Items per part; default: four parts per worker. */
  readonly chunk?: number;
}

/** How `parallelFor` goes about it. */
export interface ForOptions extends Omit<RunOptions, 'transfer'> {
  /** Elements that a worker takes at a time; default: so that each takes about 32 grains. */
  readonly grain?: number;
  /** Whether the function is called per grain, with `(array, start, end)`. */
  readonly range?: boolean;
}

/** All results as a promise, or one by one, in order, as they come. */
export interface Mapped<R> extends Promise<R[]>, AsyncIterable<R> {}

/** A task that calls `fn` for each of a list of items. */
function forAll(fn: AnyFunction, keep: boolean): () => ReturnType<typeof refOfSource> {
  return () =>
    refOfSource(
      `async (items, ctx) => { const fn = (${sourceOf(fn)}\n); const out = []; for (const item of items) { const it = await fn(item, ctx); ${keep ? 'out.push(it);' : ''} } return ${keep ? 'out' : 'undefined'}; }`,
      fn.name,
    );
}

/** Throws unless a count is at least 1; a fraction is rounded up, and there may be no bound. */
function atLeastOne(what: string, value: number): number {
  if (typeof value === 'number' && value >= 1) return Math.ceil(value);
  throw new RangeError(`${what} is a number of at least 1, not ${String(value)}`);
}

/** Items in lists of a length, the last one shorter. */
class Chunks {
  readonly #next: () => IteratorResult<unknown> | Promise<IteratorResult<unknown>>;
  readonly #close: () => unknown;
  readonly #size: number;
  #done = false;
  /** The items' owner was asked for the next one. */
  #asked = false;

  constructor(items: Iterable<unknown> | AsyncIterable<unknown>, size: number) {
    const from = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
    this.#next = () => from.next();
    this.#close = () => from.return?.();
    this.#size = size;
  }

  /** The next list; empty after the last. What the items' owner throws ends them. */
  async next(): Promise<unknown[]> {
    const chunk: unknown[] = [];
    while (!this.#done && chunk.length < this.#size) {
      let step: IteratorResult<unknown>;
      try {
        this.#asked = true;
        step = await this.#next();
        this.#asked = false;
        // As `for await` does with a list of promises.
        if (!step.done) chunk.push(await step.value);
      } catch (error) {
        this.#done = true;
        throw error;
      }
      if (step.done) this.#done = true;
    }
    return chunk;
  }

  /** Nobody wants the rest: tells the items' owner, and waits for that unless the next item may never come. */
  async close(): Promise<void> {
    if (this.#done) return;
    this.#done = true;
    const closed = Promise.resolve(this.#close());
    if (!this.#asked) await closed;
    else closed.catch(() => {});
  }
}

/** One task on its way, in the order of its items. */
interface Flight {
  readonly results: Promise<unknown[]>;
  over: boolean;
}

/**
 * Results in order, with so many tasks on their way; stops what is on its way when left early. A result
 * is given as soon as it is there and its turn has come, though the next item may be long in coming.
 */
async function* results(pool: Pool, items: Iterable<unknown> | AsyncIterable<unknown>, fn: AnyFunction, options: MapOptions, keep: boolean): AsyncGenerator<unknown> {
  const { chunk = 1, concurrency = (Array.isArray(items) ? 64 : 2) * pool.most, signal, ...rest } = options;
  const size = atLeastOne('chunk', chunk);
  const most = atLeastOne('concurrency', concurrency);
  signal?.throwIfAborted();
  const stop = new AbortController();
  const aborted = (): void => stop.abort(signal?.reason);
  signal?.addEventListener('abort', aborted);
  const run = { ...rest, signal: stop.signal };
  const ref = size === 1 && keep ? undefined : forAll(fn, keep);
  const flying: Flight[] = [];
  const start = (some: unknown[]): void => {
    const task = ref
      ? (pool.submit(ref, some, undefined, run) as Promise<unknown[]>)
      : pool.run(fn as () => unknown, some[0] as undefined, run).then((value) => [value]);
    const flight: Flight = { results: task, over: false };
    // Looked at in its turn; until then nobody may call it unhandled.
    task.then(() => { flight.over = true; }, () => { flight.over = true; });
    flying.push(flight);
  };
  // A chunk whose results are not kept answers with nothing.
  const land = async (): Promise<unknown[]> => (await flying.shift()?.results) ?? [];
  let chunks: Chunks | undefined;
  try {
    if (Array.isArray(items) && size === 1) {
      for (const item of items as unknown[]) {
        if (flying.length >= most) yield* await land();
        start([item]);
      }
    } else {
      chunks = new Chunks(items, size);
      const ended = new Promise<never>((_, reject) => {
        stop.signal.addEventListener('abort', () => reject(stop.signal.reason));
      });
      ended.catch(() => {});
      for (;;) {
        const coming = chunks.next();
        coming.catch(() => {});
        // What has landed is given, and what failed told, while the next items are awaited.
        let come: unknown[] | undefined;
        while (come === undefined) {
          const head = flying[0];
          come = await Promise.race([coming, ended, ...(head ? [head.results.then(() => undefined)] : [])]);
          if (come === undefined) yield* await land();
        }
        if (come.length === 0) break;
        while (flying.length >= most || flying[0]?.over) yield* await land();
        start(come);
      }
    }
    while (flying.length > 0) yield* await land();
  } catch (error) {
    // It tells more than what its owner may throw at the end.
    await chunks?.close().catch(() => {});
    throw error;
  } finally {
    signal?.removeEventListener('abort', aborted);
    if (flying.length > 0) stop.abort();
    if (chunks) await chunks.close();
  }
}

/** See `Pool.map`. */
export function mapped(pool: Pool, items: Iterable<unknown> | AsyncIterable<unknown>, fn: AnyFunction, options: MapOptions = {}): Mapped<unknown> {
  let all: Promise<unknown[]> | undefined;
  const collect = (): Promise<unknown[]> =>
    (all ??= (async () => {
      const out: unknown[] = [];
      for await (const value of results(pool, items, fn, options, true)) out.push(value);
      return out;
    })());
  // Begins by itself unless it is iterated at once.
  let iterated = false;
  queueMicrotask(() => {
    if (!iterated) collect().catch(() => {});
  });
  return {
    then: (resolve, reject) => collect().then(resolve, reject),
    catch: (reject) => collect().catch(reject),
    finally: (settled) => collect().finally(settled),
    [Symbol.toStringTag]: 'Promise',
    [Symbol.asyncIterator]: () => {
      iterated = true;
      return results(pool, items, fn, options, true);
    },
  };
}

/** See `Pool.forEach`. */
export async function each(pool: Pool, items: Iterable<unknown> | AsyncIterable<unknown>, fn: AnyFunction, options: MapOptions = {}): Promise<void> {
  for await (const nothing of results(pool, items, fn, options, false)) void nothing;
}

/** See `Pool.reduce`. */
export async function fold(pool: Pool, items: Iterable<unknown>, fn: AnyFunction, rest: [initial?: unknown, options?: ReduceOptions<unknown>]): Promise<unknown> {
  const list = [...items];
  const [initial, options = {}] = rest;
  const { combine, chunk, ...run } = options;
  const source = (it: AnyFunction): string => `(${sourceOf(it)}\n)`;
  const folding = (it: AnyFunction): (() => ReturnType<typeof refOfSource>) => () =>
    refOfSource(
      `async ({ items, from, has }) => { const fn = ${source(it)}; let i = 0; let acc = has ? from : items[i++]; for (; i < items.length; i++) acc = await fn(acc, items[i]); return acc; }`,
      it.name,
    );
  const has = rest.length > 0;
  const size = chunk === undefined ? Math.max(1, Math.ceil(list.length / (4 * pool.most))) : atLeastOne('chunk', chunk);
  run.signal?.throwIfAborted();
  if (!has && list.length === 0) throw new TypeError('reduce of nothing without an initial value');
  if (!combine || list.length === 0) return pool.submit(folding(fn), { items: list, from: initial, has }, undefined, run);
  const parts: Promise<unknown>[] = [];
  // One part that fails stops the others.
  const stop = new AbortController();
  const aborted = (): void => stop.abort(run.signal?.reason);
  run.signal?.addEventListener('abort', aborted);
  try {
    for (let at = 0; at < list.length; at += size) {
      parts.push(pool.submit(folding(fn), { items: list.slice(at, at + size), from: initial, has }, undefined, { ...run, signal: stop.signal }));
    }
    const items = await Promise.all(parts);
    return await pool.submit(folding(combine as AnyFunction), { items, from: undefined, has: false }, undefined, { ...run, signal: stop.signal });
  } catch (error) {
    stop.abort();
    throw error;
  } finally {
    run.signal?.removeEventListener('abort', aborted);
  }
}

/** See `Pool.parallelFor`. */
export async function overArray(pool: Pool, block: TypedBlock<unknown>, fn: AnyFunction, options: ForOptions = {}): Promise<void> {
  const { grain, range = false, ...run } = options;
  pool.checkBlock(block);
  const body = range ? 'fn(array, start, end);' : 'for (let i = start; i < end; i++) { const it = fn(array[i], i, array); if (it !== undefined) array[i] = it; }';
  const ref = (): ReturnType<typeof refOfSource> =>
    refOfSource(
      `({ HEAP }, { type, ptr, length, cursor, grain }, ctx) => { const fn = (${sourceOf(fn)}\n); const array = new globalThis[type](HEAP.buffer, ptr, length); const at = new Int32Array(HEAP.buffer, cursor, 1); const { signal } = ctx; for (;;) { const start = Atomics.add(at, 0, grain) >>> 0; if (start >= length || signal.aborted) return; const end = Math.min(start + grain, length); ${body} } }`,
      fn.name,
    );
  const { name: type } = block.Type as unknown as { name: string };
  await loop(pool, block.heap, block.length, grain, (cursor, grain) =>
    pool.submit(ref, { type, ptr: block.ptr, length: block.length, cursor, grain }, block, run),
  );
}

/** Has workers share `0..count`: each is told of the atomic cursor from which it takes grains. */
export async function loop(
  pool: Pool, heap: Heap, count: number, grain: number | undefined, submit: (cursor: number, grain: number) => Promise<unknown>,
): Promise<void> {
  requireShared('parallelFor');
  const workers = pool.most;
  const least = grain === undefined ? Math.max(1, Math.ceil(count / (32 * workers))) : atLeastOne('grain', grain);
  // Each worker takes once more than there is: the cursor must not come round to the start.
  const take = Math.max(1, Math.min(least, count, Math.floor((0xffff_ffff - count) / workers)));
  const exports = poolExports(heap.kernel);
  const cursor = exports.isolith_bytes_new(4) >>> 0;
  if (cursor === 0) throw heap.outOfMemory(4);
  const tasks = Array.from({ length: Math.min(workers, Math.ceil(count / take)) }, () => submit(cursor, take));
  // One that fails leaves the others nothing more to take.
  const end = (): number => Atomics.store(new Int32Array(heap.memory.buffer, cursor, 1), 0, count);
  for (const task of tasks) task.catch(end);
  const outcome = await Promise.allSettled(tasks);
  const failed = outcome.find((one) => one.status === 'rejected');
  // A worker that was killed in its loop may run on for a while, and take grains from the cursor.
  if (failed) setTimeout(() => exports.isolith_bytes_free(cursor, 4), LINGER);
  else exports.isolith_bytes_free(cursor, 4);
  if (failed) throw failed.reason;
}
