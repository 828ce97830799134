// The types of pools as a user meets them: each line must compile, each `@ts-expect-error` must be an error.
import { createHeap, createPool, spawn, type Pool, type PoolStats, type TaskModule } from 'isolith';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only if the two types are the same. */
function same<A, B>(..._proof: Same<A, B> extends true ? [] : ['not the same']): void {}

const pool: Pool = createPool({ min: 1, max: 4, idleTimeout: 1000, name: 'types', queueLimit: 10, onQueueFull: 'wait', grace: 5 });
// @ts-expect-error no such answer to a full queue
createPool({ size: 1, onQueueFull: 'drop' });
// @ts-expect-error no such option
createPool({ size: 1, workers: 3 });

// run(fn): data and result are those of the function, promises unwrapped.
const sum = pool.run((list: number[]) => list.length, [1, 2]);
same<typeof sum, Promise<number>>();
const later = pool.run(async (text: string) => ({ text }), 'x', { priority: 'high', timeout: 5, signal: new AbortController().signal, transfer: [new ArrayBuffer(1)] });
same<typeof later, Promise<{ text: string }>>();
const inferred = pool.run((x) => x.n, { n: 1 });
same<typeof inferred, Promise<number>>();
// @ts-expect-error the data is not what the function takes
void pool.run((n: number) => n, 'text');
// @ts-expect-error no such priority
void pool.run((n: number) => n, 1, { priority: 'urgent' });
// @ts-expect-error a task is a function or a name
void pool.run(5);

// The context.
void pool.run((_, { heap, fs, signal, workerId, progress, transfer }) => {
  same<typeof signal, AbortSignal>();
  same<typeof workerId, number>();
  progress(heap.memory.buffer.byteLength);
  transfer([new ArrayBuffer(1)]);
  // @ts-expect-error no such part of the context
  void fs.noSuchFunction;
  return fs.readFileSync('/x', 'utf8').length;
});
// @ts-expect-error the context has no such part
void pool.run((_: undefined, { worker }) => worker);

// Collections.
const mapped = pool.map([1, 2, 3], async (n) => String(n), { chunk: 2, concurrency: 3 });
same<Awaited<typeof mapped>, string[]>();
for await (const text of mapped) same<typeof text, string>();
async function* words(): AsyncGenerator<string> {
  yield 'word';
}
const lengths = await pool.map(words(), (word, { workerId }) => word.length + workerId);
same<typeof lengths, number[]>();
// @ts-expect-error the items are numbers
void pool.map([1], (text: string) => text);
// @ts-expect-error no iterable
void pool.map(5, (x) => x);
const nothing = pool.forEach(new Set(['a']), (text) => text.length);
same<typeof nothing, Promise<void>>();
const total = pool.reduce(['a', 'b'], (count: number, text) => count + text.length, 0, { combine: (a, b) => a + b, chunk: 5 });
same<typeof total, Promise<number>>();
const folded = pool.reduce([1, 2], (a, b) => a + b);
same<typeof folded, Promise<number>>();
// @ts-expect-error the start is not what is folded into
void pool.reduce(['a'], (count: number, text) => count + text.length, 'zero');

// Blocks on the heap.
const heap = await createHeap();
const floats = heap.allocArray(Float64Array, 10);
void pool.parallelFor(floats, (value, index, array) => { const floats: Float64Array = array; return floats.length + value * index; }, { grain: 10 });
void pool.parallelFor(heap.allocArray(BigInt64Array, 10), (value) => value + 1n);
void pool.parallelFor(floats, (array, start, end) => { array.fill(0, start, end); }, { range: true });
// @ts-expect-error numbers go in, text does not come out
void pool.parallelFor(floats, () => 'text');
// @ts-expect-error elements of a bigint array are no numbers
void pool.parallelFor(heap.allocArray(BigInt64Array, 10), (value: number) => value);

// Modules and proxies, with the types of what they export.
interface Tasks {
  double(n: number): number;
  load(url: string, context: { progress(value: unknown): void }): Promise<Uint8Array>;
  count(to: number): AsyncGenerator<number>;
  watch(callback: (n: number) => boolean, times: number): Promise<string>;
  version: string;
}
const tasks: TaskModule<Tasks> = pool.module<Tasks>('/tasks.js');
const doubled = tasks.run('double', 2);
same<typeof doubled, Promise<number>>();
const loaded = tasks.run('load', '/x', { onProgress: (value) => void value });
same<typeof loaded, Promise<Uint8Array>>();
// @ts-expect-error its data is a number
void tasks.run('double', 'two');
// @ts-expect-error no such export
void tasks.run('triple', 2);
// @ts-expect-error an export that is no function is no task
void tasks.run('version');
const named = pool.run<number>('double', 2);
same<typeof named, Promise<number>>();
const unknown = pool.run('double', 2);
same<typeof unknown, Promise<unknown>>();
const far = pool.proxy<Tasks>('/tasks.js');
same<ReturnType<typeof far.double>, Promise<number>>();
same<Parameters<typeof far.watch>, [callback: (n: number) => boolean, times: number]>();
for await (const n of await far.count(3)) same<typeof n, number>();
// @ts-expect-error the argument is a number
void far.double('two');
// @ts-expect-error one argument is missing
void far.watch((n) => n > 1);
// @ts-expect-error no function
void far.version;

// Events and figures.
pool.addEventListener('crash', ({ detail }) => {
  same<typeof detail.workerId, number>();
  same<typeof detail.error, unknown>();
});
pool.addEventListener('start', (event) => void event.detail.startedBy, { once: true });
pool.addEventListener('idle', () => {});
const stats: PoolStats = pool.stats();
const figures: number[] = [stats.queued, stats.running, stats.done, stats.failed, stats.queueLatency.mean, ...stats.workers.map(({ busyMs }) => busyMs)];
const phases = pool.trace().traceEvents.map(({ ph }) => ph);
same<(typeof phases)[number], 'X' | 'M'>();

async function ends(): Promise<void> {
  await using own = createPool({ share: pool });
  using other = createPool(1);
  await own.drain();
  other.resize(2);
  await other.destroy({ drain: true });
}
const spawned = spawn((n: number) => n > 1, 2);
same<typeof spawned, Promise<boolean>>();

export const used = [figures, ends];
