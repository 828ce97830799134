/** Runs a task on the caller's own thread, as a full pool may be told to; copies as a worker would. */

import { workerFs } from '../fs/worker-fs.js';
import { getHeap } from '../heap.js';
import type { MemoryBlock } from '../block.js';
import type { BlockRef } from '../protocol.js';
import { functionFrom } from '../task.js';
import { after } from '../timer.js';
import type { Handle } from '../sync/storage.js';
import { Context } from './context.js';
import type { TaskRef } from './job.js';
import { type RunOptions, timedOut } from './options.js';
import { reviveLive } from './revive.js';

/** The task's outcome, for data that is its own. A timeout or signal ends the wait, but not a task that never yields. */
export async function runHere(
  ref: TaskRef,
  data: unknown,
  handles: readonly Handle[] | undefined,
  block: MemoryBlock | BlockRef | undefined,
  options: RunOptions,
): Promise<unknown> {
  const { timeout = Infinity, signal, onProgress } = options;
  let stopped = false;
  const context = new Context(
    {
      workerId: 0,
      heap: getHeap,
      fs: workerFs,
      listens: () => {},
      isAborted: () => stopped,
      progress: (_, value) => onProgress?.(structuredClone(value)),
    },
    0,
  );
  const work = async (): Promise<unknown> => {
    const { fn } = await functionFrom(ref.source);
    const heap = block ? context.heap : undefined;
    const own = reviveLive(data, handles);
    const args = heap && block ? [{ ptr: block.ptr, size: block.size, heap, HEAP: heap.HEAP }, own, context] : [own, context];
    return structuredClone(await fn(...(args as never[])));
  };
  return new Promise((resolve, reject) => {
    const stop = (error: unknown): void => {
      stopped = true;
      context.abort();
      reject(error);
    };
    const late = after(timeout, () => stop(timedOut(timeout)));
    const aborted = (): void => stop(signal?.reason);
    signal?.addEventListener('abort', aborted);
    work()
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(late);
        signal?.removeEventListener('abort', aborted);
      });
  });
}
