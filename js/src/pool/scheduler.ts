/** The scheduler of one crew, in Rust (`src/pool/crew`): its calls with its address, and its desk. */

import type { Kernel } from '../kernel.js';
import { type PoolExports, poolExports, Views } from './exports.js';

/** What it answers for a job that goes by message, and has no slot. */
export const BY_MESSAGE = 1;
/** Bits of what handing over a job answers: ring the worker up, look out for its answer. */
export const RING = 1;
export const SOON = 2;
/** From which bit on the number of the worker stands in what `send` answers. */
export const WORKER = 3;

/** Milliseconds since 1970, the clock of the scheduler. */
export const clock = (now = performance.now()): number => performance.timeOrigin + now;

/** See `src/pool/export/crew.rs` for what the calls mean; numbers below 0 stand for nobody. */
export class Scheduler {
  readonly #exports: PoolExports;
  readonly #views: Views;
  readonly #crew: number;
  /** Where its desk is, in words: at the address of the crew itself. */
  readonly #desk: number;

  constructor(kernel: Kernel, views: Views | undefined, least: number, most: number) {
    this.#exports = poolExports(kernel);
    this.#views = views ?? new Views(kernel.memory);
    this.#crew = this.#exports.isolith_crew_new(least, most) >>> 0;
    this.#desk = this.#crew >>> 2;
    this.#views.reach(this.#crew + 12);
  }

  /** The job that the last call put on the desk, or a count in its place. */
  get job(): number {
    return this.#views.i32[this.#desk] ?? this.#renewed(0);
  }

  /** The worker that the last call put on the desk. */
  get worker(): number {
    return this.#views.i32[this.#desk + 1] ?? this.#renewed(1);
  }

  /** Address of the slot of a job that was sent. */
  get slot(): number {
    return (this.#views.i32[this.#desk + 2] ?? this.#renewed(2)) >>> 0;
  }

  /** A word of the desk where memory that is not shared has grown, which empties the views of it. */
  #renewed(word: number): number {
    this.#views.reach(this.#crew + 12);
    return this.#views.i32[this.#desk + word]!;
  }

  limit(least: number, most: number): void {
    this.#exports.isolith_crew_limit(this.#crew, least, most);
  }

  /** Writes and hands over a job with a plain value if a worker has room for it; 0 if none has. */
  send(job: number, task: number, source: number, length: number, value: number): number {
    return this.#exports.isolith_crew_send(this.#crew, job, task, source, length, value) >>> 0;
  }

  submit(priority: number, once: boolean): number {
    return this.#exports.isolith_crew_submit(this.#crew, priority, once ? 1 : 0) >>> 0;
  }

  deal(): number {
    return this.#exports.isolith_crew_deal(this.#crew) >>> 0;
  }

  publish(worker: number): number {
    return this.#exports.isolith_crew_publish(this.#crew, worker);
  }

  collect(glances: number): number {
    return this.#exports.isolith_crew_collect(this.#crew, glances) >>> 0;
  }

  answered(job: number, took: number, now: number): void {
    this.#exports.isolith_crew_answered(this.#crew, job, took, now);
  }

  arrived(worker: number): void {
    this.#exports.isolith_crew_arrived(this.#crew, worker);
  }

  unsend(job: number): void {
    this.#exports.isolith_crew_unsend(this.#crew, job);
  }

  requeue(job: number): void {
    this.#exports.isolith_crew_requeue(this.#crew, job);
  }

  drop(job: number): void {
    this.#exports.isolith_crew_drop(this.#crew, job);
  }

  takeBack(job: number): boolean {
    return this.#exports.isolith_crew_take_back(this.#crew, job) !== 0;
  }

  recall(worker: number, below: number | undefined): number {
    return this.#exports.isolith_crew_recall(this.#crew, worker, below === undefined ? 1 : 0, below ?? 0);
  }

  newest(worker: number): number {
    return this.#exports.isolith_crew_newest(this.#crew, worker);
  }

  oldest(worker: number): number {
    return this.#exports.isolith_crew_oldest(this.#crew, worker);
  }

  running(worker: number): number {
    return this.#exports.isolith_crew_running(this.#crew, worker);
  }

  load(worker: number): number {
    return this.#exports.isolith_crew_load(this.#crew, worker);
  }

  hire(): number {
    return this.#exports.isolith_crew_hire(this.#crew);
  }

  join(worker: number, link: number, window: number): void {
    this.#exports.isolith_crew_join(this.#crew, worker, link, window, clock());
  }

  widen(worker: number, window: number): void {
    this.#exports.isolith_crew_widen(this.#crew, worker, window);
  }

  ask(worker: number, asked: boolean): void {
    this.#exports.isolith_crew_ask(this.#crew, worker, asked ? 1 : 0);
  }

  remove(worker: number): void {
    this.#exports.isolith_crew_remove(this.#crew, worker);
  }

  even(): number {
    return this.#exports.isolith_crew_even(this.#crew, clock());
  }

  dismiss(patience: number): number {
    return this.#exports.isolith_crew_dismiss(this.#crew, clock(), patience);
  }

  doze(): boolean {
    return this.#exports.isolith_crew_doze(this.#crew) !== 0;
  }

  free(): void {
    this.#exports.isolith_crew_free(this.#crew);
  }
}
