/** What linked modules import of their users: an object on one thread, or a module that every thread loads. */

import { IsolithError } from '../errors.js';

/** What the default export of a module of imports is called with, on each thread that runs the modules. */
export interface ImportContext {
  /** The heap's memory. */
  readonly memory: WebAssembly.Memory;
  /** The thread's copy of the modules' function table, if they have one in common. */
  readonly table: WebAssembly.Table | undefined;
  /** Everything that the modules import. */
  readonly wanted: readonly WebAssembly.ModuleImportDescriptor[];
  /** Calls a function that the modules or their libraries export; not before they are there. */
  call(name: string, ...args: unknown[]): unknown;
  /** Calls the function in a slot of the table; if it throws or traps, its frames are off the stacks. */
  invoke(slot: number, ...args: unknown[]): unknown;
}

/** Loads a module by its address: what it exports. */
export type LoadModule = (url: string) => Promise<Record<string, unknown>>;

/**
 * The imports that the module at `url` stands for: what its default export answers, if that is a
 * function, or else its exports. Rejects with `ERR_MODULE_NOT_FOUND`, and whatever it throws.
 */
export async function importsFrom(url: string, context: ImportContext, load: LoadModule): Promise<WebAssembly.Imports> {
  const exports = await load(url);
  const { default: make } = exports;
  const made: unknown = typeof make === 'function' ? await make(context) : exports;
  if (typeof made === 'object' && made !== null) return made as WebAssembly.Imports;
  throw new IsolithError('ERR_MODULE_NOT_FOUND', `the default export of ${url} answers no imports`);
}
