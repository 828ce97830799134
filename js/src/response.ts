/** Streams a fetch response into a heap block, growing it as needed. */

import type { MemoryBlock } from './block.js';
import type { Heap } from './heap.js';

/** How a response is taken in. */
export interface ResponseOptions {
  readonly signal?: AbortSignal;
  /** Called after every chunk; `total` is 0 where the server did not say. */
  readonly onProgress?: (received: number, total: number) => void;
}

const FIRST_GUESS = 64 * 1024;

/** Reads the whole body into a block of `heap`; see `Heap.fromResponse`. */
export async function streamInto(heap: Heap, response: Response, options: ResponseOptions): Promise<MemoryBlock> {
  const { signal, onProgress } = options;
  signal?.throwIfAborted();
  if (response.bodyUsed) throw new TypeError("the response's body was already used");
  // With a content encoding the length is that of the encoded bytes: a first guess, no more.
  const total = Number(response.headers.get('content-length') ?? 0) || 0;
  const reader = response.body?.getReader();
  const block = heap.alloc(total || FIRST_GUESS);
  const cancel = (): void => void reader?.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    let received = 0;
    for (;;) {
      const chunk = await reader?.read();
      signal?.throwIfAborted();
      if (chunk === undefined || chunk.done) break;
      const end = received + chunk.value.length;
      if (end > block.size) heap.realloc(block, Math.max(end, Math.min(block.size * 2, block.size + (64 << 20))));
      block.memory?.set(chunk.value, received);
      received = end;
      onProgress?.(received, total);
    }
    return received === block.size ? block : heap.realloc(block, received);
  } catch (error) {
    heap.free(block);
    cancel();
    throw error;
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}
