/** Starts the runtime of this page: finds the module, makes the memory, and puts the kernel on it, once. */

import { IsolithError } from './errors.js';
import { loadModule, type ModuleSource } from './module-source.js';
import type { KernelModule } from './module.js';
import { adopt, failed, hasStarted } from './runtime.js';
import { canShareMemory } from './support.js';

/** What a page may choose before anything else is used. */
export interface InitOptions {
  /** The kernel's bytes, or where they are; default: beside this package's files. */
  readonly module?: ModuleSource;
  /** The memory to live on: fresh, of at least the kernel's initial size. */
  readonly memory?: WebAssembly.Memory;
  /** How far the memory may grow, in pages of 64 KiB; default 65,536 (4 GiB). */
  readonly maximumPages?: number;
}

let starting: Promise<void> | undefined;

/**
 * Starts the runtime; the entry `isolith` calls it without options when imported.
 *
 * Call it yourself, from `isolith/init`, before anything imports `isolith` to choose the module or
 * the memory. A second call answers with the same promise; one that asks for something else after
 * the start rejects with `ERR_ALREADY_STARTED`.
 */
export function init(options: InitOptions = {}): Promise<void> {
  if (starting && Object.values(options).some((option) => option !== undefined)) {
    return Promise.reject(
      new IsolithError('ERR_ALREADY_STARTED', 'isolith has already started: call init() before importing "isolith"'),
    );
  }
  return (starting ??= start(options).catch((error: unknown) => {
    starting = undefined;
    failed(error);
    throw error;
  }));
}

async function start(options: InitOptions): Promise<void> {
  if (hasStarted()) return;
  const module = await loadModule(options.module);
  const shared = options.memory ? options.memory.buffer instanceof SharedArrayBuffer : canShareMemory();
  await module.compile(shared);
  adopt(module, options.memory ?? newMemory(module, shared, options.maximumPages), shared);
}

function newMemory(module: KernelModule, shared: boolean, maximumPages?: number): WebAssembly.Memory {
  const make = (maximum: number): WebAssembly.Memory =>
    new WebAssembly.Memory({ initial: module.initialPages, maximum, shared });
  if (maximumPages !== undefined) return make(maximumPages);
  // Browsers that reserve the maximum at once may not have 4 GiB of address space left.
  for (const maximum of [65536, 32768, 16384]) {
    try {
      return make(maximum);
    } catch {
      continue;
    }
  }
  return make(8192);
}
