/** One task as its caller waits for it, and the functions that tasks call. */

import type { Handle } from '../sync/storage.js';
import type { BlockRef } from '../protocol.js';
import { type AnyFunction, forbidden, moduleSource, sourceOf } from '../task.js';
import { mayCompileFunctions } from '../support.js';
import type { Member } from './member.js';

/** A function that tasks call, known to workers by its number. */
export interface TaskRef {
  readonly id: number;
  readonly name: string;
  readonly source: string;
  /** Gives a worker what the function needs there, before its first task; throws where it cannot. */
  readonly prepare?: (member: Member) => void;
  /** It can run in workers only. */
  readonly away?: boolean;
}

/** Who submitted a job, and is told when it is over. */
export interface Client {
  over(ok: boolean): void;
}

/** One task on its way. */
export interface Job {
  readonly id: number;
  /** Its number in its crew's list, used again when it is over. */
  number: number;
  readonly fn: TaskRef;
  readonly client: Client;
  /** Data for a message, or a plain value. */
  data: unknown;
  /** Data as bytes, if it went that way. */
  bytes: Uint8Array | undefined;
  /** Whether those are in packed form. */
  packed: boolean;
  /** Handles of the live objects that were in the data. */
  handles: readonly Handle[] | undefined;
  block: BlockRef | undefined;
  transfer: Transferable[] | undefined;
  priority: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  onProgress: ((value: unknown) => void) | undefined;
  queuedAt: number;
  /** Who has it. */
  member: Member | undefined;
  /** Address of its slot in the ring, and address and length of its data's memory, 0 for none. */
  slot: number;
  ptr: number;
  length: number;
  /** Its data went to a worker and cannot be sent again: it was moved. */
  sent: boolean;
  /** How often it made way for a more urgent one, where it goes by message. */
  yielded: number;
  over: boolean;
  /** Stops its timer and forgets its signal. */
  release: (() => void) | undefined;
}

/** Numbers of jobs are unique on this thread, and fit an `i32`. */
let jobs = 0;

/** The number of a new job. */
export function nextJob(): number {
  jobs = jobs === 0x7fff_ffff ? 1 : jobs + 1;
  return jobs;
}

/** A job without wishes that is with nobody yet. */
export function jobOf(id: number, client: Client, fn: TaskRef, data: unknown, resolve: Job['resolve'], reject: Job['reject']): Job {
  return {
    id, number: -1, fn, client, data, bytes: undefined, packed: false, handles: undefined, block: undefined, transfer: undefined,
    priority: 0, resolve, reject, onProgress: undefined, queuedAt: 0, member: undefined, slot: 0, ptr: 0, length: 0,
    sent: false, yielded: 0, over: false, release: undefined,
  };
}

let refs = 0;
const known = new Map<string, TaskRef>();
let functions: boolean | undefined;

/** Sources longer than this are not compared with each other again and again. */
const LONG = 400;
const long = new WeakMap<AnyFunction, TaskRef>();
let lastFn: AnyFunction | undefined;
let lastRef: TaskRef | undefined;

/**
 * The reference to a function. Functions with the same source are the same task: a closure made anew
 * for every call is compiled once per worker.
 */
export function refOf(fn: AnyFunction): TaskRef {
  if (fn === lastFn && lastRef) return lastRef;
  const text = Function.prototype.toString.call(fn);
  let ref = text.length > LONG ? long.get(fn) : known.get(text);
  if (!ref) {
    // Workers have the page's policy: ask here, so that the caller learns it at once.
    if (!(functions ??= mayCompileFunctions())) throw forbidden();
    ref = { id: ++refs, name: fn.name, source: sourceOf(fn) };
    if (text.length > LONG) long.set(fn, ref);
    else known.set(text, ref);
  }
  lastFn = fn;
  lastRef = ref;
  return ref;
}

/** The reference to source text that was put together from functions. */
export function refOfSource(source: string, name: string, away = false): TaskRef {
  let ref = known.get(source);
  if (!ref) {
    if (!source.startsWith('\0') && !(functions ??= mayCompileFunctions())) throw forbidden();
    known.set(source, (ref = { id: ++refs, name, source, away }));
  }
  return ref;
}

/** A reference to text that workers know how to run, and what they need for it. */
export function refOfPrepared(source: string, name: string, prepare: (member: Member) => void): TaskRef {
  return { id: ++refs, name, source, prepare, away: true };
}

/** The reference to an export of a module. */
export function refOfExport(url: string, name: string, spread: boolean): TaskRef {
  return refOfSource(moduleSource(url, name, spread), name, spread);
}
