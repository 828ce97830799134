/** A reference to an array whose elements have any size, for records that have no kind of their own. */
import { badIndex, checkCount } from '../bytes/errors.js';
import type { WasmHeapManager } from './manager.js';
import { HeapRef } from './ref.js';

/** An array of `elementCount` elements of `bytesPerElement` bytes each, one after the other. */
export class ElementArrayRef extends HeapRef {
  /** The bytes of one element. */
  readonly bytesPerElement: number;
  /** The number of elements. */
  readonly elementCount: number;

  constructor(address: number, bytesPerElement: number, elementCount: number, manager: WasmHeapManager) {
    super(address, manager);
    checkCount(bytesPerElement, 'the element size', 1);
    checkCount(elementCount, 'the element count');
    this.bytesPerElement = bytesPerElement;
    this.elementCount = elementCount;
  }

  override get allocatedByteCount(): number { return this.bytesPerElement * this.elementCount; }

  /** The address of the element at `index`. Throws a RangeError where there is none. */
  addressOf(index: number): number {
    const address = this.alive();
    if (!(Number.isInteger(index) && index >= 0 && index < this.elementCount)) throw badIndex(index, this.elementCount);
    return address + index * this.bytesPerElement;
  }
  /** The bytes of the element at `index` in place. */
  viewAt(index: number): Uint8Array {
    return this.manager.keep(this.manager.viewUint8Array(this.addressOf(index), this.bytesPerElement), this);
  }
  /** A copy of the bytes of the element at `index`, never shared. */
  readAt(index: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.viewAt(index));
  }
  /** Writes the element at `index`; bytes beyond those given become 0. Throws a RangeError at too many. */
  writeAt(index: number, bytes: ArrayLike<number>): this {
    const view = this.viewAt(index);
    if (bytes.length > view.length) {
      throw new RangeError(`${bytes.length} bytes do not fit into an element of ${view.length}`);
    }
    view.set(bytes);
    view.fill(0, bytes.length);
    return this;
  }
  /** A view of each element, in order. */
  *[Symbol.iterator](): Generator<Uint8Array> {
    for (let i = 0; i < this.elementCount; i++) yield this.viewAt(i);
  }
}
