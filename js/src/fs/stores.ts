/** What there is beside Node.js's functions: mounts, flushing, usage, streams and maps, the same on the page and in workers. */

import { type Client, step } from './client.js';
import type { Data } from './data.js';
import type { MountOptions } from './engine.js';
import { estimate } from './idb.js';
import { map, type MappedFile } from './map.js';
import * as ops from './ops.js';
import { type PathLike, pathOf } from './path.js';
import { createReadable, createWritable, type ReadableOptions, type WritableOptions } from './streams.js';

/** How much room files take. */
export interface Usage {
  /** Bytes that this origin uses of its quota, and may still use; 0 where the browser does not tell. */
  readonly used: number;
  readonly available: number;
  /** Files, directories and links. */
  readonly files: number;
  /** Bytes of file contents in memory. */
  readonly cached: number;
  /** Whether the files of `/` outlive the page; false where `fallback: 'memory'` had to be applied. */
  readonly durable: boolean;
}

/** The functions that are not Node.js's. */
export interface FsStores {
  /** Opens a file as a stream of bytes. */
  createReadable(path: PathLike, options?: ReadableOptions): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>;
  /** Opens a file to be written as a stream; it is replaced as one change when the stream is closed. */
  createWritable(path: PathLike, options?: WritableOptions): Promise<WritableStream<Data>>;
  /** A file's bytes as memory that every thread can use, without a copy. */
  map(path: PathLike, options?: { readonly writable?: boolean }): Promise<MappedFile>;
  /** Mounts a store over a directory, which must exist and be empty of what matters: it is covered. */
  mount(dir: PathLike, options?: MountOptions): Promise<void>;
  /**
   * Takes a store away; what it kept durably is there again when it is mounted again. Rejects with `EBUSY` while files of it
   * are open, and if changes cannot be written, as when somebody has deleted the database: `force` gives them up.
   */
  unmount(dir: PathLike, options?: { readonly force?: boolean }): Promise<void>;
  /** Resolves when all changes made so far, by any thread, are durable. */
  flush(): Promise<void>;
  /** How much room files take, on disk and in memory. */
  usage(): Promise<Usage>;
  /** Asks the browser never to clear these files by itself; whether it agreed. It may ask the user; `false` in workers. */
  persist(): Promise<boolean>;
  /** Looks at the whole tree and says in words what is not as it must be; nothing if all is sound. */
  check(): Promise<string[]>;
}

function mountPoint(dir: PathLike): string {
  return pathOf(dir).replace(/(.)\/+$/, '$1');
}

/** An address from this thread's point of view: the store thread has another base. */
function absolute(url: string): string {
  return new URL(url, globalThis.location?.href.replace(/^blob:/, '')).href;
}

/** The functions of a thread. */
export function makeStores(client: () => Client): FsStores {
  return {
    createReadable: (path, options) => createReadable(client(), path, options),
    createWritable: (path, options) => createWritable(client(), path, options),
    map: (path, options) => map(client(), path, options),
    async mount(dir, options = {}) {
      const path = mountPoint(dir);
      const made = options.store !== 'http' ? options
        : { ...options, url: absolute(options.url), ...(typeof options.index === 'string' ? { index: absolute(options.index) } : {}) };
      await client().start();
      await client().bell.control({ name: 'mount', path, options: made });
    },
    async unmount(dir, { force = false } = {}) {
      const path = mountPoint(dir);
      await client().start();
      await client().bell.control({ name: 'unmount', path, force });
    },
    async flush() {
      await client().start();
      await client().bell.control({ name: 'flush' });
    },
    async usage() {
      const { 3: files, 6: inMemory } = (await client().run(step(ops.statfs('/')))) as unknown as Record<3 | 6, number>;
      const space = (await estimate()) ?? { used: 0, available: 0 };
      return { ...space, files, durable: !inMemory, cached: await client().run(step(ops.cached())) };
    },
    async persist() {
      return typeof navigator !== 'undefined' && navigator.storage?.persist ? navigator.storage.persist() : false;
    },
    check: () => client().run(step(ops.check())),
  };
}
