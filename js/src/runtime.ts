/** This thread's instance of the runtime: set once when it starts, asked for by everything else. */

import { IsolithError } from './errors.js';
import { type Kernel, runtimeInstance } from './kernel.js';
import type { KernelModule } from './module.js';
import { threadLocal } from './thread-local.js';

const thread = threadLocal<{ kernel?: Kernel }>('kernel', () => ({}));
let failure: unknown;

/** Puts the kernel on its memory and makes it this thread's, unless the thread has one. */
export function adopt(module: KernelModule, memory: WebAssembly.Memory, shared: boolean): Kernel {
  return (thread.kernel ??= runtimeInstance(module, memory, shared));
}

/** Whether this thread's runtime runs. */
export function hasStarted(): boolean {
  return thread.kernel !== undefined;
}

/** Remembers why the runtime did not start, for who asks for it later. */
export function failed(error: unknown): void {
  failure = error;
}

/** This thread's kernel; throws where the runtime has not started, or could not. */
export function getKernel(): Kernel {
  const kernel = thread.kernel;
  if (kernel) return kernel;
  throw new IsolithError('ERR_NOT_STARTED', 'isolith has not started: await init() first', { cause: failure });
}
