/** Words that one thread at a time may move on, that remember who is inside, and on which others sleep. */

import { Shared } from './storage.js';
import { isDead, threadId } from './thread.js';
import { canBlock, linger } from './wait.js';

/**
 * Bit 0 of a turnstile: a thread is inside, and the bits from 2 to 29 are its id. Outside, those from
 * 3 to 29 are the position, which begins again at 2³⁰: V8 allocates for larger numbers. The word after the turnstile always has the last position, or, for the
 * instruction before a thread leaves, the next: so whenever a thread dies, nothing is half done.
 */
export const TAKEN = 1;
/** Bit 1, inside or outside: somebody may sleep on the word; whoever leaves takes it away and wakes them. */
export const SLEEPER = 2;
/** Bit 2, outside only. */
export const CLOSED = 4;
/** What is not position. */
export const BITS = 7;
/** What one slot, or cell, adds to a position. */
export const STEP = 8;
/** All bits of a position and of the flags beside it. */
export const WORD = 0x3fff_ffff;
/** Answer of `enter` on a thread that may not block, when it has waited long enough. */
export const BUSY = 0xffff_ffff;

/** A word that nobody changes: naps are taken on it. */
const NAP = 37;
/** Looks at a taken turnstile, each after a longer pause up to 3 µs, before napping. */
const SPINS = 32;
const NAP_MS = 0.05;
/** Looks at a taken turnstile before a thread that may not block gives up: 10 ms and more. */
const PATIENCE = 1 << 12;

/** How far position `a` is ahead of `b`; below 0 if it is behind. Of the flags beside `a` the low bits are left. */
export function ahead(a: number, b: number): number {
  return ((a - b) << 2) >> 2;
}

/** What has turnstiles among its first words. */
export abstract class Turnstiles extends Shared {
  /** What this thread writes into a turnstile that it enters, beside the SLEEPER bit that it found. */
  protected readonly inside = (threadId() << 2) | TAKEN;

  /** Takes the turnstile of this end; its word before, or BUSY. */
  protected enter(end: number): number {
    for (let tries = 1; ; tries++) {
      const before = Atomics.load(this.w, end);
      if ((before & TAKEN) !== 0) {
        if (this.pause(tries, end)) return BUSY;
      } else if (Atomics.compareExchange(this.w, end, before, this.inside | (before & SLEEPER)) === before) {
        return before;
      }
    }
  }

  /** Leaves the turnstile at `after`, and wakes who sleeps on it. */
  protected leave(end: number, after: number): void {
    const word = after & ~SLEEPER;
    this.w[end + 1] = word;
    if ((Atomics.exchange(this.w, end, word) & SLEEPER) !== 0) Atomics.notify(this.w, end);
  }

  /** Asks to be woken when anybody next leaves the turnstile; answers the word to sleep on. */
  protected bellOf(end: number): number {
    return Atomics.or(this.w, end, SLEEPER) | SLEEPER;
  }

  /** The word of this end as it was, or will be in an instant, when nobody is inside. */
  protected outside(end: number): number {
    const word = Atomics.load(this.w, end);
    return (word & TAKEN) === 0 ? word : Atomics.load(this.w, end + 1);
  }

  /** Lets some time pass in front of a taken turnstile; true when this thread should give up. */
  protected pause(tries: number, end: number): boolean {
    linger(tries);
    if (tries % SPINS !== 0) return false;
    // Held for so long only if its holder was descheduled, or is dead.
    const word = Atomics.load(this.w, end);
    if ((word & TAKEN) !== 0 && isDead(word >>> 2)) this.sweep(end, word >>> 2);
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
    for (;;) {
      const word = Atomics.load(this.w, end);
      if ((word & ~SLEEPER) !== ((dead << 2) | TAKEN)) return false;
      // Fails only if a sleeper came to it meanwhile. Whoever opens wakes them all.
      if (Atomics.compareExchange(this.w, end, word, Atomics.load(this.w, end + 1)) === word) return true;
    }
  }
}
