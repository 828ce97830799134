/** Queues of items of any length: bytes as they are, and values through the codec. */

import { decode, encode, FULL, NOT_CODABLE } from '../codec.js';
import { IsolithError } from '../errors.js';
import * as core from './queue-core.js';
import { NOTHING } from './queue-core.js';
import * as turnstile from './turnstile.js';
import type { Storage } from './storage.js';

// Engines fold the constants of a module itself, but load those of another one each time.
const { TAIL, TAIL_POSITION, TAIL_SEEN, HEAD, HEAD_POSITION, HEAD_SEEN, HEADER, PUSHED, POPPED, POPPED_SEEN } = core;
const { BITS, BUSY, CLOSED, SLEEPER, STEP, TAKEN, WORD, ahead } = turnstile;

/** Encodes and decodes on this thread; as large as the largest item so far. */
let scratch = new Uint8Array(4096);
let scratchWords = new Int32Array(scratch.buffer);

function growScratch(bytes: number): void {
  scratch = new Uint8Array(Math.max(2 * scratch.length, (bytes + 63) & ~63));
  scratchWords = new Int32Array(scratch.buffer);
}

/** Up to this many bytes are copied word by word, without making a view. */
const INLINE = 32;

/**
 * Items of any length: a ring of 4-byte cells; an item is its length in bytes, then its bytes.
 *
 * Plain first looks as in `WordQueue`.
 */
abstract class CellQueue<T> extends core.QueueCore<T> {
  readonly #cells: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #limit: number;

  constructor(storage: Storage) {
    super(storage, HEADER);
    const start = storage.byteOffset + 4 * HEADER;
    this.#cells = new Int32Array(storage.buffer, start, this.mask + 1);
    this.#bytes = new Uint8Array(storage.buffer, start, 4 * (this.mask + 1));
    this.#limit = (this.mask + 1) * STEP;
  }

  override get length(): number {
    // Popped first: the difference is then never below the true one at that moment.
    const popped = Atomics.load(this.w, POPPED);
    return Math.min(Math.max(0, ahead(Atomics.load(this.w, PUSHED), popped)), this.capacity);
  }

  /** Pushes the first `size` bytes of `from`; `words` is the same memory for small items. */
  protected putBytes(from: Uint8Array, words: Int32Array | undefined, size: number): boolean {
    const w = this.w;
    const cells = this.#cells;
    const step = (1 + ((size + 3) >>> 2)) * STEP;
    if (step > this.#limit) throw this.#tooLarge(size);
    const inline = words !== undefined && size <= INLINE;
    const whole = inline || from.length === size ? from : from.subarray(0, size);
    let before = w[TAIL]!;
    for (let tries = 1; ; before = Atomics.load(w, TAIL)) {
      if ((before & (TAKEN | CLOSED)) !== 0) {
        if ((before & TAKEN) === 0) throw core.closedError();
        if (this.pause(tries++, TAIL)) return false;
        continue;
      }
      let seen = w[HEAD_SEEN]!;
      let popped = w[POPPED_SEEN]!;
      const pushed = w[PUSHED]!;
      if (ahead(before & ~BITS, seen) + step > this.#limit || ahead(pushed, popped) >= this.capacity) {
        const head = Atomics.load(w, HEAD);
        // The position beside a taken head may only say "full": its consumer still reads the cells.
        seen = ((head & TAKEN) === 0 ? head : w[HEAD_POSITION]!) & ~BITS;
        popped = Atomics.load(w, POPPED);
        if (ahead(before & ~BITS, seen) + step > this.#limit || ahead(pushed, popped) >= this.capacity) {
          if (((Atomics.load(w, TAIL) ^ before) & ~SLEEPER) === 0) return false;
          continue;
        }
        if ((head & TAKEN) !== 0) {
          if (this.pause(tries++, HEAD)) return false;
          continue;
        }
      }
      if (Atomics.compareExchange(w, TAIL, before, this.inside | (before & SLEEPER)) !== before) continue;
      // Nobody else moves the tail now, and the head only makes room: what fitted still fits.
      w[HEAD_SEEN] = seen;
      w[POPPED_SEEN] = popped;
      const cell = (before >>> 3) & this.mask;
      cells[cell] = size;
      const first = (cell + 1) & this.mask;
      const start = 4 * first;
      const straight = this.#bytes.length - start;
      if (inline && straight >= INLINE) {
        if (size > 0) cells[first] = words[0]!;
        if (size > 4) cells[first + 1] = words[1]!;
        if (size > 8) cells[first + 2] = words[2]!;
        if (size > 12) cells[first + 3] = words[3]!;
        if (size > 16) cells[first + 4] = words[4]!;
        if (size > 20) cells[first + 5] = words[5]!;
        if (size > 24) cells[first + 6] = words[6]!;
        if (size > 28) cells[first + 7] = words[7]!;
      } else if (size <= straight) {
        this.#bytes.set(inline ? from.subarray(0, size) : whole, start);
      } else {
        this.#bytes.set(from.subarray(0, straight), start);
        this.#bytes.set(from.subarray(straight, size), 0);
      }
      const after = ((before & ~SLEEPER) + step) & WORD;
      w[TAIL_POSITION] = after;
      w[PUSHED] = (pushed + 1) & WORD;
      if ((Atomics.exchange(w, TAIL, after) & SLEEPER) !== 0) Atomics.notify(w, TAIL);
      return true;
    }
  }

  /** Pops an item into `scratch`; its size, or -1. */
  protected takeBytes(): number {
    const w = this.w;
    const cells = this.#cells;
    let before = w[HEAD]!;
    for (let tries = 1; ; before = Atomics.load(w, HEAD)) {
      if ((before & TAKEN) !== 0) {
        if (this.pause(tries++, HEAD)) return -1;
        continue;
      }
      let seen = w[TAIL_SEEN]!;
      if (ahead(seen, before) <= 0) {
        const tail = Atomics.load(w, TAIL);
        // The position beside a taken tail may only say "empty": its producer still writes the cells.
        seen = ((tail & TAKEN) === 0 ? tail : w[TAIL_POSITION]!) & ~BITS;
        if (seen === (before & ~BITS)) return -1;
        if ((tail & TAKEN) !== 0) {
          if (this.pause(tries++, TAIL)) return -1;
          continue;
        }
      }
      if (Atomics.compareExchange(w, HEAD, before, this.inside | (before & SLEEPER)) !== before) continue;
      w[TAIL_SEEN] = seen;
      const popped = w[POPPED]!;
      const cell = (before >>> 3) & this.mask;
      const size = cells[cell]!;
      if (size > scratch.length) growScratch(size);
      const first = (cell + 1) & this.mask;
      const start = 4 * first;
      const straight = this.#bytes.length - start;
      if (size <= INLINE && straight >= INLINE) {
        scratchWords[0] = cells[first]!;
        scratchWords[1] = cells[first + 1]!;
        scratchWords[2] = cells[first + 2]!;
        scratchWords[3] = cells[first + 3]!;
        scratchWords[4] = cells[first + 4]!;
        scratchWords[5] = cells[first + 5]!;
        scratchWords[6] = cells[first + 6]!;
        scratchWords[7] = cells[first + 7]!;
      } else if (size <= straight) {
        scratch.set(this.#bytes.subarray(start, start + size));
      } else {
        scratch.set(this.#bytes.subarray(start));
        scratch.set(this.#bytes.subarray(0, size - straight), straight);
      }
      const after = ((before & ~SLEEPER) + (1 + ((size + 3) >>> 2)) * STEP) & WORD;
      w[HEAD_POSITION] = after;
      w[POPPED] = (popped + 1) & WORD;
      if ((Atomics.exchange(w, HEAD, after) & SLEEPER) !== 0) Atomics.notify(w, HEAD);
      return size;
    }
  }

  override poison(dead: number): boolean {
    if (!super.poison(dead)) return false;
    // It may have died between moving a position and counting: count again.
    const head = this.enter(HEAD);
    this.insideBoth = true;
    const tail = this.enter(TAIL);
    this.insideBoth = false;
    if (head !== BUSY && tail !== BUSY) this.w[PUSHED] = (this.w[POPPED]! + this.#count(head & ~BITS, tail & ~BITS)) & WORD;
    if (tail !== BUSY) this.leave(TAIL, tail);
    if (head !== BUSY) this.leave(HEAD, head);
    return true;
  }

  protected override dropped(): void {
    this.w[POPPED] = this.w[PUSHED]!;
  }

  #count(from: number, to: number): number {
    let count = 0;
    for (let position = from; position !== to; count++) {
      const size = this.#cells[(position >>> 3) & this.mask]!;
      position = (position + (1 + ((size + 3) >>> 2)) * STEP) & WORD;
    }
    return count;
  }

  #tooLarge(size: number): IsolithError {
    const room = this.#bytes.length - 4;
    return new IsolithError('EMSGSIZE', `an item of ${size} bytes does not fit a queue of ${room}: create it with more bytes`);
  }
}

/** Items are bytes, copied in and out. */
export class ByteQueue extends CellQueue<Uint8Array> {
  push(value: Uint8Array): boolean {
    return this.putBytes(value, undefined, value.length);
  }

  pop(): Uint8Array | undefined {
    const size = this.takeBytes();
    return size < 0 ? undefined : scratch.slice(0, size);
  }

  take(): Uint8Array | typeof NOTHING {
    return this.pop() ?? NOTHING;
  }

  protected override keep(value: Uint8Array): () => boolean {
    const copy = value.slice();
    return () => this.push(copy);
  }
}

/** Items are whatever the codec takes. */
export class ValueQueue<T> extends CellQueue<T> {
  push(value: T): boolean {
    return this.putBytes(scratch, scratchWords, this.#encode(value));
  }

  pop(): T | undefined {
    const size = this.takeBytes();
    return size < 0 ? undefined : (decode(scratch, 0, size) as T);
  }

  take(): T | typeof NOTHING {
    const size = this.takeBytes();
    return size < 0 ? NOTHING : (decode(scratch, 0, size) as T);
  }

  protected override keep(value: T): () => boolean {
    const copy = scratch.slice(0, this.#encode(value));
    return () => this.putBytes(copy, undefined, copy.length);
  }

  #encode(value: T): number {
    for (;;) {
      const size = encode(value, scratch, 0);
      if (size >= 0) return size;
      if (size === NOT_CODABLE) {
        const message = 'a queue carries no ports, Blobs, shared buffers or other platform objects: post them as a message';
        throw new DOMException(message, 'DataCloneError');
      }
      if (size === FULL) growScratch(0);
    }
  }
}
