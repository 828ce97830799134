/** What a guest's thread asks of its page while it waits: host functions, and what the page asks of it meanwhile. */

import { unpackError } from '../errors.js';
import type { Kernel } from '../kernel.js';
import type { Job } from '../pool/job.js';
import type { FromWorker } from '../protocol.js';
import { Outbox } from './mailbox.js';
import type { HostThrow } from './ops.js';

/** Calls a host function of the guest: a value, a promise of it, or what it throws. */
export type OnHost = (index: number, args: unknown[]) => unknown;

/** Takes a job's outcome. */
export type Settle = (job: Job, ok: boolean, value: unknown) => void;

/** The page's side of one guest's calls. */
export class Callbacks {
  readonly #kernel: Kernel;
  readonly #settle: Settle;
  #outbox: Outbox | undefined;
  /** Host functions that the guest waits for. */
  #depth = 0;
  #over = false;
  readonly #nested = new Map<number, Job>();
  readonly #thrown = new Map<number, unknown>();
  onHost: OnHost = () => undefined;

  constructor(kernel: Kernel, settle: Settle) {
    this.#kernel = kernel;
    this.#settle = settle;
  }

  /** Where the thread of the next guest looks for packets while it waits; 0 where memory is not shared. */
  mailbox(): number {
    // Another guest begins: its calls are counted anew.
    this.#thrown.clear();
    if (!this.#kernel.shared) return 0;
    return (this.#outbox ??= new Outbox(this.#kernel)).address;
  }

  /** Whether the guest waits, and can be reached meanwhile. */
  get waits(): boolean {
    return this.#depth > 0 && this.#outbox !== undefined;
  }

  /** Has the waiting guest do something. */
  request(job: Job, fn: number, data: unknown): void {
    this.#nested.set(job.id, job);
    this.#outbox!.request(job.id, fn, data);
  }

  /** Jobs that the waiting guest has. */
  jobs(): Iterable<Job> {
    return this.#nested.values();
  }

  /** A job is over, however it came to be. */
  forget(job: Job): void {
    this.#nested.delete(job.id);
  }

  message(message: Exclude<FromWorker, 0>): void {
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
      if (this.#over) return;
      this.#thrown.set(call, error);
      this.#depth--;
      this.#outbox?.threw(call, error instanceof Error ? error.message : String(error));
      return;
    }
    if (this.#over) return;
    this.#depth--;
    this.#outbox?.returned(call, value);
  }

  /** What a host function threw becomes the cause of the failure that came of it. */
  explain(failure: unknown): void {
    const { cause } = failure as { cause?: { name?: string; call?: number } };
    if (cause?.name === ('HostThrow' satisfies HostThrow['name']) && cause.call !== undefined && this.#thrown.has(cause.call)) {
      (failure as Error).cause = this.#thrown.get(cause.call);
      this.#thrown.clear();
    }
  }

  /** The guest's worker has ended: nothing goes there any more. */
  end(): void {
    this.#over = true;
  }

  /** After the thread's certain death. */
  free(): void {
    this.#outbox?.free();
    this.#outbox = undefined;
  }
}
