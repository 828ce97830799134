/** Fuel from outside: amounts, who is asked for more when it is spent, and what is kept for then. */

import { WasmCode, WasmError } from './errors.js';

/** What answers when the fuel is spent: how much is added, nothing or 0 to end the call. */
export type OnFuel = (missing: number) => number | bigint | undefined | void | Promise<number | bigint | undefined | void>;

/** The largest counter. */
export const MOST_FUEL = 2n ** 63n - 1n;

/** An amount of fuel; throws 5007. */
export function fuelOf(fuel: number | bigint): bigint {
  const amount = typeof fuel === 'bigint' ? fuel : Number.isInteger(fuel) ? BigInt(fuel) : -1n;
  if (amount < 0n) throw new WasmError(WasmCode.type, `fuel is a whole number from 0 on, not ${String(fuel)}`);
  return amount > MOST_FUEL ? MOST_FUEL : amount;
}

/** Fuel that was added and is not yet the guest's: it takes all of it when its own is spent, or waits for some. */
export class Reserve {
  #amount = 0n;
  #waiting: ((amount: bigint) => void) | undefined;

  get amount(): bigint {
    return this.#amount;
  }

  /** For a guest that waits at once, else for the next time; an amount of 0 ends the waiting. */
  add(amount: bigint): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting(amount);
    else this.#amount += amount;
  }

  readonly take: OnFuel = () => {
    const amount = this.#amount;
    this.#amount = 0n;
    return amount > 0n ? amount : new Promise((resolve) => (this.#waiting = resolve));
  };
}

/** (module (import "" "" (func)) (export "" (func 0))) */
const PASS = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 5, 1, 0, 0, 0, 0, 7, 4, 1, 0, 0, 0);

/** A function as tables of wasm take it: `WebAssembly.Function` is not everywhere. */
export function wasmFunction(fn: () => void): unknown {
  return new WebAssembly.Instance(new WebAssembly.Module(PASS), { '': { '': fn } }).exports[''];
}
