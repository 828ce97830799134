/** Queues of numbers: one slot of 4 bytes each, or 8 for doubles. */

import {
  BITS, CONSUMERS_ASLEEP, HEAD, HEADER, HEAD_POSITION, HEAD_SEEN, NOTHING, PRODUCERS_ASLEEP,
  STEP, TAIL, TAIL_POSITION, TAIL_SEEN, closedError, QueueCore,
} from './queue-core.js';
import { insideWord, TAKEN } from './turnstile.js';
import type { Storage } from './storage.js';

/** Items that are one number each: a slot is 4 bytes, or 8 for doubles. */
export class WordQueue extends QueueCore<number> {
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
    const inside = insideWord();
    for (let tries = 1; ; ) {
      const before = Atomics.load(w, TAIL);
      if ((before & BITS) !== 0) {
        if ((before & TAKEN) === 0) throw closedError();
        if (this.pause(tries++, TAIL)) return false;
        continue;
      }
      let seen = w[HEAD_SEEN]!;
      if (((before - seen) | 0) >= this.#limit) {
        const head = Atomics.load(w, HEAD);
        // The position beside a taken head may only say "full": its consumer still reads the slot.
        seen = ((head & TAKEN) === 0 ? head : w[HEAD_POSITION]!) & ~BITS;
        if (((before - seen) | 0) >= this.#limit) {
          if (Atomics.load(w, TAIL) === before) return false;
          continue;
        }
        if ((head & TAKEN) !== 0) {
          if (this.pause(tries++, HEAD)) return false;
          continue;
        }
      }
      if (Atomics.compareExchange(w, TAIL, before, inside) !== before) continue;
      // Nobody else moves the tail now, and the head only makes room: what fitted still fits.
      w[HEAD_SEEN] = seen;
      this.#slots[(before >>> 2) & this.mask] = value;
      const after = (before + STEP) | 0;
      w[TAIL_POSITION] = after;
      Atomics.store(w, TAIL, after);
      if (Atomics.load(w, CONSUMERS_ASLEEP) !== 0) {
        Atomics.store(w, CONSUMERS_ASLEEP, 0);
        Atomics.notify(w, TAIL);
      }
      return true;
    }
  }

  pop(): number | undefined {
    const item = this.take();
    return item === NOTHING ? undefined : item;
  }

  take(): number | typeof NOTHING {
    const w = this.w;
    const inside = insideWord();
    for (let tries = 1; ; ) {
      const before = Atomics.load(w, HEAD);
      if ((before & TAKEN) !== 0) {
        if (this.pause(tries++, HEAD)) return NOTHING;
        continue;
      }
      const position = before & ~BITS;
      let seen = w[TAIL_SEEN]!;
      if (((seen - position) | 0) <= 0) {
        const tail = Atomics.load(w, TAIL);
        // The position beside a taken tail may only say "empty": its producer still writes the slot.
        seen = ((tail & TAKEN) === 0 ? tail : w[TAIL_POSITION]!) & ~BITS;
        if (seen === position) return NOTHING;
        if ((tail & TAKEN) !== 0) {
          if (this.pause(tries++, TAIL)) return NOTHING;
          continue;
        }
      }
      if (Atomics.compareExchange(w, HEAD, before, inside) !== before) continue;
      w[TAIL_SEEN] = seen;
      const item = this.#slots[(before >>> 2) & this.mask]!;
      const after = (before + STEP) | 0;
      w[HEAD_POSITION] = after;
      Atomics.store(w, HEAD, after);
      if (Atomics.load(w, PRODUCERS_ASLEEP) !== 0) {
        Atomics.store(w, PRODUCERS_ASLEEP, 0);
        Atomics.notify(w, HEAD);
      }
      return item;
    }
  }
}
