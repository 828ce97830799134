/** The numbers by which wasm-heap-manager names kinds of data. */

/** Each kind of number, and of array of numbers, with its number. */
export const DataType = Object.freeze({
  Int8: 0, Uint8: 1, Uint8Clamped: 2, Int16: 3, Uint16: 4, Int32: 5, Uint32: 6, BigInt64: 7, BigUint64: 8,
  Float32: 9, Float64: 10, Pointer32: 11, Pointer53: 12, Pointer64: 13,
  Int8Array: 14, Uint8Array: 15, Uint8ClampedArray: 16, Int16Array: 17, Uint16Array: 18, Int32Array: 19,
  Uint32Array: 20, BigInt64Array: 21, BigUint64Array: 22, Float32Array: 23, Float64Array: 24,
  Pointer32Array: 25, Pointer53Array: 26, Pointer64Array: 27,
});

/** The number of a kind of data. */
export type DataType = (typeof DataType)[keyof typeof DataType];
