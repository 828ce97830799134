/** References to null-terminated strings of a heap. */
import { checkCount } from '../bytes/errors.js';
import type { ElementBytes } from '../bytes/strings.js';
import type { WasmHeapManager } from './manager.js';
import { HeapRef } from './ref.js';

/** A view of the encoded elements of a string. */
export type ElementsView = Uint8Array | Uint16Array | Uint32Array;

/** A reference to a string. `value` reads and writes it, as `read` and `write` do. */
export abstract class StringRef extends HeapRef {
  /** The elements that the block holds, a terminator included. */
  readonly allocatedElementCount: number;

  constructor(address: number, allocatedElementCount: number, manager: WasmHeapManager) {
    super(address, manager);
    checkCount(allocatedElementCount, 'the element count');
    this.allocatedElementCount = allocatedElementCount;
  }

  /** The bytes of one encoded element. */
  abstract get bytesPerElement(): ElementBytes;
  override get allocatedByteCount(): number { return this.allocatedElementCount * this.bytesPerElement; }

  /** The string. */
  get value(): string { return this.read(); }
  set value(newValue: string) { this.write(newValue); }
  /** Reads the string up to its terminator. */
  abstract read(): string;
  /** Writes the string with its terminator. Throws a RangeError, and writes nothing, where it does not fit. */
  abstract write(newValue: string): this;

  /** All elements of the block. */
  abstract get allocatedElementsView(): ElementsView;
  /** The elements of the stored string, without its terminator. */
  abstract get encodedElementsView(): ElementsView;
  /** The length of the stored string in elements, found by a search for its terminator. */
  abstract get encodedElementCount(): number;
  /** The bytes of the stored string, without its terminator. */
  get encodedBytesView(): Uint8Array {
    return this.manager.keep(this.manager.viewUint8Array(this.alive(), this.encodedByteCount), this);
  }
  /** The length of the stored string in bytes. */
  get encodedByteCount(): number { return this.encodedElementCount * this.bytesPerElement; }
  /** The name of `encodedByteCount` in the document of wasm-heap-manager 0.1. */
  get encodedByteLength(): number { return this.encodedByteCount; }
}

/** A reference to a string that ends with a 0. */
export abstract class NullTerminatedStringRef extends StringRef {
  override get encodedElementCount(): number {
    return this.manager.getElementCountOfNullTerminatedString(this.alive(), this.bytesPerElement, this.allocatedElementCount);
  }
}

/** A reference to a null-terminated string in ASCII. */
export class NullTerminatedAsciiStringRef extends NullTerminatedStringRef {
  override get bytesPerElement(): 1 { return 1; }
  override read(): string { return this.manager.readNullTerminatedAsciiString(this.alive(), this.allocatedElementCount); }
  override write(newValue: string): this {
    this.manager.writeNullTerminatedAsciiString(this.alive(), newValue, this.allocatedElementCount);
    return this;
  }
  override get allocatedElementsView(): Uint8Array { return this.allocatedBytesView; }
  override get encodedElementsView(): Uint8Array { return this.encodedBytesView; }
}

/** A reference to a null-terminated string in UTF-8. */
export class NullTerminatedUtf8StringRef extends NullTerminatedStringRef {
  override get bytesPerElement(): 1 { return 1; }
  override read(): string { return this.manager.readNullTerminatedUtf8String(this.alive(), this.allocatedElementCount); }
  override write(newValue: string): this {
    this.manager.writeNullTerminatedUtf8String(this.alive(), newValue, this.allocatedElementCount);
    return this;
  }
  override get allocatedElementsView(): Uint8Array { return this.allocatedBytesView; }
  override get encodedElementsView(): Uint8Array { return this.encodedBytesView; }
}

/** A reference to a null-terminated string in UTF-16. */
export class NullTerminatedUtf16StringRef extends NullTerminatedStringRef {
  override get bytesPerElement(): 2 { return 2; }
  override read(): string { return this.manager.readNullTerminatedUtf16String(this.alive(), this.allocatedElementCount); }
  override write(newValue: string): this {
    this.manager.writeNullTerminatedUtf16String(this.alive(), newValue, this.allocatedElementCount);
    return this;
  }
  override get allocatedElementsView(): Uint16Array {
    return this.manager.keep(this.manager.viewUint16Array(this.alive(), this.allocatedElementCount), this);
  }
  override get encodedElementsView(): Uint16Array {
    return this.manager.keep(this.manager.viewUint16Array(this.alive(), this.encodedElementCount), this);
  }
}

/** A reference to a null-terminated string in UTF-32. */
export class NullTerminatedUtf32StringRef extends NullTerminatedStringRef {
  override get bytesPerElement(): 4 { return 4; }
  override read(): string { return this.manager.readNullTerminatedUtf32String(this.alive(), this.allocatedElementCount); }
  override write(newValue: string): this {
    this.manager.writeNullTerminatedUtf32String(this.alive(), newValue, this.allocatedElementCount);
    return this;
  }
  override get allocatedElementsView(): Uint32Array {
    return this.manager.keep(this.manager.viewUint32Array(this.alive(), this.allocatedElementCount), this);
  }
  override get encodedElementsView(): Uint32Array {
    return this.manager.keep(this.manager.viewUint32Array(this.alive(), this.encodedElementCount), this);
  }
}
