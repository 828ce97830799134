/** Guests' workers: one for each guest, one or two warm ones in reserve, and the way requests go to them. */

import { IsolithError } from '../errors.js';
import type { Kernel } from '../kernel.js';
import { nextJob } from '../pool/crew.js';
import { type Hub, hubOf } from '../pool/hub.js';
import type { Client, Job, TaskRef } from '../pool/job.js';
import { Sources } from '../pool/link.js';
import { type Employer, Member } from '../pool/member.js';
import { encode, FULL } from '../codec.js';
import { notSerializable } from '../pool/payload.js';
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
/** An operation that took less than this, in milliseconds, is worth looking out for its answer. */
const QUICK = 0.05;

/** Arguments of calls, as bytes. */
const scratch = new Uint8Array(4096);

/** Calls a host function of the guest: a value, a promise of it, or what it throws. */
export type OnHost = (index: number, args: unknown[]) => unknown;

/** A guest's worker, as its page sees it. */
export class Seat implements Client {
  readonly member: Member;
  readonly #crew: GuestCrew;
  #waiting: Job[] = [];
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
    this.member = new Member(crew, number);
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
    if (this.isReady && this.#waiting.length === 0 && this.member.link.hasRoom()) {
      this.#push(job);
    } else {
      if (job.bytes) job.bytes = job.bytes.slice();
      this.#waiting.push(job);
    }
  }

  #push(job: Job): void {
    const { member } = this;
    const slept = member.link.push(job);
    if (!slept && member.mean < QUICK && this.#crew.hub && member.load <= 2) this.#crew.hub.expectSoon();
  }

  /** Sends what waits, as far as there is room. */
  dispatch(): void {
    while (this.#waiting.length > 0 && this.isReady && this.member.link.hasRoom()) {
      const job = this.#waiting.shift()!;
      try {
        this.#push(job);
      } catch (error) {
        this.#settle(job, false, error instanceof IsolithError ? error : notSerializable('what the guest is given', error));
      }
    }
  }

  begin(): void {
    this.isReady = true;
    this.dispatch();
  }

  answered(job: Job, ok: boolean, value: unknown): void {
    this.#settle(job, ok, value);
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
    this.#waiting = [];
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
    member.collect(0);
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

  answered(member: Member, job: Job, ok: boolean, value: unknown): void {
    this.#seats.get(member)?.answered(job, ok, value);
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
    id: nextJob(),
    fn: (refs[fn] ??= { id: fn, name: '', source: '' }),
    client, data, transfer, resolve, reject,
    bytes: undefined, json: false, handles: undefined, block: undefined, priority: 0, onProgress: undefined, queuedAt: 0,
    member: undefined, slot: 0, ptr: 0, length: 0, sent: false, over: false, release: undefined,
  };
}
