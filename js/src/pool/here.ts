/** Runs a task on the caller's own thread, as a full pool may be told to; copies as a worker would. */

import { notSerializable } from '../errors.js';
import { workerFs } from '../fs/worker-fs.js';
import { attachHeap } from '../heap.js';
import type { MemoryBlock } from '../block.js';
import type { BlockRef } from '../protocol.js';
import { moduleAt } from '../module-at.js';
import { functionFrom } from '../task.js';
import { Context } from './context.js';
import type { TaskRef } from './job.js';
import type { Copy } from './payload.js';
import { reviveLive } from './revive.js';

/**
 * The task's outcome, for data that is its own; it works on the heap of `memory`. Whoever aborts the
 * signal no longer waits; a task that never yields holds the thread all the same.
 */
export async function runHere(
  ref: TaskRef,
  { data, handles }: Copy,
  block: MemoryBlock | BlockRef | undefined,
  memory: WebAssembly.Memory,
  signal: AbortSignal,
  onProgress: ((value: unknown) => void) | undefined,
): Promise<unknown> {
  const heap = await attachHeap(memory);
  let over = false;
  const context = new Context(
    {
      workerId: 0,
      heap: () => heap,
      fs: workerFs,
      listens: () => {},
      isAborted: () => signal.aborted,
      progress: (_, value) => {
        const copy: unknown = structuredClone(value);
        if (!over && !signal.aborted) onProgress?.(copy);
      },
    },
    0,
  );
  signal.addEventListener('abort', () => context.abort());
  try {
    const { fn } = await functionFrom(ref.source, moduleAt);
    const own = reviveLive(data, handles);
    const args = block ? [{ ptr: block.ptr, size: block.size, heap, HEAP: heap.HEAP }, own, context] : [own, context];
    const value: unknown = await fn(...(args as never[]));
    return cloned(value, context.moves);
  } finally {
    over = true;
  }
}

function cloned(value: unknown, transfer: Transferable[] = []): unknown {
  try {
    return structuredClone(value, { transfer });
  } catch (cause) {
    throw notSerializable("the task's result", cause);
  }
}
