/** Queues of numbers: one slot of 4 bytes each, or 8 for doubles. */

import {
  CLOSED, BITS, CONSUMERS_ASLEEP, HEAD, HEADER, HEAD_INSIDE, HEAD_SEEN, NOTHING, PRODUCERS_ASLEEP,
  STEP, TAIL, TAIL_INSIDE, TAIL_SEEN, closedError, QueueCore,
} from './queue-core.js';
import { TAKEN } from './turnstile.js';
import type { Storage } from './storage.js';
import { threadId } from './thread.js';

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
    const id = threadId();
    for (let tries = 1; ; ) {
      const before = Atomics.load(w, TAIL);
      if ((before & BITS) !== 0) {
        if ((before & CLOSED) !== 0) throw closedError();
        if (this.pause(tries++)) return false;
        continue;
      }
      let room = this.#limit - ((before - w[HEAD_SEEN]!) | 0);
      if (room <= 0) {
        // Full unless the consumers have moved on; a head past this tail means the tail is stale.
        if (((before - (Atomics.load(w, HEAD) & ~BITS)) | 0) >= this.#limit) return false;
      }
      if (Atomics.compareExchange(w, TAIL, before, before | TAKEN) !== before) continue;
      w[TAIL_INSIDE] = id;
      room = this.#limit - ((before - w[HEAD_SEEN]!) | 0);
      if (room <= 0) {
        const head = Atomics.load(w, HEAD) & ~BITS;
        w[HEAD_SEEN] = head;
        if (((before - head) | 0) >= this.#limit) {
          w[TAIL_INSIDE] = 0;
          Atomics.store(w, TAIL, before);
          continue;
        }
      }
      this.#slots[(before >>> 2) & this.mask] = value;
      w[TAIL_INSIDE] = 0;
      Atomics.store(w, TAIL, (before + STEP) | 0);
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
    const id = threadId();
    for (let tries = 1; ; ) {
      const before = Atomics.load(w, HEAD);
      if ((before & TAKEN) !== 0) {
        if (this.pause(tries++)) return NOTHING;
        continue;
      }
      const position = before & ~BITS;
      if (w[TAIL_SEEN]! === position && (Atomics.load(w, TAIL) & ~BITS) === position) return NOTHING;
      if (Atomics.compareExchange(w, HEAD, before, before | TAKEN) !== before) continue;
      w[HEAD_INSIDE] = id;
      if (w[TAIL_SEEN]! === position) {
        const tail = Atomics.load(w, TAIL) & ~BITS;
        w[TAIL_SEEN] = tail;
        if (tail === position) {
          w[HEAD_INSIDE] = 0;
          Atomics.store(w, HEAD, before);
          continue;
        }
      }
      const item = this.#slots[(before >>> 2) & this.mask]!;
      w[HEAD_INSIDE] = 0;
      Atomics.store(w, HEAD, (before + STEP) | 0);
      if (Atomics.load(w, PRODUCERS_ASLEEP) !== 0) {
        Atomics.store(w, PRODUCERS_ASLEEP, 0);
        Atomics.notify(w, HEAD);
      }
      return item;
    }
  }
}
