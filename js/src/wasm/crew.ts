/** Guests' workers: one for each guest, one or two warm ones in reserve. */

import type { Kernel } from '../kernel.js';
import { type Hub, hubOf } from '../pool/hub.js';
import { type Outcome, Sources } from '../pool/link.js';
import type { Employer, Member } from '../pool/member.js';
import type { FromWorker } from '../protocol.js';
import { fromBlob, type Script } from '../worker-start.js';
import { WasmCode, WasmError } from './errors.js';
import { Op } from './ops.js';
import { Seat } from './seat.js';

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
    seat.callbacks.onHost = () => undefined;
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
    seat.outlive();
    member.end();
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
    seat.outlive();
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

  get isIdle(): boolean {
    for (const seat of this.#seats.values()) if (!seat.isIdle) return false;
    return true;
  }

  doze(): boolean {
    let busy = false;
    for (const seat of this.#seats.values()) if (seat.doze()) busy = true;
    return busy;
  }

  dispatch(): void {
    for (const seat of this.#seats.values()) seat.dispatch();
  }

  message(member: Member, message: FromWorker): void {
    this.#seats.get(member)?.message(message);
  }
}
