/** Atomic cells of floating-point numbers, by compare-exchange on their bits. */

const cells32 = new Float32Array(1);
const bits32 = new Int32Array(cells32.buffer);
const cells64 = new Float64Array(1);
const bits64 = new BigInt64Array(cells64.buffer);

// A view's integer twin is made once and kept with it.
const twins32 = new WeakMap<Float32Array, Int32Array>();
const twins64 = new WeakMap<Float64Array, BigInt64Array>();

function words32(view: Float32Array): Int32Array {
  let words = twins32.get(view);
  if (words === undefined) twins32.set(view, (words = new Int32Array(view.buffer, view.byteOffset, view.length)));
  return words;
}

function words64(view: Float64Array): BigInt64Array {
  let words = twins64.get(view);
  if (words === undefined) twins64.set(view, (words = new BigInt64Array(view.buffer, view.byteOffset, view.length)));
  return words;
}

function toBits32(value: number): number {
  cells32[0] = value;
  return bits32[0]!;
}

function fromBits32(bits: number): number {
  bits32[0] = bits;
  return cells32[0]!;
}

function toBits64(value: number): bigint {
  cells64[0] = value;
  return bits64[0]!;
}

function fromBits64(bits: bigint): number {
  bits64[0] = bits;
  return cells64[0]!;
}

/** Reads one element whole. */
export function atomicLoadF32(view: Float32Array, index: number): number {
  return fromBits32(Atomics.load(words32(view), index));
}

/** Writes one element whole. */
export function atomicStoreF32(view: Float32Array, index: number, value: number): void {
  Atomics.store(words32(view), index, toBits32(value));
}

/** Writes one element and returns what was there. */
export function atomicExchangeF32(view: Float32Array, index: number, value: number): number {
  return fromBits32(Atomics.exchange(words32(view), index, toBits32(value)));
}

/** Writes `replacement` if the element has the bits of `expected`; returns what was there. */
export function atomicCompareExchangeF32(view: Float32Array, index: number, expected: number, replacement: number): number {
  const wanted = toBits32(expected);
  return fromBits32(Atomics.compareExchange(words32(view), index, wanted, toBits32(replacement)));
}

/** Replaces the element by `change(element)`, called again if another thread came between; returns what was there. */
export function atomicUpdateF32(view: Float32Array, index: number, change: (value: number) => number): number {
  const words = words32(view);
  for (;;) {
    const before = Atomics.load(words, index);
    const value = fromBits32(before);
    if (Atomics.compareExchange(words, index, before, toBits32(change(value))) === before) return value;
  }
}

/** Reads one element whole. */
export function atomicLoadF64(view: Float64Array, index: number): number {
  return fromBits64(Atomics.load(words64(view), index));
}

/** Writes one element whole. */
export function atomicStoreF64(view: Float64Array, index: number, value: number): void {
  Atomics.store(words64(view), index, toBits64(value));
}

/** Writes one element and returns what was there. */
export function atomicExchangeF64(view: Float64Array, index: number, value: number): number {
  return fromBits64(Atomics.exchange(words64(view), index, toBits64(value)));
}

/** Writes `replacement` if the element has the bits of `expected`; returns what was there. */
export function atomicCompareExchangeF64(view: Float64Array, index: number, expected: number, replacement: number): number {
  const wanted = toBits64(expected);
  return fromBits64(Atomics.compareExchange(words64(view), index, wanted, toBits64(replacement)));
}

/** Replaces the element by `change(element)`, called again if another thread came between; returns what was there. */
export function atomicUpdateF64(view: Float64Array, index: number, change: (value: number) => number): number {
  const words = words64(view);
  for (;;) {
    const before = Atomics.load(words, index);
    const value = fromBits64(before);
    if (Atomics.compareExchange(words, index, before, toBits64(change(value))) === before) return value;
  }
}

/** Adds to one element; returns what was there. */
export const atomicAddF32 = (view: Float32Array, index: number, by: number): number => atomicUpdateF32(view, index, (value) => value + by);
/** Subtracts from one element; returns what was there. */
export const atomicSubF32 = (view: Float32Array, index: number, by: number): number => atomicUpdateF32(view, index, (value) => value - by);
/** Lowers one element to `other` if that is less; returns what was there. */
export const atomicMinF32 = (view: Float32Array, index: number, other: number): number => atomicUpdateF32(view, index, (value) => Math.min(value, other));
/** Raises one element to `other` if that is more; returns what was there. */
export const atomicMaxF32 = (view: Float32Array, index: number, other: number): number => atomicUpdateF32(view, index, (value) => Math.max(value, other));
/** Adds to one element; returns what was there. */
export const atomicAddF64 = (view: Float64Array, index: number, by: number): number => atomicUpdateF64(view, index, (value) => value + by);
/** Subtracts from one element; returns what was there. */
export const atomicSubF64 = (view: Float64Array, index: number, by: number): number => atomicUpdateF64(view, index, (value) => value - by);
/** Lowers one element to `other` if that is less; returns what was there. */
export const atomicMinF64 = (view: Float64Array, index: number, other: number): number => atomicUpdateF64(view, index, (value) => Math.min(value, other));
/** Raises one element to `other` if that is more; returns what was there. */
export const atomicMaxF64 = (view: Float64Array, index: number, other: number): number => atomicUpdateF64(view, index, (value) => Math.max(value, other));
