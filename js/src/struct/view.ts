/** Structs as objects: views of one struct and of an array of structs in a heap. */
import type { TypedArray } from '../bytes.js';
import { badIndex, checkCount, unaligned } from '../bytes/errors.js';
import type { WasmHeapManager } from '../heap-manager/manager.js';
import type { FieldValue, Fields, ScalarKind, StructInit, StructObject, TextField } from './fields.js';
import { Region } from './heap.js';
import type { Struct } from './struct.js';

/** The block that a view lies in. */
export const REGION = Symbol('isolith.region');
/** The bytes from the beginning of that block to the view. */
export const START = Symbol('isolith.start');
/** The views that a struct's array and struct fields have given out, by their place. */
export const PARTS = Symbol('isolith.parts');

/** What every view of a struct has besides its fields. */
export abstract class StructBase<G> {
  /** @internal */ readonly [REGION]: Region;
  /** @internal */ readonly [START]: number;
  /** @internal */ [PARTS]: (object | undefined)[] | undefined = undefined;

  constructor(region: Region, start: number) {
    this[REGION] = region;
    this[START] = start;
  }

  /** The address of the struct, to find it by in another thread; 0 once freed. */
  get ptr(): number {
    const region = this[REGION];
    return region.isFreed ? 0 : region.address + this[START];
  }
  /** Frees the block of the struct; once freed, does nothing. Throws a TypeError for a part of a larger block. */
  free(): void { freeRoot(this, this[REGION]); }
  /** Writes the fields given. */
  abstract assign(values: StructInit<G>): this;
  /** A copy of all fields as plain data. */
  abstract toObject(): StructObject<G>;
  /** What `JSON.stringify` takes: see `toObject`. */
  toJSON(): StructObject<G> { return this.toObject(); }
}

type Plain = ScalarKind | TextField;

/** A view of a struct: its fields as properties. Arrays and nested structs are views in place. */
export type StructView<G> = StructBase<G>
  & { -readonly [K in keyof G as G[K] extends Plain ? K : never]: FieldValue<G[K]> }
  & { readonly [K in keyof G as G[K] extends Plain ? never : K]: FieldValue<G[K]> };

/** The class of the views of one struct. */
export type StructViewClass<G> = new (region: Region, start: number) => StructView<G>;

/** Frees the block of its root view; does nothing once freed. */
export function freeRoot(view: object, region: Region): void {
  if (region.root !== view) throw new TypeError('a part of a larger block cannot be freed by itself');
  region.free();
}

/** Structs one after the other. */
export class StructArray<G extends Fields> implements Iterable<StructView<G>> {
  /** The number of structs. */
  readonly length: number;
  /** The struct that each element is. */
  readonly struct: Struct<G>;
  private readonly region: Region;
  private readonly start: number;

  /** @internal */
  constructor(struct: Struct<G>, region: Region, start: number, length: number) {
    this.struct = struct;
    this.region = region;
    this.start = start;
    this.length = length;
  }

  /** The address of the first struct, to find the array by in another thread; 0 once freed. */
  get ptr(): number { return this.region.isFreed ? 0 : this.region.address + this.start; }
  /** Frees the block of the array; once freed, does nothing. Throws a TypeError for a part of a larger block. */
  free(): void { freeRoot(this, this.region); }

  /** A view of the struct at `index`. Throws a RangeError where there is none. */
  at(index: number): StructView<G> {
    if (!(Number.isInteger(index) && index >= 0 && index < this.length)) throw badIndex(index, this.length);
    return new this.struct.View(this.region, this.start + index * this.struct.size);
  }
  /** Writes the structs given, from the first on. Throws a RangeError, and writes nothing, where they are too many. */
  set(values: ArrayLike<StructInit<G>>): this {
    if (values.length > this.length) throw badIndex(values.length - 1, this.length);
    for (let i = 0; i < values.length; i++) this.at(i).assign(values[i]!);
    return this;
  }
  /** A view of each struct, in order. */
  *[Symbol.iterator](): Generator<StructView<G>> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }
  /** A copy of all structs as plain data. */
  toArray(): StructObject<G>[] { return Array.from(this, (view) => view.toObject()); }
  /** What `JSON.stringify` takes: see `toArray`. */
  toJSON(): StructObject<G>[] { return this.toArray(); }
}

/** Checks where a struct is said to be. */
export function checkPlace(manager: WasmHeapManager, ptr: number, bytes: number, align: number): void {
  checkCount(ptr, 'the address of a struct', 1);
  manager.reach(ptr, bytes);
  if (ptr % align !== 0) throw unaligned(ptr, align, 'a struct of that alignment');
}

/** Copies elements into an array field; the kinds that are not what the array holds are converted. */
export function copyInto(kind: ScalarKind, view: TypedArray, values: ArrayLike<number | bigint | boolean>): void {
  if (values.length > view.length) throw badIndex(values.length - 1, view.length);
  if (kind === 'pointer53') for (let i = 0; i < values.length; i++) (view as BigUint64Array)[i] = BigInt(values[i]!);
  // The types of the field say what the values are; booleans become 0 and 1.
  else (view as Float64Array).set(values as ArrayLike<number>);
}

/** Elements of an array field as plain data. */
export function copyOut(kind: ScalarKind, view: TypedArray): (number | bigint | boolean)[] {
  if (kind === 'bool') return Array.from(view as Uint8Array, (value) => value !== 0);
  if (kind === 'pointer53') return Array.from(view as BigUint64Array, Number);
  return Array.from(view as Iterable<number | bigint>);
}
