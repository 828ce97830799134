/** A memory by elements: atomics and array operations on the whole of it, by constructor and index. */
import type { TypedArray, TypedArrayConstructor } from '../bytes.js';
import { badIndex } from '../bytes/errors.js';
import { IsolithError } from '../errors.js';
import {
  ACCESS, TypedMemory, type ArrayOf, type AtomicArrayConstructor, type ElementOf, type WaitArrayConstructor,
} from './typed.js';

/** The platform's answer to `Atomics.waitAsync`. */
export type WaitAsyncResult =
  | { readonly async: false; readonly value: 'not-equal' | 'timed-out' }
  | { readonly async: true; readonly value: Promise<'ok' | 'timed-out'> };

type Ints = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;
type AtomicOp = (view: Ints, index: number, value: number) => number;

/**
 * `(TypedArray, index, …)` works on element `index` counted from address 0: the element at byte
 * offset `p` has the index `p / TypedArray.BYTES_PER_ELEMENT`. An index outside of the memory throws
 * a RangeError that names it.
 */
export class ElementMemory extends TypedMemory {
  /** Atomically adds; answers the value before. */
  add<C extends AtomicArrayConstructor>(Type: C, index: number, value: ElementOf<C>): ElementOf<C> { return this.atomic(Atomics.add, Type, index, value); }
  /** Atomically subtracts; answers the value before. */
  sub<C extends AtomicArrayConstructor>(Type: C, index: number, value: ElementOf<C>): ElementOf<C> { return this.atomic(Atomics.sub, Type, index, value); }
  /** Atomically takes the bitwise and; answers the value before. */
  and<C extends AtomicArrayConstructor>(Type: C, index: number, value: ElementOf<C>): ElementOf<C> { return this.atomic(Atomics.and, Type, index, value); }
  /** Atomically takes the bitwise or; answers the value before. */
  or<C extends AtomicArrayConstructor>(Type: C, index: number, value: ElementOf<C>): ElementOf<C> { return this.atomic(Atomics.or, Type, index, value); }
  /** Atomically takes the bitwise exclusive or; answers the value before. */
  xor<C extends AtomicArrayConstructor>(Type: C, index: number, value: ElementOf<C>): ElementOf<C> { return this.atomic(Atomics.xor, Type, index, value); }
  /** Atomically replaces; answers the value before. */
  exchange<C extends AtomicArrayConstructor>(Type: C, index: number, value: ElementOf<C>): ElementOf<C> { return this.atomic(Atomics.exchange, Type, index, value); }
  /** Atomically writes; answers what was written. */
  store<C extends AtomicArrayConstructor>(Type: C, index: number, value: ElementOf<C>): ElementOf<C> { return this.atomic(Atomics.store, Type, index, value); }
  /** Atomically reads. */
  load<C extends AtomicArrayConstructor>(Type: C, index: number): ElementOf<C> {
    return Atomics.load(this.atomicView(Type, index), index) as ElementOf<C>;
  }
  /** Atomically replaces the value if it is `expected`; answers the value before. */
  compareExchange<C extends AtomicArrayConstructor>(Type: C, index: number, expected: ElementOf<C>, value: ElementOf<C>): ElementOf<C> {
    return Atomics.compareExchange(this.atomicView(Type, index), index, expected as number, value as number) as ElementOf<C>;
  }

  /**
   * Blocks while the element is `value`, for at most `timeout` milliseconds, until it is notified.
   *
   * Throws a TypeError where blocking is not allowed, as on the main thread of a page, and on an
   * unshared memory.
   */
  wait<C extends WaitArrayConstructor>(Type: C, index: number, value: ElementOf<C>, timeout?: number): 'ok' | 'not-equal' | 'timed-out' {
    return Atomics.wait(this.atomicView(Type, index) as unknown as Int32Array, index, value as number, timeout);
  }
  /** Like `wait`, but answers a promise instead of blocking. Throws `ENOTSUP` where the engine has no `Atomics.waitAsync`. */
  waitAsync<C extends WaitArrayConstructor>(Type: C, index: number, value: ElementOf<C>, timeout?: number): WaitAsyncResult {
    if (typeof Atomics.waitAsync !== 'function') throw new IsolithError('ENOTSUP', 'this engine has no Atomics.waitAsync');
    return Atomics.waitAsync(this.atomicView(Type, index) as unknown as Int32Array, index, value as number, timeout) as WaitAsyncResult;
  }
  /** Wakes at most `count` threads that wait on the element (all, if absent); answers how many woke. */
  notify<C extends WaitArrayConstructor>(Type: C, index: number, count?: number): number {
    return Atomics.notify(this.atomicView(Type, index) as unknown as Int32Array, index, count);
  }

  /** The element at `index`; a negative index counts from the end of the memory. */
  at<C extends TypedArrayConstructor>(Type: C, index: number): ElementOf<C> {
    const view = index < 0 ? this[ACCESS].whole(Type) : this[ACCESS].element(Type, index);
    const value = view.at(index);
    if (value === undefined) throw badIndex(index, view.length);
    return value as ElementOf<C>;
  }
  /** Writes `value` to elements `[start, end)`. Both ends are needed: a whole memory holds the allocator too. */
  fill<C extends TypedArrayConstructor>(Type: C, value: ElementOf<C>, start: number, end: number): this {
    // The constructor tells whether the elements are bigints, and so what `value` is.
    (this[ACCESS].range(Type, start, end) as Int32Array).fill(value as number, start, end);
    return this;
  }
  /** Copies elements `[start, end)` to `target`, overlapping or not. */
  copyWithin<C extends TypedArrayConstructor>(Type: C, target: number, start: number, end: number): this {
    this[ACCESS].range(Type, start, end);
    this[ACCESS].range(Type, target, target + (end - start)).copyWithin(target, start, end);
    return this;
  }
  /** A view of elements `[begin, end)` in place. */
  subarray<C extends TypedArrayConstructor>(Type: C, begin: number, end: number): ArrayOf<C> {
    return this[ACCESS].range(Type, begin, end).subarray(begin, end) as ArrayOf<C>;
  }
  /** Writes `source` to the elements from `index` on. */
  set<C extends TypedArrayConstructor>(Type: C, source: ArrayLike<ElementOf<C>>, index: number): this {
    (this[ACCESS].range(Type, index, index + source.length) as Int32Array).set(source as ArrayLike<number>, index);
    return this;
  }

  private atomicView(Type: AtomicArrayConstructor, index: number): Ints {
    return this[ACCESS].element<TypedArray>(Type, index) as Ints;
  }
  private atomic<C extends AtomicArrayConstructor>(op: AtomicOp, Type: C, index: number, value: ElementOf<C>): ElementOf<C> {
    return op(this.atomicView(Type, index), index, value as number) as ElementOf<C>;
  }
}
