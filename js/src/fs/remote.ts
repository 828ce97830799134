/** Read-only trees: files of a web server read by ranges, and bundles handed over as bytes. */

import type { Host, Volume } from './volume.js';
import { must } from './volume.js';

/** A file of a read-only tree. */
export interface RemoteFile {
  /** Relative to the mount; directories are made as needed. */
  readonly path: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly mtime?: number;
}

/** Where bytes of a read-only tree come from. */
interface Source {
  /** Bytes from `offset` on, at most `length`. */
  read(file: number, offset: number, length: number): Promise<Uint8Array>;
}

/** What an extent holds. */
const EXTENT = 256 * 1024;

/** How long a server may take for one range, in milliseconds. */
const TIMEOUT = 30_000;

/** Ranges asked for at a time. */
const PARALLEL = 6;

/** Files below `url`, by ranges; a server that ignores them is asked for the whole file once per range. */
export function httpSource(url: string, files: readonly RemoteFile[]): Source {
  const base = url.endsWith('/') ? url : `${url}/`;
  return {
    async read(file, offset, length) {
      const path = files[file]!.path.split('/').map(encodeURIComponent).join('/');
      const response = await fetch(new URL(path, base), {
        headers: { range: `bytes=${offset}-${offset + length - 1}` },
        signal: AbortSignal.timeout(TIMEOUT),
      });
      if (!response.ok) throw new Error(`${response.url} answered ${response.status}`);
      const bytes = new Uint8Array(await response.arrayBuffer());
      return response.status === 206 ? bytes : bytes.subarray(offset, offset + length);
    },
  };
}

/** Files whose bytes are at hand. */
export function bundleSource(contents: readonly Uint8Array[]): Source {
  return { read: async (file, offset, length) => contents[file]!.subarray(offset, offset + length) };
}

/** Asks a server for its index: a JSON array of paths, or of `{ path, size, mtime }`. */
export async function httpIndex(url: string): Promise<RemoteFile[]> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT) });
  if (!response.ok) throw new Error(`the index ${url} answered ${response.status}`);
  const entries = (await response.json()) as unknown;
  if (!Array.isArray(entries)) throw new Error(`the index ${url} is no array`);
  return entries.map((entry: unknown) => {
    const { path, size, mtime } = entry as RemoteFile;
    if (typeof path !== 'string' || !Number.isSafeInteger(size) || size < 0) throw new Error(`the index ${url} has an entry without path or size`);
    return { path: path.replace(/^\/+/, ''), size, ...(mtime === undefined ? {} : { mtime }) };
  });
}

/** Mounts a read-only tree at `path`. */
export function mountRemote(host: Host, path: string, files: readonly RemoteFile[], source: Source): Volume {
  const { door } = host;
  const { exports } = door;
  must(host, exports.isolith_fs_mount(door.text(path), 2, 0));
  const store = door.number(0);
  /** The kernel names files by inode. */
  const byInode = new Map<number, number>();
  try {
    files.forEach((file, at) => {
      const full = `${path === '/' ? '' : path}/${file.path}`;
      const dir = full.slice(0, full.lastIndexOf('/'));
      if (dir !== path) must(host, exports.isolith_fs_mkdir(door.text(dir), 0o755, 1));
      must(host, exports.isolith_fs_remote(door.text(full), file.size, file.mtime ?? Date.now(), 0o444));
      must(host, exports.isolith_fs_stat(door.text(full), 0, 1));
      byInode.set(door.number(1), at);
    });
    must(host, exports.isolith_fs_seal(store));
  } catch (error) {
    exports.isolith_fs_unmount(store, 0);
    throw error;
  }
  return new RemoteVolume(host, store, files, byInode, source);
}

interface Load {
  readonly load: number;
  readonly file: number | undefined;
  readonly offset: number;
}

class RemoteVolume implements Volume {
  readonly shared = false;
  readonly store: number;
  readonly #host: Host;
  readonly #files: readonly RemoteFile[];
  readonly #byInode: Map<number, number>;
  readonly #source: Source;
  #queue: Load[] = [];
  #running = 0;

  constructor(host: Host, store: number, files: readonly RemoteFile[], byInode: Map<number, number>, source: Source) {
    this.store = store;
    this.#host = host;
    this.#files = files;
    this.#byInode = byInode;
    this.#source = source;
  }

  pump(): void {
    const { door } = this.#host;
    if (door.exports.isolith_fs_poll(this.store) !== 0 || (door.number(0) & 1) === 0) return;
    must(this.#host, door.exports.isolith_fs_loads(this.store));
    const bytes = door.output();
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < bytes.length; at += 24 + view.getUint32(at + 20, true)) {
      const file = this.#byInode.get(view.getFloat64(at + 4, true));
      this.#queue.push({ load: view.getUint32(at, true), file, offset: view.getFloat64(at + 12, true) });
    }
    while (this.#running < PARALLEL && this.#queue.length > 0) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#running++;
    this.#host.busy(1);
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) await this.#load(next);
    this.#running--;
    this.#host.busy(-1);
    this.#host.tick();
  }

  async #load({ load, file, offset }: Load): Promise<void> {
    const { door } = this.#host;
    const { exports } = door;
    try {
      if (file === undefined) throw new Error('the file is unknown');
      const length = Math.min(EXTENT, this.#files[file]!.size - offset);
      const bytes = await this.#source.read(file, offset, length);
      if (bytes.length !== length) throw new Error(`${length} bytes were asked for, ${bytes.length} came`);
      door.put(bytes);
      must(this.#host, exports.isolith_fs_fill(load, bytes.length));
    } catch (error) {
      exports.isolith_fs_fill_failed(load, door.text(`'${this.#files[file ?? -1]?.path}' cannot be read: ${String(error)}`));
    }
    this.#host.tick();
  }

  async refresh(): Promise<void> {}

  async flush(): Promise<void> {}

  async close(): Promise<void> {}
}
