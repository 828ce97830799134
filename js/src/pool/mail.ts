/** The owner's end where memory cannot be shared: plain jobs batched per microtask, others at once. */

import type { Parcel } from '../protocol.js';
import type { Job } from './job.js';
import type { Link, Post } from './link.js';
import { isPlain } from './payload.js';

/** The most jobs ahead of a worker. */
const MOST = 1024;
/** So often a job makes way for a more urgent one, as in `src/pool/crew`. */
const YIELDS = 3;
/** A worker whose tasks take less than this, in milliseconds, is sent more ahead. */
const SHORT = 0.3;

/** A link by postMessage. */
export class MailLink implements Link {
  readonly address = 0;
  readonly #post: Post;
  readonly #jobs = new Map<number, Job>();
  readonly #known = new Set<number>();
  #batch: Parcel[] = [];
  #flushing = false;
  #hears = 0;
  /** Whether the worker was asked to send back what it has not begun. */
  recalled = false;
  window = 2;

  constructor(post: Post) {
    this.#post = post;
  }

  write(job: Job, _slot: number, behind: boolean): void {
    // Should it be taken back, it is sent again, as it was now.
    if (behind && !job.transfer) job.data = structuredClone(job.data);
    const { id, fn, data, block, transfer } = job;
    const source = this.#known.has(fn.id) ? undefined : fn.source;
    const parcel: Parcel = { id, fn: fn.id, data, ...(source === undefined ? {} : { source }), ...(block ? { block } : {}) };
    if (isPlain(data) && !transfer) {
      this.#batch.push(parcel);
      if (!this.#flushing) {
        this.#flushing = true;
        queueMicrotask(() => this.#flush());
      }
    } else {
      this.#flush();
      this.#post({ type: 'jobs', jobs: [parcel] }, transfer);
    }
    this.#known.add(fn.id);
    this.#jobs.set(id, job);
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#batch.length === 0) return;
    const jobs = this.#batch;
    this.#batch = [];
    this.#post({ type: 'jobs', jobs });
  }

  /** Learns from a batch of answers how far ahead the worker should be sent jobs. */
  learn(answers: number, milliseconds: number): void {
    const each = milliseconds / answers;
    this.window = each < SHORT ? Math.min(MOST, this.window * 4) : Math.max(1, this.window >> 1);
  }

  /** Takes a job out of the batch that was not posted yet; false if it is on its way. */
  takeBack(job: Job): boolean {
    const at = this.#batch.findIndex((parcel) => parcel.id === job.id);
    if (at < 0) return false;
    const [parcel] = this.#batch.splice(at, 1);
    this.#jobs.delete(job.id);
    if (parcel?.source !== undefined) {
      const next = this.#batch.findIndex(({ fn }) => fn === parcel.fn);
      if (next < 0) this.#known.delete(parcel.fn);
      else this.#batch[next] = { ...this.#batch[next]!, source: parcel.source };
    }
    return true;
  }

  /** Takes up to so many of the newest jobs back that were not posted yet, below a priority if one is given. */
  takeBackSome(most: number, below: number | undefined): Job[] {
    const back: Job[] = [];
    for (const job of [...this.#jobs.values()].reverse()) {
      if (back.length >= most) break;
      if (job.sent || (below !== undefined && (job.priority >= below || job.yielded === YIELDS)) || !this.takeBack(job)) continue;
      if (below !== undefined) job.yielded++;
      back.push(job);
    }
    return back;
  }

  withdraw(job: Job): void {
    this.#jobs.delete(job.id);
  }

  /** Jobs that the worker has, begun or not. */
  get ahead(): number {
    return this.#jobs.size;
  }

  /** Asks the worker for what it has not begun; one that is in a loop will not hear it. */
  recall(): void {
    this.recalled = true;
    this.#flush();
    this.#post({ type: 'recall' });
  }

  /** The job that the worker is at, if it has any. */
  running(): Job | undefined {
    const [first] = this.#jobs.values();
    return first;
  }

  find(id: number): Job | undefined {
    return this.#jobs.get(id);
  }

  ask(job: Job): void {
    this.#post({ type: 'abort', id: job.id });
  }

  hears(job: Job): boolean {
    return this.#hears === job.id;
  }

  heard(id: number): void {
    this.#hears = id;
  }

  free(): void {
    this.#jobs.clear();
    this.#batch = [];
  }
}
