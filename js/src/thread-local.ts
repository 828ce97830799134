/** What a thread has once, however many copies of this code it loads. */

/**
 * The one value of this name on this thread, made by the first copy that asks: a worker's script is
 * one file, and a task whose module imports the package gets another. The number in the key changes
 * when copies of different versions would not understand each other.
 */
export function threadLocal<T extends object>(name: string, make: () => T): T {
  const thread = globalThis as unknown as Record<symbol, T | undefined>;
  return (thread[Symbol.for(`isolith.${name}.1`)] ??= make());
}
