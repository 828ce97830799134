/** How a worker becomes a thread of the runtime: its slot, its instance of the kernel. */

import { joinsPage } from '../fs/current.js';
import type { Kernel } from '../kernel.js';
import { kernelModule } from '../module.js';
import type { Start, ThreadSlot } from '../protocol.js';
import { adopt } from '../runtime.js';
import { poolExports, ThreadWord } from './exports.js';

/** Puts this thread onto the runtime's memory, if there is one; 'unwanted' if it is wanted dead already. */
export function enterRuntime({ kernel, memory, thread }: Start): Kernel | undefined | 'unwanted' {
  if (!kernel || !memory) return undefined;
  if (!comeIn(memory, thread)) return 'unwanted';
  const mine = adopt(kernelModule(kernel.bytes, kernel.compiled), memory, true);
  begin(mine, thread);
  joinsPage();
  return mine;
}

/** Marks the thread as inside before its instance is made; false if it is wanted dead already. */
export function comeIn(memory: WebAssembly.Memory, thread: ThreadSlot | undefined): boolean {
  if (!thread) return true;
  const words = new Int32Array(memory.buffer, thread.address, 2);
  Atomics.store(words, ThreadWord.inside, 1);
  if (Atomics.load(words, ThreadWord.wanted) === 0) return true;
  Atomics.store(words, ThreadWord.inside, 0);
  return false;
}

export function begin(kernel: Kernel, thread: ThreadSlot | undefined): void {
  if (!thread) return;
  const exports = poolExports(kernel);
  exports.isolith_thread_begin(thread.number, exports.__tls_base.value as number, exports.__stack_alloc.value as number);
}
