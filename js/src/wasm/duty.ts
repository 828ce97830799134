/** The worker's side of a guest: does what its page asks, one thing after the other, as a pool's worker does tasks. */

import { packError } from '../errors.js';
import { getHeap, type Heap } from '../heap.js';
import type { Kernel } from '../kernel.js';
import { MailDuty } from '../pool/duty-mail.js';
import { RingDuty, type Send } from '../pool/duty-ring.js';
import { enterRuntime } from '../pool/enter.js';
import { poolExports, Views } from '../pool/exports.js';
import { holdLock } from '../pool/lock.js';
import { mourn } from '../pool/mourning.js';
import type { Context, Host } from '../pool/context.js';
import { VALUES } from '../pool/values.js';
import type { Start, ToWorker } from '../protocol.js';
import { WasmCode, WasmError } from './errors.js';
import { Guest } from './guest.js';
import type { World } from './load.js';
import { Inbox } from './mailbox.js';
import { type LoadData, Op, REFILL, SPAWN } from './ops.js';
import { perform } from './perform.js';

/** From so many bytes on what is read moves to the page instead of being copied. */
const MOVE = 32 * 1024;

/** How guests reach WASI on this thread. */
export type Wasi = Pick<World, 'wasi' | 'exitCode'>;

/** Takes the messages of a guest's page. */
export class GuestDuty implements Host {
  readonly #send: Send;
  readonly #lock = holdLock();
  readonly #makeWasi: (kernel: Kernel) => Wasi;
  #duty: RingDuty | MailDuty | undefined;
  #kernel: Kernel | undefined;
  #guest: Guest | undefined;
  #wasi: Wasi | undefined;
  workerId = 0;

  constructor(send: Send, makeWasi: (kernel: Kernel) => Wasi) {
    this.#send = send;
    this.#makeWasi = makeWasi;
  }

  /** Handles one message; never throws and never rejects. */
  take(message: ToWorker): void {
    const duty = this.#duty;
    if (message === 0) {
      if (duty instanceof RingDuty) duty.ring();
    } else if (message.type === 'start') {
      void this.#start(message);
    } else if (message.type === 'jobs') {
      if (duty instanceof MailDuty) duty.jobs(message.jobs);
    } else if (message.type === 'data') {
      if (duty instanceof RingDuty) duty.data(message.id, message.data);
    }
  }

  async #start(start: Start): Promise<void> {
    try {
      const kernel = enterRuntime(start);
      if (kernel === 'unwanted') return;
      if (start.memory && start.mourning) mourn(start.memory, start.mourning);
      this.#kernel = kernel;
      const execute = (fn: number, _source: () => string, data: unknown, _block: unknown, context: Context): unknown =>
        this.#do(fn, data, context);
      this.#duty =
        kernel && start.link !== undefined
          ? new RingDuty(poolExports(kernel), new Views(kernel.memory), start.link, this, execute, this.#send, () => VALUES)
          : new MailDuty(this, execute, this.#send);
      this.workerId = start.workerId;
      this.#send({ type: 'ready', lock: await this.#lock });
      if (this.#duty instanceof RingDuty) this.#duty.ring();
    } catch (error) {
      this.#send({ type: 'failed', error: packError(error) });
    }
  }

  #do(fn: number, data: unknown, context?: Context): unknown {
    if (fn === Op.load) return this.#load(data as LoadData);
    if (fn === Op.reset) return void (this.#guest = undefined);
    if (!this.#guest) throw new WasmError(WasmCode.instanceHandle, 'the instance is gone');
    const value = perform(this.#guest, fn, data);
    if (value instanceof Uint8Array && value.length >= MOVE) context?.transfer([value.buffer]);
    return value;
  }

  async #load({ load, mailbox }: LoadData): Promise<void> {
    const kernel = this.#kernel;
    const serve = (fn: number, data: unknown): unknown => this.#do(fn, data);
    const inbox = kernel && new Inbox(kernel, mailbox, this.#send, serve, packError);
    const host = (index: number, args: unknown[]): unknown => {
      if (!inbox) throw new WasmError(WasmCode.call, 'without shared memory no thread can wait for a host function');
      return inbox.host(index, args);
    };
    if (kernel) this.#wasi ??= this.#makeWasi(kernel);
    const wasi = this.#wasi;
    this.#guest = await Guest.load(load, {
      host,
      spawn: (argument) => Number(host(SPAWN, [argument])),
      refill: (missing) => host(REFILL, [Number(missing)]) as bigint,
      wasi: (pid, memory) => wasi?.wasi(pid, memory) ?? {},
      exitCode: (thrown) => wasi?.exitCode(thrown),
    });
  }

  heap(): Heap {
    return getHeap();
  }

  /** No guest's page ever sees a context. */
  fs(): never {
    throw new WasmError(WasmCode.call, 'a guest has its files by WASI');
  }

  listens(): void {}

  isAborted(): boolean {
    return false;
  }

  progress(): void {}
}
