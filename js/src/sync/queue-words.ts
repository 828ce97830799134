/** Queues of numbers: one slot of 4 bytes each, or 8 for doubles. */

import * as core from './queue-core.js';
import { NOTHING } from './queue-core.js';
import * as turnstile from './turnstile.js';
import type { Storage } from './storage.js';

// Engines fold the constants of a module itself, but load those of another one each time.
const { TAIL, TAIL_POSITION, TAIL_SEEN, HEAD, HEAD_POSITION, HEAD_SEEN, HEADER } = core;
const { BITS, CLOSED, SLEEPER, STEP, TAKEN, WORD, ahead } = turnstile;

/**
 * Items that are one number each: a slot is 4 bytes, or 8 for doubles.
 *
 * The first look at a turnstile is a plain read, which costs a fraction of an atomic one: what it
 * saw counts only if the exchange that follows finds it still so, and that exchange is also what
 * orders the slots. Nothing is refused without an atomic read, so a caller that asks again and
 * again never repeats a read that its compiler thinks it knows.
 */
export class WordQueue extends core.QueueCore<number> {
  readonly #slots: Int32Array | Uint32Array | Float64Array;
  readonly #limit: number;

  constructor(storage: Storage) {
    super(storage, HEADER);
    const Type: new (buffer: ArrayBufferLike, offset: number, length: number) => Int32Array | Uint32Array | Float64Array =
      this.type === 'f64' ? Float64Array : this.type === 'u32' ? Uint32Array : Int32Array;
    this.#slots = new Type(storage.buffer, storage.byteOffset + 4 * HEADER, this.mask + 1);
    this.#limit = this.capacity * STEP;
  }

  push(value: number): boolean {
    const w = this.w;
    const before = w[TAIL]!;
    // Small enough to be compiled into the caller: room that is known of, and nobody inside.
    if ((before & (TAKEN | CLOSED)) === 0 && ahead(before, w[HEAD_SEEN]!) < this.#limit) {
      if (Atomics.compareExchange(w, TAIL, before, this.inside | (before & SLEEPER)) === before) {
        this.#slots[(before >>> 3) & this.mask] = value;
        const after = ((before & ~SLEEPER) + STEP) & WORD;
        w[TAIL_POSITION] = after;
        if ((Atomics.exchange(w, TAIL, after) & SLEEPER) !== 0) Atomics.notify(w, TAIL);
        return true;
      }
    }
    return this.#pushSlowly(value);
  }

  #pushSlowly(value: number): boolean {
    const w = this.w;
    for (let tries = 1; ; ) {
      const before = Atomics.load(w, TAIL);
      if ((before & (TAKEN | CLOSED)) !== 0) {
        if ((before & TAKEN) === 0) throw core.closedError();
        if (this.pause(tries++, TAIL)) return false;
        continue;
      }
      const head = Atomics.load(w, HEAD);
      // The position beside a taken head may only say "full": its consumer still reads the slot.
      const seen = ((head & TAKEN) === 0 ? head : w[HEAD_POSITION]!) & ~BITS;
      if (ahead(before, seen) >= this.#limit) {
        if (((Atomics.load(w, TAIL) ^ before) & ~SLEEPER) === 0) return false;
        continue;
      }
      if ((head & TAKEN) !== 0) {
        if (this.pause(tries++, HEAD)) return false;
        continue;
      }
      if (Atomics.compareExchange(w, TAIL, before, this.inside | (before & SLEEPER)) !== before) continue;
      // Nobody else moves the tail now, and the head only makes room: what fitted still fits.
      w[HEAD_SEEN] = seen;
      this.#slots[(before >>> 3) & this.mask] = value;
      this.leave(TAIL, (before + STEP) & WORD);
      return true;
    }
  }

  pop(): number | undefined {
    return this.#takeOr(undefined);
  }

  take(): number | typeof NOTHING {
    return this.#takeOr(NOTHING);
  }

  #takeOr<None>(none: None): number | None {
    const w = this.w;
    const before = w[HEAD]!;
    let seen = w[TAIL_SEEN]!;
    if (ahead(seen, before) <= 0) {
      const tail = Atomics.load(w, TAIL);
      if ((tail & TAKEN) !== 0) return this.#takeSlowly(none);
      seen = tail & ~BITS;
      // The head never passes the tail: seen at the tail it stands there now, however old the read.
      if (seen === (before & ~BITS) && (before & TAKEN) === 0) return none;
    }
    if ((before & TAKEN) === 0 && Atomics.compareExchange(w, HEAD, before, this.inside | (before & SLEEPER)) === before) {
      w[TAIL_SEEN] = seen;
      const item = this.#slots[(before >>> 3) & this.mask]!;
      const after = ((before & ~SLEEPER) + STEP) & WORD;
      w[HEAD_POSITION] = after;
      if ((Atomics.exchange(w, HEAD, after) & SLEEPER) !== 0) Atomics.notify(w, HEAD);
      return item;
    }
    return this.#takeSlowly(none);
  }

  #takeSlowly<None>(none: None): number | None {
    const w = this.w;
    for (let tries = 1; ; ) {
      const before = Atomics.load(w, HEAD);
      if ((before & TAKEN) !== 0) {
        if (this.pause(tries++, HEAD)) return none;
        continue;
      }
      const tail = Atomics.load(w, TAIL);
      // The position beside a taken tail may only say "empty": its producer still writes the slot.
      const seen = ((tail & TAKEN) === 0 ? tail : w[TAIL_POSITION]!) & ~BITS;
      if (seen === (before & ~BITS)) return none;
      if ((tail & TAKEN) !== 0) {
        if (this.pause(tries++, TAIL)) return none;
        continue;
      }
      if (Atomics.compareExchange(w, HEAD, before, this.inside | (before & SLEEPER)) !== before) continue;
      w[TAIL_SEEN] = seen;
      const item = this.#slots[(before >>> 3) & this.mask]!;
      this.leave(HEAD, (before + STEP) & WORD);
      return item;
    }
  }
}
