/** What a guest's worker can be asked, and what it says by itself. */

import type { Load } from './load.js';

/** Numbers of the operations; calls of exported functions come from `call` on. */
export const Op = {
  /** Instantiates: `LoadData`. */
  load: 1,
  /** Runs a command (`_start`) or a thread, if it is given; the exit code. */
  run: 2,
  read: 3,
  write: 4,
  size: 5,
  grow: 6,
  fuel: 7,
  addFuel: 8,
  /** Lets go of the guest: the worker can take another one. */
  reset: 9,
  call: 16,
} as const;

/** A guest, and where its thread is called while it waits for a host function. */
export interface LoadData {
  readonly load: Load;
  readonly mailbox: number;
}

/** Messages of guests' workers beside those of all workers. */
export type FromGuest =
  /** Host function `index` is called and waited for; below 0 a thread or fuel is wanted. */
  | { readonly type: 'host'; readonly call: number; readonly index: number; readonly args: unknown[] }
  /** The mailbox is free again. */
  | { readonly type: 'taken' }
  /** The answer to what was asked by the mailbox. */
  | { readonly type: 'nested'; readonly id: number; readonly ok: boolean; readonly value: unknown };

/** The `index` of a host call that wants a thread. */
export const SPAWN = -1;

/** The `index` of a host call that wants fuel. */
export const REFILL = -2;

/** What a host function threw, as the guest's thread knows it: the page has the error itself. */
export class HostThrow extends Error {
  /** The call that threw. */
  readonly call: number;

  constructor(call: number, message: string) {
    super(message);
    this.name = 'HostThrow';
    this.call = call;
  }
}
