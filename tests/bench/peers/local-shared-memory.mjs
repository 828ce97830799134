// An allocator as the LocalSharedMemory document describes it, reduced to what is measured: no free, a header of 8 bytes, a new view per access.

/** Allocates upwards; the first word holds the next free address. */
export class LocalSharedMemory extends WebAssembly.Memory {
  constructor(initial = 1000, maximum = initial, shared = true) {
    super({ initial, maximum, shared });
    new DataView(this.buffer).setUint32(0, 16, true);
  }

  malloc(byteLength, alignBytes = 16) {
    const view = new DataView(this.buffer);
    const words = new Uint32Array(this.buffer, 0, 1);
    const bufferSize = Math.ceil((byteLength + 8) / alignBytes) * alignBytes;
    const offset = Atomics.add(words, 0, bufferSize);
    view.setUint32(offset, byteLength, true);
    view.setUint32(offset + 4, bufferSize, true);
    return offset + 8;
  }

  getInt32(offset) {
    return new DataView(this.buffer).getInt32(offset, true);
  }

  /** Not in the document: begins anew, so that a benchmark does not run out of memory. */
  reset() {
    new DataView(this.buffer).setUint32(0, 16, true);
  }
}
