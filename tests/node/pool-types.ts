// Types that users of the pool rely on: compiled, never run.
import { createPool, type TaskContext } from '../../pkg/dist/index.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_T extends true>(): void {}

const pool = createPool({ min: 1, max: 2, onQueueFull: 'wait' });
const doubled = pool.run((n: number) => n * 2, 10);
is<Same<typeof doubled, Promise<number>>>();
const later = pool.run(async (text: string, { signal }: TaskContext) => [text, signal.aborted] as const, 'x', { timeout: 5, priority: 'high' });
is<Same<typeof later, Promise<readonly [string, boolean]>>>();
const nothing = pool.run(() => {});
is<Same<typeof nothing, Promise<void>>>();
const named = pool.run<Date>('name', { any: 'thing' });
is<Same<typeof named, Promise<Date>>>();
// @ts-expect-error The data must be what the function takes.
void pool.run((n: number) => n, 'text');
// @ts-expect-error There is no such way to handle a full queue.
createPool({ onQueueFull: 'explode' });

const list = pool.map([1, 2, 3], (n) => String(n));
is<Same<Awaited<typeof list>, string[]>>();
async function stream(): Promise<void> {
  for await (const text of pool.map(new Set([1]), async (n) => ({ n }))) is<Same<typeof text, { n: number }>>();
}
void stream;
const sum = pool.reduce(['a'], (length: number, word: string) => length + word.length, 0);
is<Same<typeof sum, Promise<number>>>();

interface Tasks {
  double(n: number): number;
  greet(name: string, ctx: TaskContext): Promise<string>;
  add(a: number, b: number): number;
  readonly version: string;
}
const tasks = pool.module<Tasks>('/tasks.js');
const greeting = tasks.run('greet', 'you');
is<Same<typeof greeting, Promise<string>>>();
// @ts-expect-error The module has no such task.
void tasks.run('nope');
// @ts-expect-error The task takes a number.
void tasks.run('double', 'text');
const far = pool.proxy<Tasks>('/tasks.js');
const three = far.add(1, 2);
is<Same<typeof three, Promise<number>>>();
// @ts-expect-error What is no function cannot be called from afar.
void far.version;

async function scoped(): Promise<void> {
  await using scopedPool = createPool(1);
  is<Same<ReturnType<typeof scopedPool.destroy>, Promise<void>>>();
}
void scoped;
