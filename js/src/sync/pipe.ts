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
  #writable: WritableStream<Uint8Array> | undefined;

  /** The pipe of a handle that another thread sent. */
  static attach(handle: Handle): Pipe {
    return new Pipe(Ring.attach({ ...handle, isolith: handle.isolith === 'pipe' ? 'ring' : 'none' }));
  }

  /** @internal */
  constructor(ring: Ring) {
    this.#ring = ring;
    this.handle = { ...ring.handle, isolith: 'pipe' };
  }

  /** The reading end. Cancelling it makes writes fail with `EPIPE`. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return (this.#readable ??= readableOf(this.#ring));
  }

  /** The writing end. A write settles when all its bytes are in the pipe. Aborting it fails the reader with `EPIPE`. */
  get writable(): WritableStream<Uint8Array> {
    return (this.#writable ??= writableOf(this.#ring));
  }
}

/** A new pipe. */
export function createPipe(options: PipeOptions = {}): Pipe {
  const { capacity = CHUNK, storage } = options;
  return new Pipe(createRing({ type: 'u8', capacity, storage }));
}

function readableOf(ring: Ring): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream(
    {
      async pull(controller) {
        for (;;) {
          const bell = ring.announce('read');
          // The reason first: nothing is written after it, so an empty ring then is the end.
          const reason = ring.shutReason;
          const size = Math.min(ring.availableRead, CHUNK);
          if (reason === ABORTED) return controller.error(new IsolithError('EPIPE', 'the writer of the pipe gave up'));
          if (size > 0) {
            const chunk = new Uint8Array(size);
            ring.pop(chunk);
            return controller.enqueue(chunk);
          }
          if (reason !== 0) return controller.close();
          await sleepAsync(bell.words, bell.index, bell.value, Infinity, undefined);
        }
      },
      cancel() {
        ring.shut(CANCELLED);
      },
    },
    // Nothing is taken out of the ring before somebody reads: the ring is the buffer.
    { highWaterMark: 0 },
  );
}

function writableOf(ring: Ring): WritableStream<Uint8Array> {
  const stopped = new AbortController();
  return new WritableStream(
    {
      async write(chunk) {
        const bytes = ArrayBuffer.isView(chunk) ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength) : undefined;
        if (bytes === undefined) throw new TypeError('a pipe takes chunks of bytes');
        for (let done = 0; done < bytes.length; ) {
          const bell = ring.announce('write');
          if (ring.shutReason !== 0) throw new IsolithError('EPIPE', 'the reader of the pipe is gone');
          const pushed = ring.push(bytes, done);
          done += pushed;
          if (pushed === 0) await sleepAsync(bell.words, bell.index, bell.value, Infinity, stopped.signal);
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
    { highWaterMark: 1 },
  );
}
