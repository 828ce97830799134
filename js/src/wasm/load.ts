/** What a guest is made of, and what its imports become on the thread that runs it. */

import { WasmCode, WasmError } from './errors.js';
import type { Shape } from './shape.js';

/** What an import of a guest is given, by what can travel to its thread. */
export type Given =
  | { readonly kind: 'value'; readonly value: unknown }
  /** A host function, by its number. */
  | { readonly kind: 'host'; readonly index: number }
  /** A memory of its own that no other thread has. */
  | { readonly kind: 'memory'; readonly initial: number; readonly maximum: number | undefined }
  | { readonly kind: 'wasi' }
  | { readonly kind: 'spawn' };

/** What a guest is made of. */
export interface Load {
  readonly compiled: WebAssembly.Module;
  /** For each import of the module, in its order. */
  readonly imports: readonly { readonly module: string; readonly name: string; readonly given: Given }[];
  /** The exported names of functions, in the order of their numbers, and of the memory. */
  readonly functions: readonly string[];
  readonly memory: string | undefined;
  /** The memory that is imported, if that is the guest's. */
  readonly imported: number | undefined;
  /** The exports of the counter and of what was the start function. */
  readonly fuel: string | undefined;
  readonly start: string | undefined;
  /** The export of the table whose function is called when fuel is spent. */
  readonly refill: string | undefined;
  /** Whether the counter is no fuel, but has the guest looked after now and then. */
  readonly interruptible: boolean;
  /** The export that counts what is left of the stack, and what it begins with. */
  readonly stack: { readonly name: string; readonly bytes: number } | undefined;
  /** Whether it is a library: `_initialize` is called before anything else. */
  readonly reactor: boolean;
  /** What the counter begins with. */
  readonly amount: bigint;
  /** The WASI process. */
  readonly pid: number | undefined;
}

/** What the thread of a guest does for it. */
export interface World {
  /** Calls a host function and returns what it returns, or throws what it throws. */
  host(index: number, args: unknown[]): unknown;
  /** The functions of WASI for this process. */
  wasi(pid: number, memory: () => WebAssembly.Memory): WebAssembly.Imports;
  /** Starts a thread of the process; its number, or a negative one. */
  spawn(argument: number): number;
  /** Fuel for a guest that lacks so much, 0 if there is none; throws what its owner throws. */
  refill(missing: bigint): bigint;
  /** The exit code, if this is how the guest ended. */
  exitCode(thrown: unknown): number | undefined;
}

/** What an import is on this thread; `wasi` has the functions of WASI. */
export function importOf(given: Given, module: string, name: string, world: World, wasi: WebAssembly.Imports): unknown {
  switch (given.kind) {
    case 'value':
      return given.value;
    case 'memory':
      return newMemory(given.initial, given.maximum, false);
    case 'host':
      return (...args: unknown[]) => world.host(given.index, args);
    case 'wasi':
      return wasi[module]?.[name];
    case 'spawn':
      return (argument: number) => world.spawn(argument);
  }
}

/** A memory for a module that imports one. Throws 5001. */
export function newMemory(initial: number, maximum: number | undefined, shared: boolean): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial, shared, ...(maximum === undefined ? {} : { maximum }) });
  } catch (cause) {
    throw new WasmError(WasmCode.instantiate, `there is no memory of ${initial} pages: ${(cause as Error).message}`, { cause });
  }
}

/** The memory that `instance.memory` is: the export of that name, else the first exported, else an imported one. */
export function memoryOf({ exports, imports }: Shape): Pick<Load, 'memory' | 'imported'> {
  const memories = exports.filter(({ kind }) => kind === 'memory');
  const chosen = memories.find(({ name }) => name === 'memory') ?? memories[0];
  if (chosen) return { memory: chosen.name, imported: undefined };
  const imported = imports.findIndex(({ kind }) => kind === 'memory');
  return { memory: undefined, imported: imported < 0 ? undefined : imported };
}
