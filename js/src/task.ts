/** What a task is given, and how a function that came as source is made callable again. */

import { IsolithError } from './errors.js';
import type { WorkerFs } from './fs/worker-fs.js';
import type { Heap } from './heap.js';

/** The second argument of every task. */
export interface TaskContext {
  /** The heap that the pool works on. */
  readonly heap: Heap;
  /** The page's files: promises, and `fs.sync`, which blocks. */
  readonly fs: WorkerFs;
  /** Aborted when the task is no longer wanted. */
  readonly signal: AbortSignal;
  readonly workerId: number;
  /** Tells the caller how far the task is (`onProgress`). */
  progress(value: unknown): void;
}

/** The first argument of a `runHeap` task. */
export interface HeapView {
  /** Address of the block's first byte in `HEAP`. */
  readonly ptr: number;
  /** Bytes of the block. */
  readonly size: number;
  /** All bytes of the memory. */
  readonly HEAP: Uint8Array;
  readonly heap: Heap;
}

/** Any function that can be shipped as source. */
export type AnyFunction = (...args: never[]) => unknown;

/**
 * The source of a function as an expression. Methods (`{ run(x) {…} }`) are rewritten into function
 * expressions; native and bound functions have no source, and are refused.
 */
export function sourceOf(fn: AnyFunction): string {
  const source = Function.prototype.toString.call(fn);
  if (/\{\s*\[native code\]\s*\}\s*$/.test(source)) {
    throw new IsolithError(
      'ERR_NOT_SERIALIZABLE',
      `the function ${fn.name || '(anonymous)'} is native or bound: it has no source to send to a worker; wrap it in an arrow function`,
    );
  }
  if (/^class\b/.test(source)) throw new IsolithError('ERR_NOT_SERIALIZABLE', 'a class is not a task');
  if (/^(async\s*)?(function\b|\(|[\w$]+\s*=>)/.test(source)) return source;
  const method = /^(async\s+)?(\*\s*)?(?:\[[^\]]*\]|[\w$#]+|'[^']*'|"[^"]*")\s*(\([\s\S]*)$/.exec(source);
  if (!method) throw new IsolithError('ERR_NOT_SERIALIZABLE', 'the function has a form that cannot be sent to a worker');
  return `${method[1] ?? ''}function ${method[2] ?? ''}${method[3]}`;
}

/** Makes the function; throws the error that explains a Content-Security-Policy in the way. */
export function functionFrom(source: string): AnyFunction {
  try {
    return new Function(`return (${source}\n)`)() as AnyFunction;
  } catch (cause) {
    if (cause instanceof EvalError) {
      throw new IsolithError(
        'ERR_CSP',
        "the Content-Security-Policy forbids making functions from source ('unsafe-eval' is missing): load tasks with pool.module(url)",
        { cause },
      );
    }
    throw new IsolithError('ERR_NOT_SERIALIZABLE', "the function's source cannot be compiled in a worker", { cause });
  }
}
