/** Byte streams between threads: a ring of bytes with a web stream at each end. */

import { IsolithError } from '../errors.js';
import { createRing, Ring } from './ring.js';
import type { Handle, StorageOptions } from './storage.js';
import { sleepAsync } from './wait.js';

const ENDED = 1;
const ABORTED = 2;
const CANCELLED = 3;

/** Bytes in one chunk at most. */
const CHUNK = 1 << 16;

/** What `createPipe` takes. */
export interface PipeOptions extends StorageOptions {
  /** Bytes that may be under way: the writer waits beyond that. 64 KiB unless told. */
  readonly capacity?: number | undefined;
}

/**
 * A pipe with its two ends. Each end may be used once, on any thread: send `handle` to another
 * thread, `Pipe.attach` it there, and take `readable` on one side and `writable` on the other.
 */
export class Pipe {
  readonly handle: Handle;
  readonly #ring: Ring;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<BufferSource> | undefined;

  /** The pipe of a handle that another thread sent. */
  static attach(handle: Handle): Pipe {
    return new Pipe(Ring.attach({ ...handle, isolith: handle.isolith === 'pipe' ? 'ring' : 'none' }));
  }

  /** @internal */
  constructor(ring: Ring) {
    this.#ring = ring;
    this.handle = { ...ring.handle, isolith: 'pipe' };
  }

  /**
   * The reading end, a byte stream: readers may bring their own buffers (`getReader({ mode: 'byob' })`)
   * where the engine has such. Cancelling it makes writes fail with `EPIPE`; a writer that was aborted,
   * or whose thread a pool has killed, makes reads fail with `EPIPE`.
   */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return (this.#readable ??= readableOf(this.#ring));
  }

  /**
   * The writing end, of buffers and views. A write settles when all its bytes are in the pipe, and
   * `desiredSize` counts bytes. Aborting it fails the reader with `EPIPE`.
   */
  get writable(): WritableStream<BufferSource> {
    return (this.#writable ??= writableOf(this.#ring));
  }
}

/** A new pipe. */
export function createPipe(options: PipeOptions = {}): Pipe {
  const { capacity = CHUNK, storage } = options;
  return new Pipe(createRing({ type: 'u8', capacity, storage }));
}

/** Whether this engine has byte streams; WebKit long had not, and gives default readers there. */
const hasByteStreams = typeof ReadableByteStreamController === 'function';

function readableOf(ring: Ring): ReadableStream<Uint8Array<ArrayBuffer>> {
  ring.claim('read');
  let cancelled = false;
  /** Takes what is there; true when the pull is answered. */
  const take = (controller: ReadableByteStreamController | ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): boolean => {
    // The reason first: nothing is written after it, so an empty ring then is the end.
    const reason = ring.shutReason;
    const size = Math.min(ring.availableRead, CHUNK);
    const request = 'byobRequest' in controller ? controller.byobRequest : null;
    if (cancelled) return true;
    if (reason === ABORTED) {
      controller.error(new IsolithError('EPIPE', 'the writer of the pipe gave up'));
    } else if (size > 0) {
      if (request === null) {
        const chunk = new Uint8Array(size);
        ring.pop(chunk);
        controller.enqueue(chunk);
      } else {
        // A reader that brought its own buffer: straight into it.
        const { buffer, byteOffset, byteLength } = request.view!;
        request.respond(ring.pop(new Uint8Array(buffer, byteOffset, byteLength)));
      }
    } else if (reason !== 0) {
      controller.close();
      request?.respond(0);
    } else if (ring.isDeserted('write')) {
      controller.error(new IsolithError('EPIPE', 'the writer of the pipe was killed'));
    } else {
      return false;
    }
    return true;
  };
  const source = {
    async pull(controller: ReadableByteStreamController | ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> {
      for (;;) {
        const bell = ring.announce('read');
        if (take(controller)) return;
        await sleepAsync(bell.words, bell.index, bell.value, Infinity, undefined);
      }
    },
    cancel(): void {
      cancelled = true;
      ring.shut(CANCELLED);
    },
  };
  // Nothing is taken out of the ring before somebody reads: the ring is the buffer.
  return hasByteStreams
    ? new ReadableStream({ ...source, type: 'bytes' }, { highWaterMark: 0 })
    : new ReadableStream(source, { highWaterMark: 0 });
}

function writableOf(ring: Ring): WritableStream<BufferSource> {
  ring.claim('write');
  const stopped = new AbortController();
  return new WritableStream<BufferSource>(
    {
      async write(chunk) {
        const bytes = bytesOf(chunk);
        for (let done = 0; done < bytes.length; ) {
          const bell = ring.announce('write');
          if (ring.shutReason !== 0) throw new IsolithError('EPIPE', 'the reader of the pipe is gone');
          const pushed = ring.push(bytes, done);
          done += pushed;
          if (pushed > 0) continue;
          if (ring.isDeserted('read')) throw new IsolithError('EPIPE', 'the reader of the pipe was killed');
          await sleepAsync(bell.words, bell.index, bell.value, Infinity, stopped.signal);
        }
      },
      close() {
        ring.shut(ENDED);
      },
      abort() {
        ring.shut(ABORTED);
      },
      start(controller) {
        // A stream that is aborted while it waits for room must not wait on.
        controller.signal?.addEventListener('abort', () => {
          ring.shut(ABORTED);
          stopped.abort(controller.signal.reason);
        });
      },
    },
    // In bytes, and none but those that the ring holds: a writer is ready when all it wrote is in there.
    { highWaterMark: 1, size: (chunk) => chunk?.byteLength ?? 0 },
  );
}

function bytesOf(chunk: BufferSource): Uint8Array {
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw new TypeError(`a pipe takes chunks of bytes, not ${typeof chunk}`);
}
