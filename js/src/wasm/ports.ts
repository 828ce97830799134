/** The two places where a guest can be: a worker of its own, or this thread. */

import { getKernel } from '../runtime.js';
import { GuestCrew } from './crew.js';
import { WasmCode, WasmError } from './errors.js';
import { Guest } from './guest.js';
import { Op, REFILL } from './ops.js';
import { perform } from './perform.js';
import { callHost, type Prepared } from './prepare.js';
import type { Seat } from './seat.js';

/** A guest, wherever it runs. */
export interface Port {
  /** The guest itself, if it is on this thread. */
  readonly guest: Guest | undefined;
  /** Has the guest do something: `Op`. Rejects with `WasmError`. */
  request(fn: number, data?: unknown, transfer?: Transferable[]): Promise<unknown>;
  /** As `request`; one of the two is called, once, and must not throw. */
  send(fn: number, data: unknown, resolve: (value: unknown) => void, reject: (error: unknown) => void): void;
  /** Called when it ends by itself. */
  onEnd: (error: Error) => void;
  /** Ends it whatever it does; what it was asked rejects with `error`. */
  kill(error: Error): void;
  /** Lets go of a guest that does nothing. */
  release(): Promise<void>;
}

let crew: GuestCrew | undefined;

/** The workers of this thread's guests. */
export function guestCrew(): GuestCrew {
  return (crew ??= new GuestCrew(getKernel()));
}

/** Loads a guest into a worker of its own. Rejects with 5001, or what its start function ended with. */
export async function workerPort(prepared: Prepared, spawn: (argument: number) => Promise<number>): Promise<Port> {
  const seat = await guestCrew().take();
  seat.callbacks.onHost = (index, args) => {
    if (index === REFILL) return prepared.refill?.(args[0] as number);
    const host = prepared.hosts[index];
    return host ? callHost(host, args) : spawn(args[0] as number);
  };
  try {
    await seat.request(Op.load, { load: prepared.load, mailbox: seat.callbacks.mailbox() });
  } catch (error) {
    void guestCrew().giveBack(seat);
    throw error;
  }
  return new WorkerPort(seat);
}

class WorkerPort implements Port {
  readonly guest = undefined;
  readonly #seat: Seat;

  constructor(seat: Seat) {
    this.#seat = seat;
  }

  set onEnd(end: (error: Error) => void) {
    this.#seat.onEnd = end;
  }

  request(fn: number, data?: unknown, transfer?: Transferable[]): Promise<unknown> {
    return this.#seat.request(fn, data, transfer);
  }

  send(fn: number, data: unknown, resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
    this.#seat.send(fn, data, resolve, reject);
  }

  kill(error: Error): void {
    guestCrew().end(this.#seat, error);
  }

  release(): Promise<void> {
    return guestCrew().giveBack(this.#seat);
  }
}

/** Loads a guest onto this thread. */
export async function inlinePort({ load, hosts, refill }: Prepared, world: Pick<Parameters<typeof Guest.load>[1], 'wasi' | 'exitCode'>): Promise<Port> {
  const guest = await Guest.load(load, {
    ...world,
    host: (index, args) => {
      const value = callHost(hosts[index]!, args);
      if (typeof value === 'object' && value !== null && 'then' in value) {
        throw new WasmError(WasmCode.call, `${hosts[index]!.name} returned a promise: a guest on this thread cannot wait for it`);
      }
      return value;
    },
    spawn: () => -1,
    refill: (missing) => {
      const amount = refill?.(Number(missing)) ?? 0n;
      if (typeof amount === 'bigint') return amount;
      throw new WasmError(WasmCode.call, 'onFuel returned a promise: a guest on this thread cannot wait for it');
    },
  });
  return new InlinePort(guest);
}

class InlinePort implements Port {
  readonly guest: Guest;
  onEnd: (error: Error) => void = () => {};

  constructor(guest: Guest) {
    this.guest = guest;
  }

  async request(fn: number, data?: unknown): Promise<unknown> {
    return perform(this.guest, fn, data);
  }

  send(fn: number, data: unknown, resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
    this.request(fn, data).then(resolve, reject);
  }

  kill(): void {}

  async release(): Promise<void> {}
}
