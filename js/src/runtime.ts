/** This thread's instance of the runtime: set once when it starts, asked for by everything else. */

import { IsolithError } from './errors.js';
import { type Kernel, runtimeInstance } from './kernel.js';
import type { KernelModule } from './module.js';

let kernel: Kernel | undefined;
let failure: unknown;

/** Puts the kernel on its memory and makes it this thread's. */
export function adopt(module: KernelModule, memory: WebAssembly.Memory, shared: boolean): Kernel {
  return (kernel ??= runtimeInstance(module, memory, shared));
}

/** Remembers why the runtime did not start, for who asks for it later. */
export function failed(error: unknown): void {
  failure = error;
}

/** This thread's kernel; throws where the runtime has not started, or could not. */
export function getKernel(): Kernel {
  if (kernel) return kernel;
  throw new IsolithError('ERR_NOT_STARTED', 'isolith has not started: await init() first', { cause: failure });
}
