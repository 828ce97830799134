/** A guest's worker as its page sees it: what it is asked, on the ring or by message, and what it answers. */

import { encode, FULL } from '../codec.js';
import { IsolithError, notSerializable } from '../errors.js';
import { type Client, type Job, jobOf, nextJob, type TaskRef } from '../pool/job.js';
import { type Outcome, RingLink } from '../pool/link.js';
import { MailLink } from '../pool/mail.js';
import { Member } from '../pool/member.js';
import { snapshot } from '../pool/payload.js';
import { RING, Scheduler, SOON } from '../pool/scheduler.js';
import type { FromWorker } from '../protocol.js';
import { Callbacks } from './callbacks.js';
import type { GuestCrew } from './crew.js';
import { revived } from './errors.js';
import { Op } from './ops.js';

/** Arguments of calls, as bytes. */
const scratch = new Uint8Array(4096);

/** A guest's worker, as its page sees it. */
export class Seat implements Client {
  readonly member: Member;
  readonly #crew: GuestCrew;
  /** The guest's requests: a crew of one worker. */
  readonly #scheduler: Scheduler;
  readonly #jobs: (Job | undefined)[] = [];
  #count = 0;
  #collecting = false;
  readonly #open = new Set<Job>();
  readonly callbacks: Callbacks;
  /** Whether the worker runs. */
  isReady = false;
  /** Why it is gone. */
  ended: Error | undefined;
  /** Called when the worker ends by itself. */
  onEnd: (error: Error) => void = () => {};

  constructor(crew: GuestCrew, number: number) {
    this.#crew = crew;
    this.#scheduler = new Scheduler(crew.kernel, crew.hub?.views, 1, 1);
    this.callbacks = new Callbacks(crew.kernel, (job, ok, value) => this.#settle(job, ok, value));
    this.member = new Member(crew, this.#scheduler.hire(), number);
  }

  /** Has the worker do something: `Op`. */
  request(fn: number, data?: unknown, transfer?: Transferable[]): Promise<unknown> {
    return new Promise((resolve, reject) => this.send(fn, data, resolve, reject, transfer));
  }

  /** As `request`; one of the two is called, once, and must not throw. */
  send(fn: number, data: unknown, resolve: (value: unknown) => void, reject: (error: unknown) => void, transfer?: Transferable[]): void {
    if (this.ended) return reject(this.ended);
    const job = jobOf(nextJob(), this, refOf(fn), data, resolve, reject);
    job.transfer = transfer;
    if (fn !== Op.load && this.callbacks.waits) return this.callbacks.request(job, fn, data);
    this.#open.add(job);
    try {
      this.#submit(job);
    } catch (error) {
      this.#settle(job, false, error);
    }
  }

  #submit(job: Job): void {
    const { hub } = this.#crew;
    if (hub && !job.transfer) {
      const type = typeof job.data;
      if (type !== 'number' && type !== 'undefined') {
        const length = job.fn.id === Op.load || job.fn.id === Op.write ? FULL : encode(job.data, scratch, 0);
        if (length >= 0) job.bytes = scratch.subarray(0, length);
      }
    }
    const slot = this.#scheduler.submit(0, job.transfer !== undefined);
    job.number = this.#scheduler.job;
    this.#jobs[job.number] = job;
    this.#count++;
    if (slot !== 0) this.#hand(job, slot);
    else if (job.bytes) job.bytes = job.bytes.slice();
    else snapshot(job);
  }

  #hand(job: Job, slot: number): void {
    const { member } = this;
    job.member = member;
    try {
      member.link.write(job, slot, false);
    } catch (error) {
      this.#scheduler.unsend(job.number);
      this.#part(job);
      throw error;
    }
    job.bytes = undefined;
    const handed = this.#scheduler.publish(member.number);
    if (!this.#crew.hub) return;
    if ((handed & RING) !== 0) member.thread?.post(0);
    if ((handed & SOON) !== 0) this.#crew.hub.expectSoon();
  }

  #part(job: Job): void {
    this.#jobs[job.number] = undefined;
    this.#count--;
  }

  /** Sends what waits, as far as there is room. */
  dispatch(): void {
    while (this.#count > 0 && !this.ended) {
      const slot = this.#scheduler.deal();
      if (slot === 0) return;
      const job = this.#jobs[this.#scheduler.job]!;
      try {
        this.#hand(job, slot);
      } catch (error) {
        this.#settle(job, false, error instanceof IsolithError ? error : notSerializable('what the guest is given', error));
      }
    }
  }

  /** Takes answers out of the ring, after so many glances; whether there were any. */
  collect(glances: number): boolean {
    if (this.#collecting || this.#count === 0 || this.ended) return false;
    this.#collecting = true;
    let any = false;
    try {
      for (let slot = this.#scheduler.collect(glances); slot !== 0; slot = this.#count === 0 ? 0 : this.#scheduler.collect(0)) {
        any = true;
        const { member } = this;
        const job = this.#jobs[this.#scheduler.job]!;
        const outcome = (member.link as RingLink).read(slot, job);
        this.#part(job);
        if (outcome) this.#settle(job, outcome.ok, outcome.value);
        else if (member.early.delete(job.id)) this.#scheduler.arrived(member.number);
        else member.late.set(job.id, job);
      }
    } finally {
      this.#collecting = false;
    }
    return any;
  }

  doze(): boolean {
    return !this.ended && this.#scheduler.doze();
  }

  /** Whether nobody waits for an answer. */
  get isIdle(): boolean {
    return this.#count === 0;
  }

  begin(): void {
    this.isReady = true;
    const { number, link } = this.member;
    this.#scheduler.join(number, link.address, link.window);
    this.#scheduler.doze();
    this.dispatch();
  }

  paced(): void {
    if (!this.ended) this.#scheduler.widen(this.member.number, this.member.link.window);
  }

  /** An answer came by message. */
  answered(id: number, { ok, value, start, end }: Outcome): void {
    if (this.ended) return;
    const { link, late, early, number } = this.member;
    if (link instanceof MailLink) {
      const job = link.find(id);
      if (!job) return;
      link.withdraw(job);
      this.#scheduler.answered(job.number, end - start, end);
      this.#part(job);
      this.#settle(job, ok, value);
      return;
    }
    const job = late.get(id);
    if (job) {
      late.delete(id);
      this.#scheduler.arrived(number);
      this.#settle(job, ok, value);
      return;
    }
    // Before its ring tells of it.
    const first = this.#jobs[this.#scheduler.oldest(number)];
    if (first?.id !== id) return;
    early.add(id);
    this.#settle(first, ok, value);
  }

  #settle(job: Job, ok: boolean, value: unknown): void {
    if (job.over) return;
    job.over = true;
    this.#open.delete(job);
    this.callbacks.forget(job);
    if (ok) return job.resolve(value);
    const error = revived(value);
    this.callbacks.explain(error);
    job.reject(error);
  }

  message(message: FromWorker): void {
    if (message !== 0) this.callbacks.message(message);
  }

  over(): void {}

  /** Nothing goes to the worker any more; what it was asked rejects with `error`. */
  leave(error: Error): void {
    if (this.ended) return;
    this.ended = error;
    this.callbacks.end();
    for (const job of [...this.#open, ...this.callbacks.jobs()]) this.#settle(job, false, error);
    for (const job of this.#jobs) if (job?.member) this.member.lost.push(job);
    this.#jobs.length = 0;
    this.#count = 0;
    this.#scheduler.free();
  }

  /** Frees what the thread may still read and write when its death is certain, and not before. */
  outlive(): void {
    this.member.heirs.add((certain) => {
      if (certain) this.free();
    });
  }

  /** After the thread's certain death. */
  free(): void {
    this.callbacks.free();
  }
}

const refs: TaskRef[] = [];

function refOf(op: number): TaskRef {
  return (refs[op] ??= { id: op, name: '', source: '' });
}
