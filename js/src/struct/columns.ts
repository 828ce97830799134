/** Structs by columns: for each field one array over all structs, so that loops over one field stay in cache. */
import type { TypedArray } from '../bytes.js';
import { badIndex } from '../bytes/errors.js';
import { arrayAt } from './accessors.js';
import { isText, roundUp, type ArrayTypes, type Fields, type Place, type ScalarKind, type TextField } from './fields.js';
import type { Region } from './heap.js';
import type { Struct } from './struct.js';
import { freeRoot } from './view.js';

/** Texts of one field. */
export class TextColumn implements Iterable<string> {
  /** @internal */
  constructor(
    private readonly region: Region, private readonly start: number,
    private readonly field: TextField, private readonly bytes: number,
    /** The number of texts. */
    readonly length: number,
  ) {}

  /** Reads the text at `index`. */
  at(index: number): string { return this.region.manager.readText(this.place(index), this.field.text, this.field.count); }
  /** Writes the text at `index`. */
  set(index: number, value: string): void { this.region.manager.writeText(this.place(index), this.field.text, this.field.count, value); }
  /** Each text, in order. */
  *[Symbol.iterator](): Generator<string> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  private place(index: number): number {
    if (!(Number.isInteger(index) && index >= 0 && index < this.length)) throw badIndex(index, this.length);
    return this.region.base + this.start + index * this.bytes;
  }
}

/** What a field is as a column. An array field of `m` elements has `m` per struct, one struct after the other. */
export type Column<F> =
  F extends ScalarKind ? ArrayTypes[F]
  : F extends TextField ? TextColumn
  : F extends Struct<infer G> ? StructColumns<G>
  : F extends readonly [infer E, number]
    ? E extends ScalarKind ? ArrayTypes[E] : E extends TextField ? TextColumn : E extends Struct<infer G> ? StructColumns<G> : never
  : never;

/** What every set of columns has besides the columns. */
export abstract class ColumnsBase {
  /** The number of structs. */
  readonly length: number;
  /** @internal */ protected readonly region: Region;
  /** @internal */ protected readonly start: number;
  /** @internal */ protected readonly parts: (object | undefined)[] = [];

  /** @internal */
  constructor(region: Region, start: number, length: number) {
    this.region = region;
    this.start = start;
    this.length = length;
  }
  /** The address of the columns, to find them by, with their length, in another thread; 0 once freed. */
  get ptr(): number { return this.region.isFreed ? 0 : this.region.address + this.start; }
  /** Frees the block of the columns; once freed, does nothing. Throws a TypeError for a part of a larger block. */
  free(): void { freeRoot(this, this.region); }

  /** @internal */
  protected scalars(kind: ScalarKind, offset: number, count: number, slot: number): TypedArray {
    const known = this.parts[slot] as TypedArray | undefined;
    if (known !== undefined && known.length === count && this.region.base > 0) return known;
    const view = arrayAt(this.region, kind, this.start + offset, count);
    if (this.region.manager.viewsLast) this.parts[slot] = view;
    return view;
  }
}

/**
 * A struct's fields as columns over `length` structs.
 *
 * Take a column into a variable before a loop: it then costs what a typed array costs. A column that
 * was kept while an unshared memory grew is empty: ask again.
 */
export type StructColumns<G> = ColumnsBase & { readonly [K in keyof G]: Column<G[K]> };

/** The class of the columns of one struct and length. */
export type ColumnsClass<G> = new (region: Region, start: number) => StructColumns<G>;

/** Every column starts at a multiple of this, so that each can be worked on by vectors. */
const COLUMN_ALIGN = 16;

/** Lays the columns of `length` structs out; answers their bytes and their class. */
export function layOutColumns<G extends Fields>(places: readonly Place[], length: number): { bytes: number; Class: ColumnsClass<G> } {
  class Columns extends ColumnsBase {
    constructor(region: Region, start: number) { super(region, start, length); }
  }
  let end = 0;
  places.forEach(({ name, element, count = 1, size }, slot) => {
    if (name in ColumnsBase.prototype || name === 'length') throw new TypeError(`a struct with a field ${name} has no columns: rename it`);
    const offset = end;
    const total = count * length;
    let get: (this: Columns) => unknown;
    let bytes = size * total;
    if (typeof element === 'string') get = function () { return this.scalars(element, offset, total, slot); };
    else if (isText(element)) get = function () { return (this.parts[slot] ??= new TextColumn(this.region, this.start + offset, element, size, total)); };
    else {
      const inner = layOutColumns<Fields>(element.places, total);
      bytes = inner.bytes;
      get = function () { return (this.parts[slot] ??= new inner.Class(this.region, this.start + offset)); };
    }
    Object.defineProperty(Columns.prototype, name, { get, enumerable: true });
    end = roundUp(offset + bytes, COLUMN_ALIGN);
  });
  // The class has just got a getter per field, which no declaration can say.
  return { bytes: end, Class: Columns as unknown as ColumnsClass<G> };
}
