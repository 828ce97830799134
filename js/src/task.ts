/** What a task is given, and how a function that came as source or by name is made callable again. */

import { IsolithError } from './errors.js';
import type { WorkerFs } from './fs/worker-fs.js';
import type { Heap } from './heap.js';

/** The second argument of every task. */
export interface TaskContext {
  /** The heap that the pool works on. */
  readonly heap: Heap;
  /** The page's files: promises, and `fs.sync`, which blocks. */
  readonly fs: WorkerFs;
  /**
   * Aborted when the task is no longer wanted. A task that has looked at it is given time to stop
   * (`grace`); `aborted` tells the truth even in a loop that never returns to the event loop.
   */
  readonly signal: AbortSignal;
  readonly workerId: number;
  /** Tells the caller how far the task is (`onProgress`). */
  progress(value: unknown): void;
  /** Moves these objects with the task's result instead of copying them. */
  transfer(list: Transferable[]): void;
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

/** What marks a task that is an export of a linked module. */
export const KERNEL = '\0kernel\n';

/** What marks a task that is an export of a module. */
const MODULE = '\0module\n';

/** The source text that stands for an export of a module; `spread` calls it with its data as arguments. */
export function moduleSource(url: string, name: string, spread: boolean): string {
  return `${MODULE}${Number(spread)}\n${url}\n${name}`;
}

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

/** What a module exports; see `moduleAt`, which does it, and must not be in every script. */
export type LoadModule = (url: string) => Promise<Record<string, unknown>>;

/** A function ready to be called; `spread` if its data is its list of arguments. */
export interface Callable {
  readonly fn: AnyFunction;
  readonly spread: boolean;
}

/**
 * Makes the function, or imports it. Throws the error that explains a Content-Security-Policy in the
 * way; rejects for a module that cannot be loaded and an export that is no function.
 */
export function functionFrom(source: string, load: LoadModule): Callable | Promise<Callable> {
  if (source.startsWith(MODULE)) return imported(source, load);
  try {
    return { fn: new Function(`return (${source}\n)`)() as AnyFunction, spread: false };
  } catch (cause) {
    if (cause instanceof EvalError) throw forbidden(cause);
    throw new IsolithError('ERR_NOT_SERIALIZABLE', "the function's source cannot be compiled in a worker", { cause });
  }
}

/** The error for functions as source where a Content-Security-Policy forbids them. */
export function forbidden(cause?: unknown): IsolithError {
  return new IsolithError(
    'ERR_CSP',
    "the Content-Security-Policy forbids making functions from source ('unsafe-eval' is missing): load tasks with pool.module(url)",
    { cause },
  );
}

/** The address of a module as workers need it, whole. */
export function absolute(url: string | URL): string {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  return new URL(url, base).href;
}

async function imported(source: string, load: LoadModule): Promise<Callable> {
  const [, spread, url, name] = source.split('\n') as [string, string, string, string];
  const exports = await load(url);
  const fn = exports[name];
  if (typeof fn !== 'function') {
    const known = Object.keys(exports).filter((key) => typeof exports[key] === 'function').join(', ');
    throw new IsolithError('ERR_NO_SUCH_TASK', `the module ${url} has no function "${name}"; it has: ${known || 'none'}`);
  }
  return { fn: fn as AnyFunction, spread: spread === '1' };
}
