/**
 * A wait-free ring of numbers for one producer and one consumer, as audio needs it.
 *
 * Two odometers that run over twice the length of the ring, so "full" and "empty" differ without a
 * spare slot; each side keeps a private copy of the other's. `src/sync/ring.rs` explains it and
 * proves it under loom. Words: 0 write odometer, 16 read odometer, 32 kind, 33 length, 35 consumer
 * asleep, 36 producer asleep, 37 shut, 38 and 39 the bells they sleep on, 40 and 41 the threads that
 * said they are consumer and producer, from word 48 on the elements.
 */

import { IsolithError } from '../errors.js';
import { isDead, threadId } from './thread.js';
import { allocate, type Bell, type Handle, Shared, type Storage, type StorageOptions, storageOf } from './storage.js';

/** What a ring's elements are; `u8` is a byte ring. */
export type RingType = 'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32' | 'f32' | 'f64';

/** An array that a ring copies from or into. */
export type RingArray = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array;

/** What `createRing` takes. */
export interface RingOptions extends StorageOptions {
  /** Elements at most. */
  readonly capacity: number;
  /** `'f32'` unless told. */
  readonly type?: RingType | undefined;
}

const WRITE = 0;
const READ = 16;
const KIND = 32;
const LENGTH = 33;
const CONSUMER_ASLEEP = 35;
const PRODUCER_ASLEEP = 36;
const SHUT = 37;
const READER_BELL = 38;
const WRITER_BELL = 39;
const CONSUMER = 40;
const PRODUCER = 41;
const HEADER = 48;
const MAGIC = 0x4952_0001;

const TYPES = [
  ['i8', Int8Array], ['u8', Uint8Array], ['i16', Int16Array], ['u16', Uint16Array],
  ['i32', Int32Array], ['u32', Uint32Array], ['f32', Float32Array], ['f64', Float64Array],
] as const;

/**
 * The ring itself. One thread may call the producing half, one the consuming half.
 *
 * No method blocks, and none but `peek` and `reserve` allocates, so all may run in an AudioWorklet;
 * `pop` keeps a view per block of the size it is asked for, made on the first lap.
 */
export class Ring extends Shared {
  /** Elements at most. */
  readonly capacity: number;
  readonly type: RingType;
  readonly #data: RingArray;
  readonly #twice: number;
  /** Views of the ring in blocks of this many elements: whole blocks are popped by `set`, which would need a new view each time. */
  #block = 0;
  readonly #blocks: RingArray[] = [];
  #write: number;
  #read: number;
  /** The other side's odometer as last seen. */
  #readSeen: number;
  #writeSeen: number;

  /** The ring of a handle that another thread sent; it goes on where the last user of its side stopped. */
  static attach(handle: Handle): Ring {
    return new Ring(storageOf(handle, 'ring'));
  }

  /** @internal */
  constructor(storage: Storage) {
    super('ring', storage, HEADER);
    const kind = TYPES[this.w[KIND]! - MAGIC];
    if (kind === undefined) throw new IsolithError('EINVAL', `no ring at byte ${storage.byteOffset} of this memory`);
    this.type = kind[0];
    this.capacity = this.w[LENGTH]!;
    const Type = kind[1] as new (buffer: ArrayBufferLike, offset: number, length: number) => RingArray;
    this.#data = new Type(storage.buffer, storage.byteOffset + 4 * HEADER, this.capacity);
    this.#twice = 2 * this.capacity;
    this.#write = this.#readSeen = Atomics.load(this.w, WRITE);
    this.#read = Atomics.load(this.w, READ);
    this.#readSeen = this.#read;
    this.#writeSeen = this.#write;
  }

  /** Pushes one element; false if the ring is full. */
  pushOne(value: number): boolean {
    const write = this.#write;
    const { capacity } = this;
    let used = write - this.#readSeen;
    if (used < 0) used += this.#twice;
    if (used === capacity) {
      this.#readSeen = Atomics.load(this.w, READ);
      used = write - this.#readSeen;
      if (used < 0) used += this.#twice;
      if (used === capacity) return false;
    }
    this.#data[write >= capacity ? write - capacity : write] = value;
    const next = write + 1;
    this.#publish(next === this.#twice ? 0 : next);
    return true;
  }

  /** Pops one element; undefined if the ring is empty. */
  popOne(): number | undefined {
    const read = this.#read;
    if (read === this.#writeSeen) {
      this.#writeSeen = Atomics.load(this.w, WRITE);
      if (read === this.#writeSeen) return undefined;
    }
    const { capacity } = this;
    const value = this.#data[read >= capacity ? read - capacity : read]!;
    const next = read + 1;
    this.#retire(next === this.#twice ? 0 : next);
    return value;
  }

  /** Pushes elements `from` to `to` of the array, as many as there is room for; says how many. */
  push(array: ArrayLike<number>, from = 0, to = array.length): number {
    const wanted = to - from;
    const count = Math.min(wanted, this.#room(wanted));
    if (count <= 0) return 0;
    const { capacity } = this;
    const at = this.#write >= capacity ? this.#write - capacity : this.#write;
    const straight = Math.min(count, capacity - at);
    this.#copyIn(array, from, at, straight);
    if (straight < count) this.#copyIn(array, from + straight, 0, count - straight);
    this.#publish(this.#advance(this.#write, count));
    return count;
  }

  /** Pops into elements `from` to `to` of the array, as many as are there; says how many. */
  pop(into: RingArray, from = 0, to = into.length): number {
    const wanted = to - from;
    const count = Math.min(wanted, this.#there(wanted));
    if (count <= 0) return 0;
    const { capacity } = this;
    const at = this.#read >= capacity ? this.#read - capacity : this.#read;
    const straight = Math.min(count, capacity - at);
    if (straight === count && count === into.length && count > LOOPED && at % count === 0) into.set(this.#blockAt(at, count));
    else copy(this.#data, at, into, from, straight);
    if (straight < count) copy(this.#data, 0, into, from + straight, count - straight);
    this.#retire(this.#advance(this.#read, count));
    return count;
  }

  /** Elements that can be popped now. */
  get availableRead(): number {
    return this.#used(Atomics.load(this.w, WRITE), Atomics.load(this.w, READ));
  }

  /** Elements that can be pushed now. */
  get availableWrite(): number {
    return this.capacity - this.availableRead;
  }

  /** Consumer: up to `count` elements where they lie, without a copy: one or two views. Then `commitRead`. */
  peek(count = this.capacity): [RingArray, RingArray] {
    return this.#views(this.#read, Math.min(count, this.#there(count)));
  }

  /** Consumer: gives `count` peeked elements' room to the producer. */
  commitRead(count: number): void {
    if (count > this.#there(count) || count < 0) throw new RangeError(`${count} elements were not there to be read`);
    this.#retire(this.#advance(this.#read, count));
  }

  /** Producer: room for up to `count` elements where they will lie: one or two views. Then `commitWrite`. */
  reserve(count = this.capacity): [RingArray, RingArray] {
    return this.#views(this.#write, Math.min(count, this.#room(count)));
  }

  /** Producer: publishes `count` elements written into reserved room. */
  commitWrite(count: number): void {
    if (count > this.#room(count) || count < 0) throw new RangeError(`there was no room to write ${count} elements`);
    this.#publish(this.#advance(this.#write, count));
  }

  /**
   * Says that no more will be pushed, or wanted; either side may. The first reason, a number from 1
   * on, stays.
   */
  shut(reason = 1): void {
    Atomics.compareExchange(this.w, SHUT, 0, reason);
    this.#ring(CONSUMER_ASLEEP, READER_BELL);
    this.#ring(PRODUCER_ASLEEP, WRITER_BELL);
  }

  /** Why a side has shut the ring, 0 if none has; what is in it can still be popped. */
  get shutReason(): number {
    return Atomics.load(this.w, SHUT);
  }

  /** @internal For waiting: raises a side's flag and gives the word to sleep on. Look again before sleeping. */
  announce(side: 'read' | 'write'): Bell {
    const index = side === 'read' ? READER_BELL : WRITER_BELL;
    const value = Atomics.load(this.w, index);
    Atomics.store(this.w, side === 'read' ? CONSUMER_ASLEEP : PRODUCER_ASLEEP, 1);
    return { words: this.w, index, value };
  }

  /** @internal Says that this thread has taken a side, for the other to find out should it be killed. */
  claim(side: 'read' | 'write'): void {
    Atomics.store(this.w, side === 'read' ? CONSUMER : PRODUCER, threadId());
  }

  /** @internal Whether the thread that claimed a side is known to be dead. */
  isDeserted(side: 'read' | 'write'): boolean {
    return isDead(Atomics.load(this.w, side === 'read' ? CONSUMER : PRODUCER));
  }

  #publish(write: number): void {
    this.#write = write;
    Atomics.store(this.w, WRITE, write);
    if (Atomics.load(this.w, CONSUMER_ASLEEP) !== 0) this.#ring(CONSUMER_ASLEEP, READER_BELL);
  }

  #retire(read: number): void {
    this.#read = read;
    Atomics.store(this.w, READ, read);
    if (Atomics.load(this.w, PRODUCER_ASLEEP) !== 0) this.#ring(PRODUCER_ASLEEP, WRITER_BELL);
  }

  #ring(flag: number, bell: number): void {
    Atomics.store(this.w, flag, 0);
    Atomics.add(this.w, bell, 1);
    Atomics.notify(this.w, bell);
  }

  #used(write: number, read: number): number {
    return write >= read ? write - read : write - read + this.#twice;
  }

  #advance(odometer: number, by: number): number {
    const next = odometer + by;
    return next >= this.#twice ? next - this.#twice : next;
  }

  /** Room for the producer; looks at the consumer only if less than `wanted` is known. */
  #room(wanted: number): number {
    let room = this.capacity - this.#used(this.#write, this.#readSeen);
    if (room < wanted) {
      this.#readSeen = Atomics.load(this.w, READ);
      room = this.capacity - this.#used(this.#write, this.#readSeen);
    }
    return room;
  }

  #there(wanted: number): number {
    let there = this.#used(this.#writeSeen, this.#read);
    if (there < wanted) {
      this.#writeSeen = Atomics.load(this.w, WRITE);
      there = this.#used(this.#writeSeen, this.#read);
    }
    return there;
  }

  /** The elements from `at` to `at + count`, as a view that is made when it is first needed and kept. */
  #blockAt(at: number, count: number): RingArray {
    if (count !== this.#block) {
      this.#block = count;
      this.#blocks.length = 0;
    }
    return (this.#blocks[at / count] ??= this.#data.subarray(at, at + count));
  }

  #copyIn(array: ArrayLike<number>, from: number, at: number, count: number): void {
    if (from === 0 && count === array.length && count > LOOPED) this.#data.set(array, at);
    else copy(array, from, this.#data, at, count);
  }

  #views(odometer: number, count: number): [RingArray, RingArray] {
    const at = odometer >= this.capacity ? odometer - this.capacity : odometer;
    const straight = Math.min(count, this.capacity - at);
    return [this.#data.subarray(at, at + straight), this.#data.subarray(0, count - straight)];
  }
}

/** Up to this many elements a loop beats `set`, which allocates nothing either when it takes an array whole. */
const LOOPED = 32;

/** A function of its own, so that engines compile its loop for the few kinds of arrays in use. */
function copy(from: ArrayLike<number>, at: number, into: RingArray, to: number, count: number): void {
  let i = 0;
  // Eight a round: twice as fast as one a round in V8.
  for (const end = count - 7; i < end; i += 8) {
    into[to + i] = from[at + i]!;
    into[to + i + 1] = from[at + i + 1]!;
    into[to + i + 2] = from[at + i + 2]!;
    into[to + i + 3] = from[at + i + 3]!;
    into[to + i + 4] = from[at + i + 4]!;
    into[to + i + 5] = from[at + i + 5]!;
    into[to + i + 6] = from[at + i + 6]!;
    into[to + i + 7] = from[at + i + 7]!;
  }
  for (; i < count; i++) into[to + i] = from[at + i]!;
}

/** An empty ring in shared memory. Throws a RangeError for a capacity that is not a whole number from 1 to 2²⁹. */
export function createRing(options: RingOptions): Ring {
  const { capacity, type = 'f32' } = options;
  const kind = TYPES.findIndex(([name]) => name === type);
  if (kind < 0) throw new RangeError(`a ring's type is one of ${TYPES.map(([name]) => name).join(', ')}, not ${String(type)}`);
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > 1 << 29) {
    throw new RangeError(`a ring's capacity is a whole number from 1 to ${1 << 29}, not ${capacity}`);
  }
  const storage = allocate(4 * HEADER + capacity * TYPES[kind]![1].BYTES_PER_ELEMENT, options);
  const words = new Int32Array(storage.buffer, storage.byteOffset, HEADER);
  words[LENGTH] = capacity;
  words[KIND] = MAGIC + kind;
  return new Ring(storage);
}
