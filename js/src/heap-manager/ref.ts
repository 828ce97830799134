/** References to blocks of a heap: what all kinds of them have in common. */
import { useAfterFree } from '../bytes/errors.js';
import type { WasmHeapManager } from './manager.js';

/**
 * A block of a heap with an address and a size.
 *
 * A reference is a thing of one thread: send `address` to another thread and wrap it there. Once
 * freed, by `free()` or by `manager.free(address)` of its own manager, every use throws an
 * IsolithError with the code `ERR_USE_AFTER_FREE`. A block that is freed elsewhere is not noticed.
 */
export abstract class HeapRef {
  /** The byte address of the block; 0 once it is freed. */
  readonly address: number;
  /** The manager that reads and writes the block. */
  readonly manager: WasmHeapManager;

  /** @param address a byte address of the heap, more than 0. */
  constructor(address: number, manager: WasmHeapManager) {
    this.address = address;
    this.manager = manager;
  }

  /** The size of the block in bytes. */
  abstract get allocatedByteCount(): number;
  /** The name of `allocatedByteCount` in the document of wasm-heap-manager 0.1. */
  get allocatedByteSize(): number { return this.allocatedByteCount; }
  /** True once the block was freed through this reference or its manager. */
  get isFreed(): boolean { return !(this.address > 0); }
  /** True until the block is freed. */
  get isNotFreed(): boolean { return this.address > 0; }

  /** The bytes of the block. The view is stale once an unshared memory has grown. */
  get allocatedBytesView(): Uint8Array {
    return this.manager.keep(this.manager.viewUint8Array(this.alive(), this.allocatedByteCount), this);
  }

  /** Frees the block; once freed, does nothing. */
  free(): void { this.manager.free(this); }
  /** Fills the block with zeros. */
  clear(): void { this.allocatedBytesView.fill(0); }

  /** The address, or an error where the block was freed. @internal */
  alive(): number {
    if (!(this.address > 0)) throw useAfterFree(`this ${this.constructor.name}`);
    return this.address;
  }

  /** Forgets the address. Only the manager calls it, after it gave the block back. @internal */
  forget(): void {
    (this as { address: number }).address = 0;
  }
}
