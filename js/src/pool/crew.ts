/** The workers of a pool and the jobs between them: who gets what, who is added, replaced and let go. */

import { IsolithError } from '../errors.js';
import type { Kernel } from '../kernel.js';
import type { FromWorker } from '../protocol.js';
import type { WorkerSource } from '../worker-start.js';
import { type PoolExports, poolExports } from './exports.js';
import { Figures } from './figures.js';
import { type Hub, hubOf } from './hub.js';
import type { Job } from './job.js';
import { MailLink } from './mail.js';
import { type Employer, Member } from './member.js';
import { packLive } from './live.js';
import { Sources } from './link.js';
import { encoded, encodeValue, isJson, isPlain, notSerializable } from './payload.js';

/** How a crew is made. */
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

/** Time that a task which has looked at its signal is given, in milliseconds. */
const GRACE = 100;
/** So many workers in a row that end before they did anything are a crash loop. */
const CRASHES = 5;
/** Jobs ahead of a busy worker while jobs of several priorities are about. */
const FEW = 2;
/** Work ahead of one worker, in milliseconds, that is worth sharing with an idle one. */
const SHARE = 0.3;
/** A task that took less than this, in milliseconds, is worth looking out for its answer. */
const QUICK = 0.05;

/** Numbers of jobs are unique on this thread, and fit an `i32`. */
let jobs = 0;

/** The number of a new job. */
export function nextJob(): number {
  jobs = jobs === 0x7fff_ffff ? 1 : jobs + 1;
  return jobs;
}

/** Workers and their jobs; several pools may share one. */
export class Crew implements Employer {
  readonly kernel: Kernel;
  readonly hub: Hub | undefined;
  readonly sources: Sources | undefined;
  readonly workerSource: WorkerSource | undefined;
  readonly heap: Kernel | undefined;
  readonly members = new Set<Member>();
  readonly figures = new Figures();
  readonly observers = new Set<Observer>();
  failure: unknown;
  min: number;
  max: number;
  readonly #idleTimeout: number;
  readonly #grace: number | undefined;
  readonly #exports: PoolExports;
  readonly #queue: number;
  readonly #waiting = new Map<number, Job>();
  readonly #buried: Promise<void>[] = [];
  /** Jobs about whose priority is not 0. */
  #special = 0;
  #crashes = 0;
  #workers = 0;
  #closed = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #balance: ReturnType<typeof setTimeout> | undefined;

  constructor(kernel: Kernel, options: CrewOptions, heap: Kernel | undefined) {
    this.kernel = kernel;
    this.heap = heap;
    this.workerSource = options.worker;
    this.#idleTimeout = options.idleTimeout;
    this.#grace = options.grace;
    this.min = options.min;
    this.max = options.max;
    this.#exports = poolExports(kernel);
    this.#queue = this.#exports.isolith_queue_new();
    this.hub = hubOf(kernel);
    if (this.hub) this.sources = new Sources(this.hub.kernel, this.hub.views);
    this.#staff();
  }

  /** Workers that are there or starting. */
  get size(): number {
    return this.members.size;
  }

  /** Workers that were ended and whose death is not yet certain. */
  get ending(): number {
    return this.#buried.length;
  }

  /** Takes a job: to a worker at once if one has room, else into the queue. Throws what refuses its data. */
  submit(job: Job): void {
    if (this.failure !== undefined) throw this.failure;
    const ring = this.hub !== undefined;
    if (job.priority !== 0) this.#special++;
    let length = -1;
    let moved = false;
    try {
      if (ring && !job.transfer) {
        const type = typeof job.data;
        if (type !== 'number' && type !== 'undefined' && type !== 'boolean' && job.data !== null) {
          length = encodeValue(job.data, "the task's data");
        }
      }
      if (length >= 0) {
        job.data = undefined;
        job.bytes = encoded().subarray(0, length);
        job.json = isJson;
      } else if (ring && !isPlain(job.data)) {
        const { data, handles } = packLive(job.data);
        job.data = data;
        job.handles = handles;
      }
      if (job.priority > 0) moved = this.#makeWay(job.priority);
      const member = this.#waiting.size === 0 ? this.#pick(job) : undefined;
      if (member) {
        this.#push(member, job);
        // Bytes are in the ring now; what was encoded will be overwritten.
        job.bytes = undefined;
        this.#grow();
        return;
      }
      if (job.bytes) job.bytes = job.bytes.slice();
      else if (!isPlain(job.data)) snapshot(job);
    } catch (error) {
      this.#forget(job);
      throw error instanceof IsolithError || error instanceof RangeError ? error : notSerializable("the task's data", error);
    }
    this.#enqueue(job, false);
    // Who was to do what made way may be idle now.
    if (moved) this.dispatch();
    else this.#grow();
  }

  #enqueue(job: Job, front: boolean): void {
    job.member = undefined;
    this.#waiting.set(job.id, job);
    this.#exports.isolith_queue_push(this.#queue, job.id, job.priority, Number(front));
  }

  #push(member: Member, job: Job): void {
    job.fn.prepare?.(member);
    const slept = member.link.push(job);
    job.member = member;
    if (job.transfer) job.sent = true;
    if (!slept && member.mean < QUICK && this.hub && member.load <= 2) this.hub.expectSoon();
  }

  /** The worker that is best for one more job now, if any has room. */
  #pick(job: Job): Member | undefined {
    let best: Member | undefined;
    let least = Infinity;
    let latest = -1;
    for (const member of this.members) {
      if (member.state !== 'ready' || member.asked) continue;
      const { load } = member.link;
      // Of idle ones the last that worked: it may still be hot.
      if (load > least || (load === least && member.idleSince <= latest) || !member.link.hasRoom()) continue;
      best = member;
      least = load;
      latest = member.idleSince;
    }
    if (!best) return undefined;
    // What can be sent only once goes to an idle worker only: from others it may have to be taken back.
    const most = job.transfer ? 1 : this.#special > 0 ? Math.min(FEW, best.link.window) : best.link.window;
    return least < most ? best : undefined;
  }

  /** Sends waiting jobs to whom there is room for, then evens out what is left. */
  dispatch(): void {
    while (this.#waiting.size > 0) {
      const id = this.#exports.isolith_queue_pop(this.#queue);
      const job = this.#waiting.get(id);
      if (!job) {
        if (id === 0) break;
        continue;
      }
      const member = this.#pick(job);
      if (!member) {
        this.#exports.isolith_queue_push(this.#queue, id, job.priority, 1);
        break;
      }
      this.#waiting.delete(id);
      try {
        this.#push(member, job);
        job.bytes = undefined;
      } catch (error) {
        this.#settle(job, false, error);
      }
    }
    this.#grow();
    if (this.#waiting.size === 0) this.#even();
    for (const member of this.members) if (member.state === 'ready') this.#look(member);
  }

  /** A worker that works on a job nobody waits for any more is stopped. */
  #look(member: Member): void {
    if (!(member.link instanceof MailLink) || member.asked) return;
    const job = member.link.running();
    if (job?.over) this.#stop(member, job);
  }

  /** Takes jobs from a worker that has many ahead while another has none. */
  #even(): void {
    let idle: Member | undefined;
    let loaded: Member | undefined;
    for (const member of this.members) {
      if (member.state !== 'ready' || member.asked) continue;
      if (member.load === 0) idle = member;
      else if (!loaded || member.load > loaded.load) loaded = member;
    }
    if (!idle || !loaded || loaded.load < 2) return;
    const ahead = loaded.load * loaded.mean;
    if (ahead < SHARE && performance.now() - loaded.idleSince < 1) {
      // It will be through in a moment; unless it is stuck, and then nobody would tell.
      this.#balance ??= setTimeout(() => {
        this.#balance = undefined;
        this.dispatch();
      }, 2);
      return;
    }
    if (this.#recall(loaded, loaded.load >> 1) > 0) this.dispatch();
  }

  /** A job of higher priority came: what workers have not begun and is less urgent goes back. */
  #makeWay(priority: number): boolean {
    let moved = 0;
    for (const member of this.members) if (member.load > 1) moved += this.#recall(member, Infinity, priority);
    return moved > 0;
  }

  /** Takes back up to so many of the newest jobs below a priority; how many. */
  #recall(member: Member, most = Infinity, below = Infinity): number {
    let count = 0;
    for (const job of member.link.jobs().reverse()) {
      if (count >= most) break;
      if (job.priority >= below || job.sent || !member.link.takeBack(job)) continue;
      count++;
      if (!job.over) this.#enqueue(job, true);
    }
    return count;
  }

  /** The caller no longer waits: rejects at once, takes the job back or stops it. */
  cancel(job: Job, error: unknown): void {
    if (job.over) return;
    const { member } = job;
    this.#settle(job, false, error);
    if (!member) {
      this.#waiting.delete(job.id);
    } else if (!member.link.takeBack(job) && member.link.running() === job) {
      this.#stop(member, job);
    }
  }

  /** Asks a job that runs to stop; ends its worker if it does not, or shows that it never will. */
  #stop(member: Member, job: Job): void {
    if (member.state !== 'ready' || member.asked) return;
    this.#recall(member);
    const grace = this.#grace ?? (member.link.hears(job) ? GRACE : 0);
    if (grace <= 0) {
      this.#kill(member);
    } else {
      member.asked = job;
      member.link.ask(job);
      setTimeout(() => {
        if (member.asked === job && member.state === 'ready') this.#kill(member);
      }, grace);
    }
    this.#staff();
    this.dispatch();
  }

  /** Ends a worker whatever it does; what it has not begun goes to others. */
  #kill(member: Member): void {
    member.collect(0);
    this.#release(member, new IsolithError('ERR_WORKER_CRASHED', `worker ${member.workerId} was ended`));
    member.end();
    this.#bury(member);
    this.#staff();
    this.dispatch();
  }

  /** Takes a worker's jobs away: those that it has begun reject, the others wait for another one. */
  #release(member: Member, error: unknown): void {
    this.members.delete(member);
    this.#recall(member);
    const running = member.link.running();
    for (const job of member.link.jobs().reverse()) {
      if (job.over) continue;
      // By messages nothing is taken back, but what is behind the first has not begun.
      if (member.link instanceof MailLink && job !== running && !job.sent) this.#enqueue(job, true);
      else this.#settle(job, false, error);
    }
  }

  #bury(member: Member): void {
    this.event('exit', { workerId: member.workerId });
    const grave = (member.buried ?? Promise.resolve()).then(() => {
      this.#buried.splice(this.#buried.indexOf(grave), 1);
    });
    this.#buried.push(grave);
  }

  answered(member: Member, job: Job, ok: boolean, value: unknown, start: number, end: number): void {
    this.#crashes = 0;
    this.figures.record(member.workerId, job, ok, start, end, member.link.collectedAt);
    if (!job.over) this.#settle(job, ok, value);
    if (member.load === 0 && this.members.size > this.max) this.#letGo(member);
    else if (member.load === 0) this.#expectIdle();
  }

  #settle(job: Job, ok: boolean, value: unknown): void {
    this.#forget(job);
    if (ok) job.resolve(value);
    else job.reject(value);
  }

  #forget(job: Job): void {
    job.over = true;
    job.release?.();
    if (job.priority !== 0) this.#special--;
    job.client.over(job);
  }

  ready(member: Member): void {
    if (this.#closed) return;
    this.event('start', { workerId: member.workerId, startedBy: member.startedBy });
    if (this.members.size > this.max) this.#letGo(member);
    this.dispatch();
    this.#expectIdle();
  }

  failed(member: Member, error: unknown): void {
    this.members.delete(member);
    // Where none can start nobody is left waiting; where others work, the next death tries again.
    if (this.members.size === 0 || ++this.#crashes >= CRASHES) this.fail(error);
  }

  crashed(member: Member, error: Error): void {
    member.collect(0);
    const job = member.link.running();
    this.event('error', { workerId: member.workerId, error });
    if (!job) return;
    // Nobody will answer this task; what state the worker is in nobody knows.
    if (!job.over) this.#settle(job, false, error);
    this.#kill(member);
  }

  died(member: Member, error: Error): void {
    const had = member.link.running() !== undefined;
    this.#release(member, error);
    this.#bury(member);
    this.event('crash', { workerId: member.workerId, error });
    if (!had && member.done + member.failed === 0 && ++this.#crashes >= CRASHES) {
      this.fail(new IsolithError('ERR_WORKER_CRASHED', `${CRASHES} workers in a row ended before they did anything`, { cause: error }));
      return;
    }
    this.#staff();
    this.dispatch();
  }

  /** From now on nothing runs here: everybody who waits is told why. */
  fail(error: unknown): void {
    this.failure = error;
    for (const job of [...this.#waiting.values()]) this.#settle(job, false, error);
    this.#waiting.clear();
    this.event('failed', { error });
  }

  message(member: Member, message: FromWorker): void {
    if (message !== 0 && message.type === 'progress') {
      const job = member.link.jobs().find(({ id }) => id === message.id);
      if (job && !job.over) job.onProgress?.(message.value);
      return;
    }
    for (const observer of this.observers) observer.message(member, message);
  }

  event(type: string, detail: unknown): void {
    for (const observer of this.observers) observer.event(type, detail);
  }

  /** Starts workers up to the least number. */
  #staff(): void {
    while (!this.#closed && this.failure === undefined && this.members.size < this.min) this.#hire();
    this.#grow();
  }

  #hire(): void {
    this.members.add(new Member(this, ++this.#workers));
  }

  /** Starts more workers where there is more to do than workers who do it. */
  #grow(): void {
    if (this.members.size >= this.max || this.#closed || this.failure !== undefined) return;
    let jobs = this.#waiting.size;
    for (const member of this.members) jobs += member.load;
    while (this.members.size < Math.min(this.max, jobs)) this.#hire();
  }

  #letGo(member: Member): void {
    this.members.delete(member);
    this.#recall(member);
    member.end();
    this.#bury(member);
  }

  /** Lets workers beyond the least number go when they have been idle for long. */
  #expectIdle(): void {
    if (this.#timer !== undefined || this.members.size <= this.min) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const since = performance.now() - this.#idleTimeout;
      for (const member of [...this.members]) {
        if (this.members.size > this.min && member.state === 'ready' && member.load === 0 && member.idleSince <= since) this.#letGo(member);
      }
      this.#expectIdle();
    }, this.#idleTimeout + 1);
  }

  /** Changes how many workers there are; busy ones end after their task. */
  resize(min: number, max: number): void {
    this.min = min;
    this.max = max;
    for (const member of [...this.members]) {
      if (this.members.size > max && member.load === 0 && member.state === 'ready') this.#letGo(member);
    }
    this.#staff();
    this.#expectIdle();
  }

  /** Ends all workers; resolves when their death is certain and all that they had is returned. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#balance);
    for (const member of [...this.members]) {
      member.collect(0);
      this.#release(member, destroyed());
      member.end();
      this.#bury(member);
    }
    for (const job of [...this.#waiting.values()]) this.#settle(job, false, destroyed());
    this.#waiting.clear();
    await Promise.all(this.#buried);
    this.sources?.free();
    this.#exports.isolith_queue_free(this.#queue);
  }
}

/** The error of what a destroyed pool still had. */
export function destroyed(): IsolithError {
  return new IsolithError('ERR_POOL_DESTROYED', 'the pool was destroyed');
}

/** Copies a job's data as postMessage would, because the message comes later. */
function snapshot(job: Job): void {
  const { data, transfer } = job;
  if (!transfer) {
    job.data = structuredClone(data);
    return;
  }
  const copy = structuredClone({ data, transfer }, { transfer });
  job.data = copy.data;
  job.transfer = copy.transfer;
}
