/** Many tasks as one call: map, forEach, reduce, and loops over arrays on the heap. */

import type { TypedBlock } from '../block.js';
import { IsolithError } from '../errors.js';
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

async function* chunked(items: Iterable<unknown> | AsyncIterable<unknown>, size: number): AsyncGenerator<unknown[]> {
  let chunk: unknown[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** Results in order, with so many tasks on their way; stops what is on its way when left early. */
async function* results(pool: Pool, items: Iterable<unknown> | AsyncIterable<unknown>, fn: AnyFunction, options: MapOptions, keep: boolean): AsyncGenerator<unknown> {
  const { chunk = 1, concurrency = (Array.isArray(items) ? 64 : 2) * Math.max(1, pool.size), signal, ...rest } = options;
  if (!(chunk >= 1) || !(concurrency >= 1)) throw new RangeError('chunk and concurrency are at least 1');
  const stop = new AbortController();
  const run = { ...rest, signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal };
  const ref = chunk === 1 && keep ? undefined : forAll(fn, keep);
  const flying: Promise<unknown[]>[] = [];
  // A chunk whose results are not kept answers with nothing.
  const next = async (): Promise<unknown[]> => (await flying.shift()) ?? [];
  const start = (some: unknown[]): void => {
    const task = ref
      ? (pool.submit(ref, some, undefined, run) as Promise<unknown[]>)
      : pool.run(fn as () => unknown, some[0] as undefined, run).then((value) => [value]);
    // Looked at in its turn; until then nobody may call it unhandled.
    task.catch(() => {});
    flying.push(task);
  };
  try {
    if (Array.isArray(items) && chunk === 1) {
      for (const item of items as unknown[]) {
        if (flying.length >= concurrency) yield* await next();
        start([item]);
      }
    } else {
      for await (const some of chunked(items, chunk)) {
        if (flying.length >= concurrency) yield* await next();
        start(some);
      }
    }
    while (flying.length > 0) yield* await next();
  } finally {
    if (flying.length > 0) stop.abort();
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
  if (!has && list.length === 0) throw new TypeError('reduce of nothing without an initial value');
  if (!combine || list.length === 0) return pool.submit(folding(fn), { items: list, from: initial, has }, undefined, run);
  const size = chunk ?? Math.max(1, Math.ceil(list.length / (4 * Math.max(1, pool.size))));
  const parts: Promise<unknown>[] = [];
  for (let at = 0; at < list.length; at += size) {
    parts.push(pool.submit(folding(fn), { items: list.slice(at, at + size), from: initial, has }, undefined, run));
  }
  return pool.submit(folding(combine as AnyFunction), { items: await Promise.all(parts), from: undefined, has: false }, undefined, run);
}

/** See `Pool.parallelFor`. */
export async function overArray(pool: Pool, block: TypedBlock<unknown>, fn: AnyFunction, options: ForOptions = {}): Promise<void> {
  const { grain, range = false, ...run } = options;
  if (block.ptr === null) throw new IsolithError('ERR_USE_AFTER_FREE', 'the block was already freed');
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
  const workers = Math.max(1, pool.size);
  const take = Math.max(1, Math.ceil(grain ?? count / (32 * workers)));
  const exports = poolExports(heap.kernel);
  const cursor = exports.isolith_bytes_new(4) >>> 0;
  if (cursor === 0) throw heap.outOfMemory(4);
  const tasks = Array.from({ length: Math.min(workers, Math.ceil(count / take)) }, () => submit(cursor, take));
  const outcome = await Promise.allSettled(tasks);
  const failed = outcome.find((one) => one.status === 'rejected');
  // A worker that was killed in its loop may run on for a while, and take grains from the cursor.
  if (failed) setTimeout(() => exports.isolith_bytes_free(cursor, 4), LINGER);
  else exports.isolith_bytes_free(cursor, 4);
  if (failed) throw failed.reason;
}
