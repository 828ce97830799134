/** `defineStruct`: from a list of fields to typed views of structs in a heap. */
import { checkCount } from '../bytes/errors.js';
import { accessor } from './accessors.js';
import { layOutColumns, type StructColumns } from './columns.js';
import { layOut, type Fields, type Place, type StructInit, type StructObject } from './fields.js';
import { managerOf, Region, type StructHeap } from './heap.js';
import { checkPlace, StructArray, StructBase, type StructView, type StructViewClass } from './view.js';

/**
 * A struct: its layout, and where views of it come from.
 *
 * The layout depends on the fields alone. So define a struct in a module that all threads import,
 * send addresses, and find what is there with `at`, `arrayAt` and `columnsAt`.
 */
export class Struct<G extends Fields> {
  /** The bytes of a struct, padding included. */
  readonly size: number;
  /** The alignment of a struct in bytes. */
  readonly align: number;
  /** The fields as they were given. */
  readonly fields: G;
  /** The byte offset of each field. */
  readonly offsets: { readonly [K in keyof G]: number };
  /** @internal */ readonly View: StructViewClass<G>;
  /** @internal */ readonly places: readonly Place[];

  constructor(fields: G) {
    const { places, size, align } = layOut(fields);
    this.fields = fields;
    this.places = places;
    this.size = size;
    this.align = align;
    this.offsets = Object.fromEntries(places.map(({ name, offset }) => [name, offset])) as { [K in keyof G]: number };
    this.View = makeView<G>(places);
  }

  /** Allocates a struct, all zeros but for the values given. Throws `ENOMEM`. */
  alloc(heap: StructHeap, values?: StructInit<G>): StructView<G> {
    return this.own(heap, this.size, (region) => {
      const view = new this.View(region, 0);
      return values === undefined ? view : view.assign(values);
    });
  }
  /** Views the struct at an address. */
  at(heap: StructHeap, ptr: number): StructView<G> {
    return this.find(heap, ptr, this.size, (region) => new this.View(region, 0));
  }

  /** Allocates structs one after the other: so many, all zeros, or one for each of the values given. */
  array(heap: StructHeap, lengthOrValues: number | ArrayLike<StructInit<G>>): StructArray<G> {
    const values = typeof lengthOrValues === 'number' ? undefined : lengthOrValues;
    const length = values?.length ?? (lengthOrValues as number);
    checkCount(length, 'the length');
    return this.own(heap, length * this.size, (region) => {
      const array = new StructArray<G>(this, region, 0, length);
      return values === undefined ? array : array.set(values);
    });
  }
  /** Views the structs, one after the other, at an address. */
  arrayAt(heap: StructHeap, ptr: number, length: number): StructArray<G> {
    checkCount(length, 'the length');
    return this.find(heap, ptr, length * this.size, (region) => new StructArray<G>(this, region, 0, length));
  }

  /** Allocates so many structs by columns, all zeros. */
  columns(heap: StructHeap, length: number): StructColumns<G> {
    checkCount(length, 'the length');
    const { bytes, Class } = layOutColumns<G>(this.places, length);
    return this.own(heap, bytes, (region) => new Class(region, 0));
  }
  /** Views the columns of so many structs at an address. */
  columnsAt(heap: StructHeap, ptr: number, length: number): StructColumns<G> {
    checkCount(length, 'the length');
    const { bytes, Class } = layOutColumns<G>(this.places, length);
    return this.find(heap, ptr, bytes, (region) => new Class(region, 0));
  }

  private own<V extends object>(heap: StructHeap, bytes: number, make: (region: Region) => V): V {
    const manager = managerOf(heap);
    let view: V | undefined;
    manager.adopt(bytes, (address) => {
      checkPlace(manager, address, bytes, this.align);
      const region = new Region(address, bytes, manager);
      view = region.root = make(region);
      return region;
    });
    return view!;
  }
  private find<V extends object>(heap: StructHeap, ptr: number, bytes: number, make: (region: Region) => V): V {
    const manager = managerOf(heap);
    checkPlace(manager, ptr, bytes, this.align);
    const region = new Region(ptr, bytes, manager);
    const view = make(region);
    region.root = view;
    return view;
  }
}

/** The class of a struct's views, with an accessor per field on its prototype. */
function makeView<G extends Fields>(places: readonly Place[]): StructViewClass<G> {
  const all = places.map((place, slot) => ({ name: place.name, ...accessor(place, slot) }));

  class View extends StructBase<Fields> {
    override assign(values: StructInit<Fields>): this {
      for (const [name, value] of Object.entries(values)) {
        if (value === undefined) continue;
        const { set } = all.find((field) => field.name === name) ?? {};
        if (set === undefined) throw new TypeError(`the struct has no field ${name}`);
        set.call(this, value as never);
      }
      return this;
    }
    override toObject(): StructObject<Fields> {
      return Object.fromEntries(all.map(({ name, get, copy }) => {
        const value = get.call(this);
        return [name, copy === undefined ? value : copy(value)];
      })) as StructObject<Fields>;
    }
  }
  for (const { name, get, set } of all) {
    if (name in View.prototype) throw new TypeError(`a field cannot be named ${name}: every struct has that already`);
    Object.defineProperty(View.prototype, name, { get, set: set as (value: unknown) => void, enumerable: true });
  }
  // The class has just got an accessor per field, which no declaration can say.
  return View as unknown as StructViewClass<G>;
}

/**
 * Defines a struct with the layout and alignment that a C compiler gives it.
 *
 * A field is a scalar kind (`'i8' … 'f64'`, `'pointer32'`, `'pointer53'`, `'pointer64'`, `'bool'`), a
 * text (`utf8(n)`, `ascii(n)`, `utf16(n)`, `utf32(n)`), another struct, or `[element, count]`.
 *
 * @example
 * const Particle = defineStruct({ x: 'f32', pos: ['f64', 3], next: 'pointer32', name: utf8(32) })
 * const p = Particle.alloc(heap, { x: 1, name: 'first' })
 * p.pos[2] = 0.5
 * Particle.at(heap, p.ptr).name // 'first', in any thread
 * const { x } = Particle.columns(heap, 1000) // a Float32Array over 1000 structs
 */
export function defineStruct<const G extends Fields>(fields: G): Struct<G> {
  return new Struct(fields);
}
