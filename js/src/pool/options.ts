/** What the users of a pool may choose, and what it tells them. */

import { IsolithError } from '../errors.js';
import type { StartedBy, WorkerSource } from '../worker-start.js';
import type { FromWorker } from '../protocol.js';
import type { Latency } from './figures.js';
import type { Member } from './member.js';
import type { Pool } from '../pool.js';

/** How a pool is made. */
export interface PoolOptions {
  /** Number of workers; or give `min` and `max`. */
  readonly size?: number;
  /** Workers that are always there; default `size`, or 0 where `max` is given. */
  readonly min?: number;
  /** Workers at the most, started as they are needed; default `size`, or the number of cores less one. */
  readonly max?: number;
  /** Workers beyond `min` end after so many idle milliseconds; default 10,000, `Infinity` for never. */
  readonly idleTimeout?: number;
  /** Name in traces. */
  readonly name?: string;
  /** Module whose exports `run('name')` means; relative to the page. */
  readonly module?: string | URL;
  /** How many tasks may wait beside those that run; default no limit. */
  readonly queueLimit?: number;
  /** What becomes of a task beyond that; default `'reject'`. */
  readonly onQueueFull?: 'reject' | 'wait' | 'runOnMain';
  /**
   * How long a task that is asked to stop may take before its worker is ended, in milliseconds.
   * Default: 100 for tasks that have looked at `ctx.signal`, none for others. `Infinity` waits for as long as it takes.
   */
  readonly grace?: number;
  /** Uses the workers of another pool of this thread; they end with the last pool that does. */
  readonly share?: Pool;
  /** The worker script, where the package's own cannot be found by itself. */
  readonly worker?: WorkerSource;
}

/** How a crew, the workers of one pool or of several, is made. */
export interface CrewOptions {
  readonly min: number;
  readonly max: number;
  /** After so many idle milliseconds workers beyond `min` are let go. */
  readonly idleTimeout: number;
  /** How long a task that is asked to stop may take, in milliseconds; undefined: by what it shows. */
  readonly grace: number | undefined;
  readonly worker: WorkerSource | undefined;
}

/** What a crew tells those who use it. */
export interface Observer {
  event(type: string, detail: unknown): void;
  message(member: Member, message: FromWorker): void;
}

/** How urgent a task is: a higher number goes first; `'high'` is 10, `'low'` -10. */
export type Priority = number | 'low' | 'normal' | 'high';

/** How one task runs. */
export interface RunOptions {
  /** Objects that are moved to the task instead of copied. */
  readonly transfer?: Transferable[];
  readonly priority?: Priority;
  /** Rejects with `ETIMEDOUT` so many milliseconds after the call, whatever the task does. */
  readonly timeout?: number;
  /** Rejects with the signal's reason when it aborts. */
  readonly signal?: AbortSignal;
  /** Called with what the task passes to `ctx.progress`. */
  readonly onProgress?: (value: unknown) => void;
}

/** What `stats()` tells; times in milliseconds. */
export interface PoolStats {
  readonly queued: number;
  readonly running: number;
  readonly done: number;
  readonly failed: number;
  /** Workers that were ended and whose death is not yet certain. */
  readonly ending: number;
  readonly workers: readonly {
    readonly workerId: number;
    readonly state: string;
    readonly startedBy: StartedBy | undefined;
    readonly busyMs: number;
    readonly done: number;
    readonly failed: number;
    readonly load: number;
  }[];
  /** From `run()` to the task's first line. */
  readonly queueLatency: Latency;
  /** From the task's end to its caller. */
  readonly wakeLatency: Latency;
}

/** A whole number within bounds, or the RangeError that says so. */
export function whole(what: string, value: number, least: number): number {
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(`${what} is a whole number of at least ${least}, not ${String(value)}`);
  }
  return value;
}

/** A number of milliseconds, `Infinity` for never, or the RangeError that says so. */
export function span(what: string, value: number): number {
  if (!(value >= 0)) throw new RangeError(`${what} is a number of milliseconds from 0 on, not ${String(value)}`);
  return value;
}

/** The least and the most workers that the options ask for. */
export function bounds(options: PoolOptions): [min: number, max: number] {
  const cores = globalThis.navigator?.hardwareConcurrency ?? 2;
  const max = whole('the number of workers of a pool', options.max ?? options.size ?? Math.max(1, options.min ?? 1, cores - 1), 1);
  const min = whole("a pool's least number of workers", options.min ?? options.size ?? (options.max === undefined ? max : 0), 0);
  if (min > max) throw new RangeError(`a pool cannot have at least ${min} and at most ${max} workers`);
  return [min, max];
}

/** A priority as the scheduler's number. */
export function priorityOf(priority: Priority = 0): number {
  if (typeof priority === 'string') {
    const level = { low: -10, normal: 0, high: 10 }[priority];
    if (level !== undefined) return level;
  } else if (typeof priority === 'number' && !Number.isNaN(priority)) {
    return Math.max(-0x8000_0000, Math.min(0x7fff_ffff, Math.trunc(priority)));
  }
  throw new RangeError(`a priority is a number, 'low', 'normal' or 'high', not ${String(priority)}`);
}

/** The error of a task that took too long. */
export function timedOut(milliseconds: number): IsolithError {
  const error = new IsolithError('ETIMEDOUT', `the task did not end within ${milliseconds} ms`);
  error.name = 'TimeoutError';
  return error;
}

/** The error of what a destroyed pool still had. */
export function destroyed(): IsolithError {
  return new IsolithError('ERR_POOL_DESTROYED', 'the pool was destroyed');
}
