/** Words that one thread at a time may move on, and that remember who is inside. */

import { Shared } from './storage.js';
import { isDead, threadId } from './thread.js';
import { canBlock } from './wait.js';

/**
 * Bit 0 of a turnstile: a thread is inside, and the other 31 bits are its id. Outside, they are the
 * position and the CLOSED bit. The word after the turnstile always has the last position, or, for the
 * instruction before a thread leaves, the next: so whenever a thread dies, nothing is half done.
 */
export const TAKEN = 1;
/** Answer of `enter` on a thread that may not block, when it has waited long enough. */
export const BUSY = 0xffff_ffff;

/** A word that nobody changes: naps are taken on it. */
const NAP = 37;
const SPINS = 200;
const NAP_MS = 0.05;
/** Looks at a taken turnstile before a thread that may not block gives up: about 10 ms. */
const PATIENCE = 1 << 20;

/** What this thread writes into a turnstile that it enters. */
export function insideWord(): number {
  return (threadId() << 1) | TAKEN;
}

/** What has turnstiles among its first words. */
export abstract class Turnstiles extends Shared {
  /** Takes the turnstile of this end; its word before, or BUSY. */
  protected enter(end: number): number {
    const inside = insideWord();
    for (let tries = 1; ; tries++) {
      const before = Atomics.load(this.w, end);
      if ((before & TAKEN) !== 0) {
        if (this.pause(tries, end)) return BUSY;
      } else if (Atomics.compareExchange(this.w, end, before, inside) === before) {
        return before;
      }
    }
  }

  protected leave(end: number, after: number): void {
    this.w[end + 1] = after;
    Atomics.store(this.w, end, after);
  }

  /** The word of this end as it was, or will be in an instant, when nobody is inside. */
  protected outside(end: number): number {
    const word = Atomics.load(this.w, end);
    return (word & TAKEN) === 0 ? word : Atomics.load(this.w, end + 1);
  }

  /** Lets some time pass in front of a taken turnstile; true when this thread should give up. */
  protected pause(tries: number, end: number): boolean {
    if (tries % SPINS !== 0) return false;
    // Held for so long only if its holder was descheduled, or is dead.
    const word = Atomics.load(this.w, end);
    if ((word & TAKEN) !== 0 && isDead(word >>> 1)) this.sweep(end, word >>> 1);
    else if (canBlock()) Atomics.wait(this.w, NAP, 0, NAP_MS);
    else return tries > PATIENCE;
    return false;
  }

  /** What a thread in front of a turnstile does about a dead one inside. */
  protected sweep(end: number, dead: number): void {
    // A thread that is inside at one end itself may only open the other: it puts the counts right.
    if (this.insideBoth) this.open(end, dead);
    else this.poison(dead);
  }

  /** Whether this object is on its way into both ends. */
  protected insideBoth = false;

  /** The killer's sweep: lets the others pass if thread `dead` is inside. Says whether it was. */
  abstract poison(dead: number): boolean;

  /** Opens the turnstile if thread `dead` is inside; says whether it was. */
  protected open(end: number, dead: number): boolean {
    const inside = (dead << 1) | TAKEN;
    return Atomics.compareExchange(this.w, end, inside, Atomics.load(this.w, end + 1)) === inside;
  }
}
