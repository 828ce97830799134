/** The errors of typed access: each names the address, index or count that was wrong. */
import { IsolithError } from '../errors.js';

/** Where a freed block is said to begin: below 0 for every field of it, and too far to be a slip. */
export const FREED_BASE = -(2 ** 30);
/** More than any field of a freed block can add to {@link FREED_BASE}. */
const FREED_END = -(2 ** 29);

/** An address outside of the heap, or one that is no integer; for a freed block, that it was freed. */
export function outOfRange(address: number, bytes: number, heapBytes: number): Error {
  if (address >= FREED_BASE && address < FREED_END) return useAfterFree('the block of this struct');
  const unit = bytes === 1 ? 'byte' : 'bytes';
  return new RangeError(`address ${String(address)} (${bytes} ${unit}) is outside of the heap of ${heapBytes} bytes`);
}

/** An address that `what` cannot use because it is no multiple of `bytes`. */
export function unaligned(address: number, bytes: number, what: string): RangeError {
  return new RangeError(`address ${address} is not a multiple of ${bytes}, which ${what} needs`);
}

/** An index outside of an array of `length` elements. */
export function badIndex(index: number, length: number): RangeError {
  return new RangeError(`index ${String(index)} is outside of an array of ${length} elements`);
}

/** Throws a RangeError unless `count` is an integer of at least `least`. */
export function checkCount(count: number, what: string, least = 0): void {
  if (!(Number.isSafeInteger(count) && count >= least)) {
    throw new RangeError(`${what} ${String(count)} is not an integer of at least ${least}`);
  }
}

/** A string that does not fit into the elements given for it, its terminator included. */
export function tooLong(needed: number, capacity: number, address: number): RangeError {
  return new RangeError(`the string needs ${needed} elements with its terminator, but ${capacity} are there at address ${address}`);
}

/** A string whose terminator is not where it must be. */
export function unterminated(address: number, elements: number): RangeError {
  return new RangeError(`no terminating 0 within ${elements} elements from address ${address}`);
}

/** A use of a reference whose block was freed. */
export function useAfterFree(what: string): IsolithError {
  return new IsolithError('ERR_USE_AFTER_FREE', `${what} was freed and cannot be used any more`);
}

/** An allocator that had no block of that size. */
export function outOfMemory(bytes: number): IsolithError {
  return new IsolithError('ENOMEM', `no block of ${bytes} bytes could be allocated`);
}
