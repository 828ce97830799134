/** Guests' workers: one for each guest, one or two warm ones in reserve, and the way requests go to them. */

import { IsolithError } from '../errors.js';
import type { Kernel } from '../kernel.js';
import { type Hub, hubOf } from '../pool/hub.js';
import { type Client, type Job, nextJob, type TaskRef } from '../pool/job.js';
import { type Outcome, RingLink, Sources } from '../pool/link.js';
import { MailLink } from '../pool/mail.js';
import { type Employer, Member } from '../pool/member.js';
import { encode, FULL } from '../codec.js';
import { notSerializable, snapshot } from '../pool/payload.js';
import { RING, Scheduler, SOON } from '../pool/scheduler.js';
import type { FromWorker } from '../protocol.js';
import { fromBlob, type Script } from '../worker-start.js';
import { unpackError } from '../errors.js';
import { revived, WasmCode, WasmError } from './errors.js';
import { Outbox } from './mailbox.js';
import { type HostThrow, Op } from './ops.js';

const GUEST: Script = {
  ways: [
    ['file', () => new Worker(new URL('../guest.js', import.meta.url), { type: 'module' })],
    fromBlob(() => import('../guest-inline.js')),
  ],
  proven: undefined,
};

/** Warm workers that are kept for the next guests, and how many of them are started ahead. */
const SPARES = 2;
const AHEAD = 1;
/** Workers that start at a time: more would only make each of them late. */
const STARTING = 4;

/** Arguments of calls, as bytes. */
const scratch = new Uint8Array(4096);

/** Calls a host function of the guest: a value, a promise of it, or what it throws. */
export type OnHost = (index: number, args: unknown[]) => unknown;

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
  #outbox: Outbox | undefined;
  /** Host functions that the guest waits for. */
  #depth = 0;
  readonly #nested = new Map<number, Job>();
  readonly #thrown = new Map<number, unknown>();
  /** Whether the worker runs. */
  isReady = false;
  /** Why it is gone. */
  ended: Error | undefined;
  onHost: OnHost = () => undefined;
  /** Called when the worker ends by itself. */
  onEnd: (error: Error) => void = () => {};

  constructor(crew: GuestCrew, number: number) {
    this.#crew = crew;
    this.#scheduler = new Scheduler(crew.kernel, crew.hub?.views, 1, 1);
    this.member = new Member(crew, this.#scheduler.hire(), number);
  }

  /** Where the guest's thread looks for packets while it waits; 0 where memory is not shared. */
  mailbox(): number {
    // Another guest begins: its calls are counted anew.
    this.#thrown.clear();
    if (!this.#crew.kernel.shared) return 0;
    return (this.#outbox ??= new Outbox(this.#crew.kernel)).address;
  }

  /** Has the worker do something: `Op`. */
  request(fn: number, data?: unknown, transfer?: Transferable[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.ended) return reject(this.ended);
      const job = jobOf(this, fn, data, transfer, resolve, reject);
      if (this.#depth > 0 && this.#outbox && fn !== Op.load) {
        this.#nested.set(job.id, job);
        this.#outbox.request(job.id, fn, data);
        return;
      }
      this.#open.add(job);
      try {
        this.#submit(job);
      } catch (error) {
        this.#settle(job, false, error);
      }
    });
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
    if (handed === RING) member.thread?.post(0);
    else if (handed === SOON) this.#crew.hub.expectSoon();
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
      for (let slot = this.#scheduler.collect(glances); slot !== 0; slot = this.#scheduler.collect(0)) {
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

  doze(yes: boolean): boolean {
    return !this.ended && this.#scheduler.doze(yes);
  }

  begin(): void {
    this.isReady = true;
    const { number, link } = this.member;
    this.#scheduler.join(number, link.address, link.window);
    this.#scheduler.doze(true);
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
    this.#nested.delete(job.id);
    if (ok) job.resolve(value);
    else job.reject(this.#revived(value));
  }

  /** The error as the page knows it: of its class, with what a host function threw as its cause. */
  #revived(error: unknown): unknown {
    const whole = revived(error);
    const { cause } = whole as { cause?: { name?: string; call?: number } };
    if (cause?.name === ('HostThrow' satisfies HostThrow['name']) && cause.call !== undefined && this.#thrown.has(cause.call)) {
      (whole as Error).cause = this.#thrown.get(cause.call);
      this.#thrown.clear();
    }
    return whole;
  }

  message(message: FromWorker): void {
    if (message === 0) return;
    if (message.type === 'host') void this.#host(message.call, message.index, message.args);
    else if (message.type === 'taken') this.#outbox?.taken();
    else if (message.type === 'nested') {
      const job = this.#nested.get(message.id);
      if (job) this.#settle(job, message.ok, message.ok ? message.value : unpackError(message.value));
    }
  }

  async #host(call: number, index: number, args: unknown[]): Promise<void> {
    this.#depth++;
    let value: unknown;
    try {
      value = this.onHost(index, args);
      if (typeof value === 'object' && value !== null && 'then' in value) value = await value;
    } catch (error) {
      if (this.ended) return;
      this.#thrown.set(call, error);
      this.#depth--;
      this.#outbox?.threw(call, error instanceof Error ? error.message : String(error));
      return;
    }
    if (this.ended) return;
    this.#depth--;
    this.#outbox?.returned(call, value);
  }

  over(): void {}

  /** Nothing goes to the worker any more; what it was asked rejects with `error`. */
  leave(error: Error): void {
    if (this.ended) return;
    this.ended = error;
    for (const job of [...this.#open, ...this.#nested.values()]) this.#settle(job, false, error);
    for (const job of this.#jobs) if (job?.member) this.member.lost.push(job);
    this.#jobs.length = 0;
    this.#count = 0;
    this.#scheduler.free();
  }

  /** After the thread's certain death. */
  free(): void {
    this.#outbox?.free();
    this.#outbox = undefined;
  }
}

/** All guests' workers of this thread. */
export class GuestCrew implements Employer {
  readonly kernel: Kernel;
  readonly hub: Hub | undefined;
  readonly sources: Sources | undefined;
  readonly workerSource = undefined;
  readonly script = GUEST;
  readonly heap = undefined;
  readonly #seats = new Map<Member, Seat>();
  #spares: Seat[] = [];
  readonly #takers: { readonly resolve: (seat: Seat) => void; readonly reject: (error: unknown) => void }[] = [];
  #starting = 0;
  #hired = 0;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.hub = hubOf(kernel);
    if (this.hub) this.sources = new Sources(this.hub.kernel, this.hub.views);
    this.hub?.add(this);
  }

  /** A worker for one guest; rejects with 5001 where none can be started. */
  take(): Promise<Seat> {
    const spare = this.#spares.shift();
    const taken = spare ? Promise.resolve(spare) : new Promise<Seat>((resolve, reject) => this.#takers.push({ resolve, reject }));
    this.#staff();
    return taken;
  }

  /** Starts workers for those who wait, and one for who comes next. */
  #staff(): void {
    while (this.#starting < STARTING && this.#starting + this.#spares.length < this.#takers.length + AHEAD) {
      this.#starting++;
      const seat = new Seat(this, ++this.#hired);
      this.#seats.set(seat.member, seat);
    }
  }

  /** A worker that has nothing to do: to who waits, or kept, or let go. */
  #offer(seat: Seat): void {
    const taker = this.#takers.shift();
    if (taker) taker.resolve(seat);
    else if (this.#spares.length < SPARES) this.#spares.push(seat);
    else this.end(seat, new WasmError(WasmCode.instanceHandle, 'the instance is gone'));
  }

  /** The guest is gone and has left nothing behind. */
  async giveBack(seat: Seat): Promise<void> {
    seat.onHost = () => undefined;
    seat.onEnd = () => {};
    try {
      await seat.request(Op.reset);
    } catch {
      return;
    }
    this.#offer(seat);
  }

  /** Ends a worker whatever it does; what it was asked rejects with `error`. */
  end(seat: Seat, error: Error): void {
    if (seat.ended) return;
    const { member } = seat;
    seat.collect(0);
    seat.leave(error);
    this.#remove(seat);
    member.end();
    void member.buried?.then(() => seat.free());
  }

  #remove(seat: Seat): void {
    this.#seats.delete(seat.member);
    this.#spares = this.#spares.filter((one) => one !== seat);
  }

  ready(member: Member): void {
    const seat = this.#seats.get(member);
    if (!seat) return;
    this.#starting--;
    seat.begin();
    this.#offer(seat);
    this.#staff();
  }

  failed(member: Member, cause: unknown): void {
    // A member may fail while it is made, before its seat is known.
    queueMicrotask(() => this.#failed(member, cause));
  }

  #failed(member: Member, cause: unknown): void {
    const seat = this.#seats.get(member);
    if (!seat) return;
    this.#starting--;
    this.#remove(seat);
    const error = new WasmError(WasmCode.instantiate, `no worker can be started for the guest: ${(cause as Error).message}`, { cause });
    seat.leave(error);
    seat.free();
    // Where no other worker is, none will ever be given back.
    const lost = this.#seats.size === 0 ? this.#takers.splice(0) : this.#takers.splice(0, 1);
    for (const { reject } of lost) reject(error);
    if (this.#takers.length > 0) this.#staff();
  }

  crashed(member: Member, error: Error): void {
    const seat = this.#seats.get(member);
    if (!seat) return;
    const gone = new WasmError(WasmCode.call, `the guest's worker failed: ${error.message}`, { cause: error });
    const { onEnd } = seat;
    this.end(seat, gone);
    onEnd(gone);
  }

  died(member: Member, error: Error): void {
    const seat = this.#seats.get(member);
    if (!seat) return;
    const gone = new WasmError(WasmCode.call, "the guest's worker ended by itself: it may have run out of memory", { cause: error });
    seat.leave(gone);
    this.#remove(seat);
    void member.buried?.then(() => seat.free());
    seat.onEnd(gone);
  }

  answered(member: Member, id: number, outcome: Outcome): void {
    this.#seats.get(member)?.answered(id, outcome);
  }

  paced(member: Member): void {
    this.#seats.get(member)?.paced();
  }

  collect(glances: number): boolean {
    let any = false;
    for (const seat of this.#seats.values()) if (seat.collect(glances)) any = true;
    return any;
  }

  doze(yes: boolean): boolean {
    let busy = false;
    for (const seat of this.#seats.values()) if (seat.doze(yes)) busy = true;
    return busy;
  }

  dispatch(): void {
    for (const seat of this.#seats.values()) seat.dispatch();
  }

  message(member: Member, message: FromWorker): void {
    this.#seats.get(member)?.message(message);
  }
}

const refs: TaskRef[] = [];

function jobOf(client: Client, fn: number, data: unknown, transfer: Transferable[] | undefined, resolve: (value: unknown) => void, reject: (error: unknown) => void): Job {
  return {
    id: nextJob(), number: -1,
    fn: (refs[fn] ??= { id: fn, name: '', source: '' }),
    client, data, transfer, resolve, reject,
    bytes: undefined, json: false, handles: undefined, block: undefined, priority: 0, onProgress: undefined, queuedAt: 0,
    member: undefined, slot: 0, ptr: 0, length: 0, sent: false, over: false, release: undefined,
  };
}
