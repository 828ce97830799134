/** Tells the locks and queues of isolith/sync which threads have died: one list of the dead for all threads. */

import { Door } from '../fs/exports.js';
import { getHeap } from '../heap.js';
import type { Kernel } from '../kernel.js';
import { bury, GRAVEYARD_WORDS, setGraveyard, setThreadId } from '../sync/thread.js';

/** How a worker joins: its id among the living, and where the list of the dead is. */
export interface Mourning {
  readonly id: number;
  readonly address: number;
}

/** The words of the list, and behind them how many ids were given. */
let words: Int32Array | undefined;
let address = 0;

function join(memory: WebAssembly.Memory, at: number): Int32Array {
  address = at;
  words = new Int32Array(memory.buffer, at, GRAVEYARD_WORDS + 1);
  setGraveyard(words);
  return words;
}

/** An id that no thread of this memory ever had, for a worker to be started. */
export function enlist(memory: WebAssembly.Memory): Mourning {
  if (!words) {
    // Never freed: it lives as long as the runtime.
    const made = join(memory, getHeap().calloc((GRAVEYARD_WORDS + 1) * 4).ptr ?? 0);
    setThreadId(Atomics.add(made, GRAVEYARD_WORDS, 1) + 1);
  }
  return { id: Atomics.add(words!, GRAVEYARD_WORDS, 1) + 1, address };
}

/** A worker's part: who it is, and where it finds out who died. */
export function mourn(memory: WebAssembly.Memory, { id, address }: Mourning): void {
  join(memory, address);
  setThreadId(id);
}

/** The thread with this id is certainly dead: locks are told, and the files that it had open are closed. */
export function pronounceDead({ id }: Mourning, kernel: Kernel): void {
  bury(id);
  Door.of(kernel).exports.isolith_fs_close_all(id);
}
