/** Typed-array views over one whole heap buffer, one per element kind. */

/** Any typed array that a heap can hold. */
export type TypedArray =
  | Int8Array | Uint8Array | Uint8ClampedArray
  | Int16Array | Uint16Array | Int32Array | Uint32Array
  | BigInt64Array | BigUint64Array | Float32Array | Float64Array;

/** A constructor of typed array `T`, as far as views over a heap need it. */
export interface TypedArrayConstructor<T extends TypedArray = TypedArray> {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): T;
}

/**
 * Every view of one buffer, made together so that they never disagree.
 *
 * The views of a detached buffer have length 0: a bounds check that fails is therefore also the
 * sign that the buffer was replaced, and no other staleness test is needed on the hot path.
 */
export class Views {
  readonly i8: Int8Array;
  readonly u8: Uint8Array;
  readonly u8c: Uint8ClampedArray;
  readonly i16: Int16Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly i64: BigInt64Array;
  readonly u64: BigUint64Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly data: DataView;
  /** True where a Web API may refuse a view of this buffer and the bytes must be copied out first. */
  readonly shared: boolean;

  constructor(readonly buffer: ArrayBufferLike) {
    this.i8 = new Int8Array(buffer);
    this.u8 = new Uint8Array(buffer);
    this.u8c = new Uint8ClampedArray(buffer);
    this.i16 = whole(Int16Array, buffer);
    this.u16 = whole(Uint16Array, buffer);
    this.i32 = whole(Int32Array, buffer);
    this.u32 = whole(Uint32Array, buffer);
    this.i64 = whole(BigInt64Array, buffer);
    this.u64 = whole(BigUint64Array, buffer);
    this.f32 = whole(Float32Array, buffer);
    this.f64 = whole(Float64Array, buffer);
    this.data = new DataView(buffer);
    // `SharedArrayBuffer` may be hidden where shared memory exists (WebKitGTK), so the name cannot be asked.
    this.shared = !(buffer instanceof ArrayBuffer);
  }

  /** True while these views show all of `buffer`: the same object, neither detached nor resized. */
  show(buffer: ArrayBufferLike): boolean {
    return this.buffer === buffer && this.u8.length === buffer.byteLength;
  }
}

/** Views that hold nothing: every access through them leaves the fast path. */
export const NO_VIEWS = new Views(new ArrayBuffer(0));

/** The largest view of whole elements; it tracks the length of a buffer that can be resized in place. */
function whole<T extends TypedArray>(Type: TypedArrayConstructor<T>, buffer: ArrayBufferLike): T {
  const { resizable, growable } = buffer as { resizable?: boolean; growable?: boolean };
  if (resizable === true || growable === true) return new Type(buffer);
  return new Type(buffer, 0, Math.floor(buffer.byteLength / Type.BYTES_PER_ELEMENT));
}
