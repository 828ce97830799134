/** Words that one thread at a time may move on, and that remember who is inside. */

import { Shared } from './storage.js';
import { threadId } from './thread.js';
import { canBlock } from './wait.js';

/** Bit 0 of a turnstile: a thread is inside. The word after it then has that thread's id. */
export const TAKEN = 1;
/** Answer of `enter` on a thread that may not block, when it has waited long enough. */
export const BUSY = 0xffff_ffff;

/** A word that nobody changes: naps are taken on it. */
const NAP = 37;
const SPINS = 200;
const NAP_MS = 0.05;
/** Looks at a taken turnstile before a thread that may not block gives up: about 10 ms. */
const PATIENCE = 1 << 20;

/** What has turnstiles among its first words. */
export abstract class Turnstiles extends Shared {
  /** Takes the turnstile of this end; its word before, or BUSY. */
  protected enter(end: number): number {
    for (let tries = 1; ; tries++) {
      const before = Atomics.load(this.w, end);
      if ((before & TAKEN) !== 0) {
        if (this.pause(tries)) return BUSY;
      } else if (Atomics.compareExchange(this.w, end, before, before | TAKEN) === before) {
        this.w[end + 1] = threadId();
        return before;
      }
    }
  }

  protected leave(end: number, after: number): void {
    this.w[end + 1] = 0;
    Atomics.store(this.w, end, after);
  }

  /** Lets some time pass in front of a taken turnstile; true when this thread should give up. */
  protected pause(tries: number): boolean {
    if (tries % SPINS !== 0) return false;
    // Held for so long only if its holder was descheduled, or is dead and not swept yet.
    if (canBlock()) Atomics.wait(this.w, NAP, 0, NAP_MS);
    else return tries > PATIENCE;
    return false;
  }

  /** Opens the turnstile if thread `dead` is inside; says whether it was. */
  protected open(end: number, dead: number): boolean {
    // A live thread inside shows its own id, or 0 at the borders: each clears the id before it leaves.
    const word = Atomics.load(this.w, end);
    if ((word & TAKEN) === 0 || dead === 0 || Atomics.load(this.w, end + 1) !== dead) return false;
    Atomics.store(this.w, end + 1, 0);
    return Atomics.compareExchange(this.w, end, word, word & ~TAKEN) === word;
  }
}
