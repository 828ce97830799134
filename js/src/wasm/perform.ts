/** Does what a guest is asked, by the number of the operation: the same on a worker and on the page's own thread. */

import type { Guest } from './guest.js';
import { Op } from './ops.js';

/** Does one operation; throws `WasmError`. */
export function perform(guest: Guest, fn: number, data: unknown): unknown {
  if (fn >= Op.call) return guest.call(fn - Op.call, Array.isArray(data) ? data : data === undefined ? [] : [data]);
  switch (fn) {
    case Op.run:
      return run(guest, data as ThreadStart | undefined);
    case Op.read:
      return guest.read(...(data as [number, number]));
    case Op.write:
      return guest.write(...(data as [number, Uint8Array]));
    case Op.size:
      return guest.size();
    case Op.grow:
      return guest.grow(data as number);
    case Op.fuel:
      return guest.fuel();
    case Op.addFuel:
      return guest.addFuel(data as bigint);
    default:
      throw new TypeError(`a guest cannot do ${fn}`);
  }
}

/** A thread of a WASI process to run. */
export interface ThreadStart {
  readonly tid: number;
  readonly argument: number;
}

/** Runs a command or a thread to its end; the exit code, undefined for a thread that returned. */
function run(guest: Guest, thread: ThreadStart | undefined): number | undefined {
  try {
    if (thread) guest.invoke('wasi_thread_start', thread.tid, thread.argument);
    else guest.invoke('_start');
    return thread ? undefined : 0;
  } catch (error) {
    const { exitCode } = error as { exitCode?: number };
    if (exitCode === undefined) throw error;
    return exitCode;
  }
}
