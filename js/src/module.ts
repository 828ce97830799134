/** The kernel's bytes, and modules made of them: for shared memory, or patched for unshared memory. */

import { IsolithError } from './errors.js';

/** The kernel as bytes, and compiled for each kind of memory when first needed. */
export interface KernelModule {
  /** The bytes in memory that all threads share, so that nothing is copied to tell a worker of them. */
  share(): Uint8Array;
  /** Pages that every memory must have at the least. */
  readonly initialPages: number;
  compile(shared: boolean): Promise<WebAssembly.Module>;
  /** The compiled module; compiles on the spot what was not compiled before. */
  compileSync(shared: boolean): WebAssembly.Module;
}

/**
 * Wraps the bytes, and the module for shared memory if it is already compiled; throws where they are not the kernel,
 * but for bytes that come with a module.
 */
export function kernelModule(bytes: Uint8Array, shared?: WebAssembly.Module): KernelModule {
  const compiled: [unshared: WebAssembly.Module | undefined, shared: WebAssembly.Module | undefined] = [undefined, shared];
  let found = shared ? undefined : findMemoryImport(bytes);
  const memory = (): MemoryImport => (found ??= findMemoryImport(bytes));
  let common: Uint8Array | undefined;
  const patched = (shared: boolean): Uint8Array<ArrayBuffer> => {
    // Browsers compile nothing that lies in shared memory.
    if (shared && isOwn(bytes)) return bytes;
    const copy = new Uint8Array(bytes);
    if (!shared) copy[memory().flag] = 0x01;
    return copy;
  };
  return {
    share() {
      if (!isOwn(bytes)) return bytes;
      if (!common) (common = new Uint8Array(new SharedArrayBuffer(bytes.length))).set(bytes);
      return common;
    },
    get initialPages() {
      return memory().initial;
    },
    async compile(shared) {
      return (compiled[Number(shared)] ??= await WebAssembly.compile(patched(shared)));
    },
    compileSync(shared) {
      return (compiled[Number(shared)] ??= new WebAssembly.Module(patched(shared)));
    },
  };
}

/** Whether bytes lie in memory of this thread alone. */
function isOwn(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer;
}

/** Position of the limits flag of the memory import (0x03: shared, 0x01: not), and its minimum. */
interface MemoryImport {
  readonly flag: number;
  readonly initial: number;
}

function findMemoryImport(bytes: Uint8Array): MemoryImport {
  let at = 8;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? bad();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  };
  const skipName = (): void => {
    const length = number();
    at += length;
  };
  if (bytes[0] !== 0 || bytes[1] !== 0x61 || bytes[2] !== 0x73 || bytes[3] !== 0x6d) bad();
  while (at < bytes.length) {
    const section = bytes[at++];
    const end = number() + at;
    if (section !== 2) {
      at = end;
      continue;
    }
    for (let left = number(); left > 0; left--) {
      skipName();
      skipName();
      switch (bytes[at++]) {
        case 0: // a function: its type
          number();
          break;
        case 1: // a table: its element type, then limits
          at++;
          if (bytes[at++] === 1) number();
          number();
          break;
        case 2: {
          const flag = at++;
          return { flag, initial: number() };
        }
        case 3: // a global: its type and mutability
          at += 2;
          break;
        default: // a tag: its attribute and type
          at++;
          number();
      }
    }
  }
  return bad();
}

function bad(): never {
  throw new IsolithError('ERR_MODULE_NOT_FOUND', 'the bytes are not the isolith kernel module');
}
