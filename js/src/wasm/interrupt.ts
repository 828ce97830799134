/** Guests that loop for ever and yet can be ended, in engines that stop a thread in JavaScript only. */

import { wasmFunction } from './fuel.js';

/** Instructions between two looks whether the thread is to end: some ten milliseconds. */
const EPOCH = 1n << 24n;

/**
 * Has a guest whose counter and table these are come back to JavaScript once in an epoch.
 *
 * WebKit looks whether a worker was terminated in loops of JavaScript, never in those of wasm: a thread
 * there would keep a core busy until the tab closes (WebKitGTK 2.50, `tests/pages/wasm/ending.test.mjs`).
 */
export function interrupt(counter: WebAssembly.Global, table: WebAssembly.Table): void {
  counter.value = EPOCH;
  const look = (): void => {
    // The engine looks where a loop turns.
    for (let turn = 0; turn < 2; turn++) counter.value = EPOCH;
  };
  table.set(0, wasmFunction(look));
}
