/** How the kernel moves file contents in and out of its memory: one transfer at a time on each thread. */

/** What the running call moves bytes from or to. */
export interface Cargo {
  bytes: Uint8Array<ArrayBuffer>;
  at: number;
  /** The imports by which the kernel asks for it, by name; the loader puts them in place. */
  readonly imports: Record<string, (at: number, length: number) => void>;
}

/** The cargo of the kernel on `memory`: the kernel carries it, so that all copies of this code on a thread mean the same. */
export function cargoOf(memory: WebAssembly.Memory): Cargo {
  const cargo: Cargo = {
    bytes: new Uint8Array(0),
    at: 0,
    imports: {
      isolith_fs_size(bytes) {
        cargo.bytes = new Uint8Array(bytes >>> 0);
        cargo.at = 0;
      },
      isolith_fs_take(from, length) {
        cargo.bytes.set(new Uint8Array(memory.buffer, from >>> 0, length), cargo.at);
        cargo.at += length;
      },
      isolith_fs_give(to, length) {
        const { bytes, at } = cargo;
        const target = new Uint8Array(memory.buffer, to >>> 0, length);
        target.set(at === 0 && length === bytes.length ? bytes : bytes.subarray(at, at + length));
        cargo.at = at + length;
      },
    },
  };
  return cargo;
}
