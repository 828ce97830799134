/** Blocks: what an allocation hands out, with views that follow the memory's growth. */

import type { Heap } from './heap.js';

/** A piece of a heap. After `free`: `ptr` and `memory` are null and `size` is 0. */
export interface MemoryBlock {
  /** Address of the first byte in the heap's memory. */
  readonly ptr: number | null;
  /** Bytes asked for. */
  readonly size: number;
  /** The bytes; a new view after the memory has grown. */
  readonly memory: Uint8Array | null;
}

/** Constructor of any typed array. */
export interface TypedArrayConstructor<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
}

/** The block that heaps hand out: one object that `free` and `realloc` change in place. */
export class Block implements MemoryBlock {
  readonly heap: Heap;
  #ptr: number;
  #size: number;
  #view: Uint8Array | null = null;

  constructor(heap: Heap, ptr: number, size: number) {
    this.heap = heap;
    this.#ptr = ptr;
    this.#size = size;
  }

  get ptr(): number | null {
    return this.#ptr === 0 ? null : this.#ptr;
  }

  get size(): number {
    return this.#size;
  }

  get memory(): Uint8Array | null {
    if (this.#ptr === 0) return null;
    const { buffer } = this.heap.memory;
    if (this.#view === null || this.#view.buffer !== buffer) {
      this.#view = new Uint8Array(buffer, this.#ptr, this.#size);
    }
    return this.#view;
  }

  /** The block was freed; called by its heap. */
  gone(): void {
    this.moved(0, 0);
  }

  /** The block lies elsewhere or has another size; called by its heap. */
  moved(ptr: number, size: number): void {
    this.#ptr = ptr;
    this.#size = size;
    this.#view = null;
  }

  /** Address and size, for logs and JSON. */
  toJSON(): { ptr: number | null; size: number } {
    return { ptr: this.ptr, size: this.size };
  }
}

/** A block that is an array of numbers. */
export class TypedBlock<T> extends Block {
  readonly Type: TypedArrayConstructor<T>;
  #array: { buffer: ArrayBufferLike; ptr: number; size: number; view: T } | null = null;

  constructor(heap: Heap, ptr: number, size: number, Type: TypedArrayConstructor<T>) {
    super(heap, ptr, size);
    this.Type = Type;
  }

  /** Number of elements. */
  get length(): number {
    return this.size / this.Type.BYTES_PER_ELEMENT;
  }

  /** The elements; a new view after the memory has grown. Null after `free`. */
  get array(): T | null {
    const { ptr, size } = this;
    if (ptr === null) return null;
    const { buffer } = this.heap.memory;
    const known = this.#array;
    if (known && known.buffer === buffer && known.ptr === ptr && known.size === size) return known.view;
    const view = new this.Type(buffer, ptr, this.length);
    this.#array = { buffer, ptr, size, view };
    return view;
  }
}
