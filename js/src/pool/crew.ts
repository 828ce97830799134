/** The workers of a pool and the jobs between them: carries out what the scheduler in `src/pool/crew` decides. */

import { IsolithError } from '../errors.js';
import type { Kernel } from '../kernel.js';
import type { FromWorker } from '../protocol.js';
import { after } from '../timer.js';
import type { WorkerSource } from '../worker-start.js';
import { Figures } from './figures.js';
import { type Hub, hubOf } from './hub.js';
import { type Client, type Job, jobOf, nextJob, type TaskRef } from './job.js';
import { later } from './later.js';
import { MailLink } from './mail.js';
import { type Employer, Member } from './member.js';
import { packLive } from './live.js';
import { type Outcome, RingLink, Sources } from './link.js';
import { BY_MESSAGE, RING, Scheduler, SOON, WORKER } from './scheduler.js';
import { type CrewOptions, destroyed, type Observer } from './options.js';
import { plainLength } from './plain.js';
import { Staff } from './staff.js';
import { Stuck } from './stuck.js';
import { encoded, encodeValue, isPacked, isPlain, snapshot, unsent } from './payload.js';

/** Time that a task which has looked at its signal is given, in milliseconds. */
const GRACE = 100;
/** So many workers in a row that end before they did anything are a crash loop. */
const CRASHES = 5;
/** Workers and their jobs; several pools may share one. */
export class Crew implements Employer {
  readonly kernel: Kernel;
  readonly hub: Hub | undefined;
  readonly sources: Sources | undefined;
  readonly workerSource: WorkerSource | undefined;
  readonly heap: Kernel | undefined;
  readonly members: ReadonlySet<Member>;
  readonly figures = new Figures();
  readonly observers = new Set<Observer>();
  failure: unknown;
  readonly #grace: number | undefined;
  readonly #scheduler: Scheduler;
  readonly #staff: Staff;
  /** By their numbers at the scheduler. */
  readonly #jobs: (Job | undefined)[] = [];
  /** Jobs that wait or run. */
  #count = 0;
  #crashes = 0;
  #closed = false;
  readonly #stuck: Stuck;
  /** Nobody had room when last asked, and no job has ended and no worker come since. */
  #full = false;
  #collecting = false;
  /** A worker has room of which no answer will tell: what waits is sent; later, for it may be taken back next. */
  readonly #refill = later(() => {
    this.collect(0);
    this.dispatch();
    // Nor will any while a tray is full of what was taken back, which its worker has yet to pass by.
    if (!this.#closed && this.#count > 0 && [...this.members].some(({ state }) => state === 'ready') && !this.doze()) setTimeout(this.#refill, 2);
  });
  #balance: ReturnType<typeof setTimeout> | undefined;

  constructor(kernel: Kernel, options: CrewOptions, heap: Kernel | undefined) {
    this.kernel = kernel;
    this.heap = heap;
    this.workerSource = options.worker;
    this.#grace = options.grace;
    this.hub = hubOf(kernel);
    if (this.hub) this.sources = new Sources(this.hub.kernel, this.hub.views);
    this.hub?.add(this);
    this.#scheduler = new Scheduler(kernel, this.hub?.views, options.min, options.max);
    this.#staff = new Staff(this.#scheduler, options, {
      make: (number, workerId) => new Member(this, number, workerId),
      dismiss: (member) => {
        this.#staff.remove(member);
        member.end();
        this.#bury(member);
      },
    });
    this.members = this.#staff.members;
    this.#stuck = new Stuck(this.members);
    this.#grow();
  }

  /** Workers that are there or starting. */
  get size(): number {
    return this.members.size;
  }

  /** Whether all was ended: there is nobody to work any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Workers at the most. */
  get max(): number {
    return this.#staff.max;
  }

  /** Workers that were ended and whose death is not yet certain. */
  get ending(): number {
    return this.#staff.ending;
  }

  /** Jobs that a worker has. */
  load(member: Member): number {
    return this.#scheduler.load(member.number);
  }

  /** Whether nobody waits for anything. */
  get isIdle(): boolean {
    return this.#count === 0;
  }

  /**
   * A task without wishes whose data is a plain value: if a worker has room it gets it at once, and
   * what else is to be done about it is done while the worker wakes up. False if that cannot be.
   */
  send(client: Client, fn: TaskRef, data: unknown, resolve: Job['resolve'], reject: Job['reject']): boolean {
    const length = plainLength(data);
    if (this.#full || length === undefined || fn.prepare || !this.sources || this.#closed || this.failure !== undefined) return false;
    const scheduler = this.#scheduler;
    const queuedAt = performance.now();
    const id = nextJob();
    const sent = scheduler.send(id, fn.id, this.sources.address(fn), length, typeof data === 'number' ? data : 0);
    this.#full = sent === 0;
    if (this.#full) return false;
    const member = this.#staff.at(sent >>> WORKER);
    if ((sent & RING) !== 0) member.thread?.post(0);
    if ((sent & SOON) !== 0) this.hub?.expectSoon((member.link as RingLink).looks);
    const job = jobOf(id, client, fn, data, resolve, reject);
    job.number = scheduler.job;
    job.slot = scheduler.slot;
    job.member = member;
    job.queuedAt = queuedAt;
    this.#jobs[job.number] = job;
    this.#count++;
    this.figures.settle();
    this.#grow();
    return true;
  }

  /** Takes a job: to a worker at once if one has room, else it waits. Throws what refuses its data. */
  submit(job: Job): void {
    if (this.failure !== undefined) throw this.failure;
    if (this.#closed) throw destroyed();
    let moved = false;
    try {
      this.#prepare(job);
      if (job.priority > 0) moved = this.#makeWay(job.priority);
      const slot = this.#scheduler.submit(job.priority, job.transfer !== undefined);
      job.number = this.#scheduler.job;
      this.#jobs[job.number] = job;
      this.#count++;
      if (slot !== 0) {
        this.#hand(job, slot);
      } else if (job.bytes) {
        // What was encoded will be overwritten.
        job.bytes = job.bytes.slice();
      } else if (job.transfer || !isPlain(job.data)) {
        snapshot(job);
      }
    } catch (error) {
      if (job.number >= 0) this.#refuse(job);
      job.over = true;
      throw unsent(error);
    }
    // Who was to do what made way may be idle now.
    if (moved) {
      this.dispatch();
      this.#refill();
    } else this.#grow();
  }

  /** Writes the data down as bytes if that is the faster way. */
  #prepare(job: Job): void {
    // What has handles was packed before.
    if (!this.hub || job.handles) return;
    const { data } = job;
    const type = typeof data;
    if (type === 'number' || type === 'undefined' || type === 'boolean' || data === null) return;
    const length = job.transfer ? -1 : encodeValue(data, "the task's data");
    if (length >= 0) {
      job.data = undefined;
      job.bytes = encoded().subarray(0, length);
      job.packed = isPacked;
    } else if (!isPlain(data)) {
      const packed = packLive(data);
      job.data = packed.data;
      job.handles = packed.handles;
    }
  }

  /** Its data cannot be written: as if it had never been. */
  #refuse(job: Job): void {
    if (this.#jobs[job.number] !== job) return;
    if (job.member) this.#scheduler.unsend(job.number);
    else this.#scheduler.drop(job.number);
    this.#part(job);
  }

  /** The job is no longer in the scheduler's list. */
  #part(job: Job): void {
    this.#full = false;
    this.#jobs[job.number] = undefined;
    this.#count--;
  }

  /** Writes a job for the worker on the desk, and hands it over. */
  #hand(job: Job, slot: number): void {
    const number = this.#scheduler.worker;
    const member = this.#staff.at(number);
    job.member = member;
    job.fn.prepare?.(member);
    member.link.write(job, slot === BY_MESSAGE ? 0 : slot, job.bytes === undefined && !isPlain(job.data) && this.load(member) > 1);
    job.bytes = undefined;
    if (job.transfer) job.sent = true;
    const handed = this.#scheduler.publish(number);
    if (!this.hub || handed === 0) return;
    if ((handed & RING) !== 0) member.thread?.post(0);
    if ((handed & SOON) !== 0) this.hub.expectSoon();
  }

  /** Sends waiting jobs to whom there is room for, then evens out what is left. */
  dispatch(): void {
    if (this.#closed) return;
    for (let slot = this.#scheduler.deal(); slot !== 0; slot = this.#scheduler.deal()) {
      const job = this.#jobs[this.#scheduler.job]!;
      try {
        this.#hand(job, slot);
      } catch (error) {
        this.#refuse(job);
        this.#settle(job, false, unsent(error));
      }
    }
    this.#grow();
    if (this.#count > 1 && this.members.size > 1) this.#even();
    if (this.hub) return;
    // A worker that works on a job nobody waits for any more is stopped.
    for (const member of this.members) {
      const job = this.#running(member);
      if (job?.over) this.#stop(member, job);
    }
    this.#stuck.look();
  }

  /** Takes jobs from a worker that has many ahead while another has none. */
  #even(): void {
    const number = this.#scheduler.even();
    if (number === -2) {
      this.#balance ??= setTimeout(() => {
        this.#balance = undefined;
        this.dispatch();
      }, 2);
    } else if (number >= 0 && this.#recall(this.#staff.at(number), this.#scheduler.job) > 0) {
      this.dispatch();
    }
  }

  /** A job of higher priority came: what workers have not begun and is less urgent goes back. */
  #makeWay(priority: number): boolean {
    let moved = 0;
    for (const member of this.members) if (member.state === 'ready') moved += this.#recall(member, Infinity, priority);
    return moved > 0;
  }

  /** Takes back up to so many of the newest jobs, below a priority if one is given; how many. */
  #recall(member: Member, most = Infinity, below?: number): number {
    const { link } = member;
    if (link instanceof MailLink) {
      const back = link.takeBackSome(most, below);
      for (const job of back) this.#again(job);
      return back.length;
    }
    let count = 0;
    for (; count < most; count++) {
      const number = this.#scheduler.recall(member.number, below);
      if (number < 0) break;
      const job = this.#jobs[number]!;
      link.withdraw(job, !job.over);
      job.member = undefined;
      if (job.over) this.#dropped(job);
    }
    return count;
  }

  /** A job that a worker has but did not begin waits again, unless nobody waits for it. */
  #again(job: Job): void {
    this.#scheduler.requeue(job.number);
    job.member = undefined;
    if (job.over) this.#dropped(job);
  }

  #dropped(job: Job): void {
    this.#scheduler.drop(job.number);
    this.#part(job);
  }

  /** The job that a worker has begun, as far as one can know. */
  #running(member: Member): Job | undefined {
    if (member.link instanceof MailLink) return member.link.running();
    const number = this.#scheduler.running(member.number);
    if (number >= 0) return this.#jobs[number];
    const [late] = member.late.values();
    return late;
  }

  /** How many tasks of a client workers have begun, as far as one can know. */
  runningOf(client: Client): number {
    return [...this.members].map((member) => this.#running(member)).filter((job) => job?.client === client && !job.over).length;
  }

  /** Tasks of one client that wait or run. */
  jobsOf(client: Client): Job[] {
    const late = [...this.members].flatMap((member) => [...member.late.values()]);
    return [...this.#jobs, ...late].filter((job): job is Job => job?.client === client && !job.over);
  }

  /** The caller no longer waits: rejects at once, takes the job back or stops it. */
  cancel(job: Job, error: unknown): void {
    if (job.over) return;
    const { member } = job;
    this.#settle(job, false, error);
    if (!member) {
      if (this.#jobs[job.number] === job) this.#dropped(job);
    } else if (this.#takeBack(member, job)) {
      this.#part(job);
      this.#refill();
    } else if (this.#running(member) === job) {
      this.#stop(member, job);
    }
  }

  /** Takes a job back for good; false if its worker has begun with it, or cannot tell. */
  #takeBack({ link }: Member, job: Job): boolean {
    if (link instanceof MailLink) {
      if (!link.takeBack(job)) return false;
      this.#scheduler.unsend(job.number);
      return true;
    }
    if (this.#jobs[job.number] !== job || !this.#scheduler.takeBack(job.number)) return false;
    link.withdraw(job, false);
    return true;
  }

  /** Asks a job that runs to stop; ends its worker if it does not, or shows that it never will. */
  #stop(member: Member, job: Job): void {
    if (member.state !== 'ready' || member.asked) return;
    this.#recall(member);
    const grace = this.#grace ?? (member.link.hears(job) ? GRACE : 0);
    if (grace <= 0) return this.#kill(member);
    member.asked = job;
    this.#scheduler.ask(member.number, true);
    member.link.ask(job);
    after(grace, () => {
      if (member.asked === job && member.state === 'ready') this.#kill(member);
    });
    this.dispatch();
  }

  /** Ends a worker whatever it does; what it has not begun goes to others. */
  #kill(member: Member): void {
    this.collect(0);
    this.#release(member, new IsolithError('ERR_WORKER_CRASHED', `worker ${member.workerId} was ended`));
    member.end();
    this.#bury(member);
    this.dispatch();
  }

  /** Takes a worker's jobs away: those that it has begun reject, the others wait for another one. */
  #release(member: Member, error: unknown): void {
    this.#recall(member);
    const { link } = member;
    const running = this.#running(member);
    const ended: Job[] = [];
    for (;;) {
      const number = this.#scheduler.newest(member.number);
      if (number < 0) break;
      const job = this.#jobs[number]!;
      // By messages nothing is taken back, but what is behind the first has not begun.
      if (link instanceof MailLink && job !== running && !job.sent) {
        link.withdraw(job);
        this.#again(job);
        continue;
      }
      this.#scheduler.unsend(number);
      this.#part(job);
      member.lost.push(job);
      ended.push(job);
    }
    ended.push(...member.late.values());
    member.late.clear();
    this.#staff.remove(member);
    // Not before: this may let other jobs in, which must not go to this worker.
    for (const job of ended) if (!job.over) this.#settle(job, false, error);
  }

  #bury(member: Member): void {
    this.event('exit', { workerId: member.workerId });
    this.#staff.bury(member);
  }

  /** Takes answers out of the rings, after so many glances; whether there were any. */
  collect(glances: number): boolean {
    // An answer may let a job in that looks for room here.
    if (this.#collecting || this.#count === 0) return false;
    let slot = this.#scheduler.collect(glances);
    if (slot === 0) return false;
    const now = performance.now();
    this.#collecting = true;
    try {
      for (; slot !== 0; slot = this.#count === 0 ? 0 : this.#scheduler.collect(0)) this.#take(slot, now);
    } finally {
      this.#collecting = false;
    }
    if (this.members.size > this.#staff.min) this.#staff.trim();
    return true;
  }

  /** Takes one answer, of the job and worker on the desk. */
  #take(slot: number, now: number): void {
    const job = this.#jobs[this.#scheduler.job]!;
    const member = this.#staff.at(this.#scheduler.worker);
    const outcome = (member.link as RingLink).read(slot, job);
    this.#part(job);
    if (outcome) {
      this.#done(member, job, outcome, now);
    } else if (member.early.delete(job.id)) {
      this.#scheduler.arrived(member.number);
    } else {
      member.late.set(job.id, job);
    }
  }

  /** An answer came by message. */
  answered(member: Member, id: number, outcome: Outcome): void {
    const now = performance.now();
    const { link, late } = member;
    if (link instanceof MailLink) {
      const job = link.find(id);
      if (!job) return;
      link.withdraw(job);
      this.#scheduler.answered(job.number, outcome.end - outcome.start, outcome.end);
      this.#part(job);
      this.#done(member, job, outcome, now);
      if (this.members.size > this.#staff.min) this.#staff.trim();
      return;
    }
    const job = late.get(id);
    if (job) {
      late.delete(id);
      this.#scheduler.arrived(member.number);
      return this.#done(member, job, outcome, now);
    }
    // Before its ring tells of it.
    const early = this.#jobs[this.#scheduler.oldest(member.number)];
    if (early?.id !== id) return;
    member.early.add(id);
    this.#done(member, early, outcome, now);
  }

  returned(member: Member, ids: readonly number[]): void {
    const { link } = member;
    if (!(link instanceof MailLink)) return;
    link.recalled = false;
    for (const job of ids.flatMap((id) => link.find(id) ?? [])) {
      link.withdraw(job);
      this.#again(job);
    }
    this.dispatch();
  }

  paced({ number, link }: Member): void {
    this.#scheduler.widen(number, link.window);
  }

  #done(member: Member, job: Job, outcome: Outcome, now: number): void {
    this.#crashes = 0;
    if (member.asked === job) {
      member.asked = undefined;
      this.#scheduler.ask(member.number, false);
    }
    if (!job.over) this.#settle(job, outcome.ok, outcome.value);
    this.figures.record(member, job, outcome, now, this.#count === 0);
  }

  #settle(job: Job, ok: boolean, value: unknown): void {
    job.over = true;
    job.release?.();
    job.client.over(ok);
    if (ok) job.resolve(value);
    else job.reject(value);
  }

  ready(member: Member): void {
    if (this.#closed) return;
    this.event('start', { workerId: member.workerId, startedBy: member.startedBy });
    const { number, link } = member;
    this.#scheduler.join(number, link.address, link.window);
    this.#full = false;
    this.doze();
    this.#staff.trim();
    this.dispatch();
  }

  doze(): boolean {
    return this.#scheduler.doze();
  }

  failed(member: Member, error: unknown): void {
    this.#staff.remove(member);
    // Where none can start nobody is left waiting; where others work, the next death tries again.
    if (this.members.size === 0 || ++this.#crashes >= CRASHES) this.fail(error);
  }

  crashed(member: Member, error: Error): void {
    this.collect(0);
    const job = this.#running(member);
    this.event('error', { workerId: member.workerId, error });
    if (!job) return;
    // Nobody will answer this task; what state the worker is in nobody knows.
    if (!job.over) this.#settle(job, false, error);
    this.#kill(member);
  }

  died(member: Member, error: Error): void {
    const had = this.#running(member) !== undefined;
    this.figures.settle();
    this.#release(member, error);
    this.#bury(member);
    this.event('crash', { workerId: member.workerId, error });
    if (!had && member.done + member.failed === 0 && ++this.#crashes >= CRASHES) {
      return this.fail(new IsolithError('ERR_WORKER_CRASHED', `${CRASHES} workers in a row ended before they did anything`, { cause: error }));
    }
    this.dispatch();
  }

  /** From now on nothing runs here: everybody who waits is told why. */
  fail(error: unknown): void {
    this.failure = error;
    this.#turnAway(error);
    this.event('failed', { error });
  }

  /** Rejects all that no worker has. */
  #turnAway(error: unknown): void {
    for (const job of [...this.#jobs]) {
      if (!job || job.member) continue;
      this.#dropped(job);
      if (!job.over) this.#settle(job, false, error);
    }
  }

  message(member: Member, message: FromWorker): void {
    if (message !== 0 && message.type === 'progress') {
      const job = this.#jobWithId(member, message.id);
      if (job && !job.over) job.onProgress?.(message.value);
      return;
    }
    for (const observer of this.observers) observer.message(member, message);
  }

  #jobWithId(member: Member, id: number): Job | undefined {
    if (member.link instanceof MailLink) return member.link.find(id);
    const oldest = this.#jobs[this.#scheduler.oldest(member.number)];
    return oldest?.id === id ? oldest : (member.late.get(id) ?? this.#jobs.find((job) => job?.id === id));
  }

  event(type: string, detail: unknown): void {
    for (const observer of this.observers) observer.event(type, detail);
  }

  #grow(): void {
    if (this.failure === undefined) this.#staff.grow();
  }

  /** Changes how many workers there are; busy ones end after their task. */
  resize(min: number, max: number): void {
    if (this.#closed) return;
    this.#staff.resize(min, max);
    this.dispatch();
  }

  /** Ends all workers; resolves when their death is certain and all that they had is returned. */
  async close(): Promise<void> {
    this.collect(0);
    this.#closed = true;
    this.#staff.close();
    clearTimeout(this.#balance);
    this.#stuck.end();
    for (const member of [...this.members]) {
      this.#release(member, destroyed());
      member.end();
      this.#bury(member);
    }
    this.#turnAway(destroyed());
    this.hub?.remove(this);
    await this.#staff.mourn();
    this.sources?.free();
    this.#scheduler.free();
  }
}
