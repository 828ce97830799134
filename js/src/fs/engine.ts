/** The store thread's part: owns the mounted stores and serves what threads ask for at the desk. */

import { IsolithError } from '../errors.js';
import type { Kernel } from '../kernel.js';
import { Door, State, STORE_NAME, Word } from './exports.js';
import { openIdb } from './idb.js';
import type { RemoteFile } from './remote.js';
import { type Host, mountRecords, must, type Volume } from './volume.js';

/** How the filesystem is set up when it starts. */
export interface FsOptions {
  /** The database that keeps `/`; pages of one origin with the same name share their files. */
  readonly name?: string;
  /** Bytes of file contents kept in memory; default 256 MiB. */
  readonly cacheBytes?: number;
  /** `strict` waits for the disk, not only for the operating system; about 2.5 times slower. */
  readonly durability?: 'relaxed' | 'strict';
  /**
   * What to do where there is no IndexedDB, or the page may not use it: fail (default), or keep files in memory until the
   * page goes; `usage()` then says that they are not `durable`. A database that is there and does not open fails in any case.
   */
  readonly fallback?: 'memory';
}

/** What the page may ask the store thread to do, beside what goes over the desk. */
export type Control =
  | { readonly name: 'mount'; readonly path: string; readonly options: MountOptions }
  | { readonly name: 'unmount'; readonly path: string; readonly force: boolean }
  | { readonly name: 'flush' }
  | { readonly name: 'measure' }
  | { readonly name: 'tell' };

/** What to mount. */
export type MountOptions =
  | {
      /** A database of its own (default). */
      readonly store?: 'idb';
      /** Its name; default: made of the path. */
      readonly name?: string;
      readonly durability?: 'relaxed' | 'strict';
    }
  | {
      /** One file of the origin-private filesystem: fast, for one tab at a time, on pages with shared memory. */
      readonly store: 'opfs';
      readonly name?: string;
      readonly durability?: 'relaxed' | 'strict';
    }
  | { /** Memory only: gone with the page. */ readonly store: 'memory' }
  | {
      /** Files of a web server, read by ranges, never written. */
      readonly store: 'http';
      /** The address that the paths are relative to. */
      readonly url: string;
      /** What there is, or the address of a JSON array of that; default: `index.json` below `url`. */
      readonly index?: string | readonly RemoteFile[];
    }
  | {
      /** Files handed over, never written: their bytes by path. */
      readonly store: 'bundle';
      readonly files: Readonly<Record<string, Uint8Array | string>>;
    };

/** Says that a browser, or a page, has no storage of this kind or denies it. */
function missing(what: string, cause: unknown): never {
  // What is there, and only not for us, has said so itself.
  if (cause instanceof IsolithError) throw cause;
  const why = cause instanceof Error || cause instanceof DOMException ? cause.message : String(cause);
  throw new IsolithError('ERR_NO_STORAGE', `${what} is not to be had here: ${why}; fs.configure({ fallback: 'memory' }) keeps the files of / in memory`, { cause });
}

function isMissing(error: unknown): boolean {
  return error instanceof IsolithError && error.code === 'ERR_NO_STORAGE';
}

/** Owns the stores of one kernel. Lives on one thread, which must return to its event loop. */
export class Engine implements Host {
  readonly door: Door;
  readonly #wake: () => void;
  /** Called after every tick. */
  onTick: (() => void) | undefined;
  readonly #volumes = new Map<number, Volume>();
  readonly #mounts = new Map<string, number>();
  #flights = 0;
  #freshening = false;

  /** @param wake tells the page to look, if it waits. */
  constructor(kernel: Kernel, wake: () => void) {
    this.door = Door.of(kernel);
    this.#wake = wake;
  }

  /** Whether answers of the browser are awaited. */
  get isBusy(): boolean {
    return this.#flights > 0;
  }

  /** Opens `/`. Says in the word `state` how it went; rejects with why not. */
  async start({ name = STORE_NAME, cacheBytes = 256 * 2 ** 20, durability = 'relaxed', fallback }: FsOptions): Promise<void> {
    const { exports } = this.door;
    const [low, high] = crypto.getRandomValues(new Uint32Array(2)) as unknown as [number, number];
    must(this, exports.isolith_fs_init(low, high, cacheBytes));
    try {
      try {
        await this.#mountIdb('/', name, durability);
      } catch (error) {
        // Only where there is nothing to open: files of a later version, or damaged ones, are no reason to begin anew.
        if (fallback !== 'memory' || !isMissing(error)) throw error;
        this.#mountMemory('/');
      }
      Atomics.store(this.door.words, Word.state, State.ready);
    } catch (error) {
      Atomics.store(this.door.words, Word.state, State.failed);
      throw error;
    } finally {
      this.rights();
      this.tick();
    }
  }

  /** Looks at the desk and starts what is asked. Never blocks. */
  pump(): void {
    for (const volume of this.#volumes.values()) volume.pump();
    const { words } = this.door;
    const wanted = Atomics.load(words, Word.wanted);
    if (wanted !== Atomics.load(words, Word.fresh) && !this.#freshening) void this.#freshen(wanted);
  }

  async #freshen(wanted: number): Promise<void> {
    this.#freshening = true;
    this.busy(1);
    try {
      for (const volume of this.#volumes.values()) if (volume.shared) await volume.refresh();
    } catch {
      // What cannot be refreshed now is read as it is known; its next load tells why.
    } finally {
      this.#freshening = false;
      this.busy(-1);
      Atomics.store(this.door.words, Word.fresh, wanted);
      this.tick();
      this.pump();
    }
  }

  async control(control: Control): Promise<unknown> {
    switch (control.name) {
      case 'mount':
        return this.#mount(control.path, control.options);
      case 'unmount':
        return this.#unmount(control.path, control.force);
      case 'flush':
        await Promise.all([...this.#volumes.values()].map((volume) => volume.flush()));
        return undefined;
      case 'measure':
        await Promise.all([...this.#volumes.values()].map((volume) => volume.measure?.()));
        return undefined;
      case 'tell':
        for (const volume of this.#volumes.values()) volume.tell?.();
        return undefined;
    }
  }

  async #mount(path: string, options: MountOptions): Promise<void> {
    switch (options.store) {
      case 'memory':
        this.#mountMemory(path);
        break;
      case 'opfs': {
        const name = options.name ?? `isolith:${path}`;
        const { openOpfs } = await import('./opfs.js');
        const records = await openOpfs(name, options.durability ?? 'relaxed').catch((error: unknown) => missing('the origin-private filesystem', error));
        this.#add(path, await mountRecords(this, path, `opfs:${name}`, records));
        break;
      }
      case 'http': {
        const { httpIndex, httpSource, mountRemote } = await import('./remote.js');
        const { url, index = new URL('index.json', url.endsWith('/') ? url : `${url}/`).href } = options;
        const files = typeof index === 'string' ? await httpIndex(index) : index;
        this.#add(path, mountRemote(this, path, files, httpSource(url, files)));
        break;
      }
      case 'bundle': {
        const { bundleSource, mountRemote } = await import('./remote.js');
        const entries = Object.entries(options.files);
        const contents = entries.map(([, data]) => (typeof data === 'string' ? new TextEncoder().encode(data) : data));
        const files = entries.map(([name], at) => ({ path: name.replace(/^\/+/, ''), size: contents[at]!.length }));
        this.#add(path, mountRemote(this, path, files, bundleSource(contents)));
        break;
      }
      default:
        await this.#mountIdb(path, options.name ?? `isolith:${path}`, options.durability ?? 'relaxed');
    }
    this.rights();
    this.tick();
  }

  #add(path: string, volume: Volume): void {
    this.#volumes.set(volume.store, volume);
    this.#mounts.set(path, volume.store);
  }

  async #mountIdb(path: string, name: string, durability: 'relaxed' | 'strict'): Promise<void> {
    const events = { lost: () => this.tick() };
    const records = await openIdb(name, durability, events).catch((error: unknown) => missing('IndexedDB', error));
    this.#add(path, await mountRecords(this, path, name, records));
  }

  #mountMemory(path: string): void {
    must(this, this.door.exports.isolith_fs_mount(this.door.text(path), 1, 0));
    this.#mounts.set(path, this.door.number(0));
  }

  async #unmount(path: string, force: boolean): Promise<void> {
    const store = this.#mounts.get(path);
    if (store === undefined) throw new IsolithError('EINVAL', `nothing is mounted at ${path}`);
    const volume = this.#volumes.get(store);
    await volume?.flush();
    must(this, this.door.exports.isolith_fs_unmount(store, Number(force)));
    this.#mounts.delete(path);
    this.#volumes.delete(store);
    await volume?.close();
    this.rights();
  }

  rights(): void {
    const shared = [...this.#volumes.values()].some((volume) => volume.shared);
    Atomics.store(this.door.words, Word.shared, Number(shared));
    const root = this.#mounts.get('/');
    const volume = root === undefined ? undefined : this.#volumes.get(root);
    Atomics.store(this.door.words, Word.direct, volume?.solo ? volume.store + 1 : 0);
  }

  busy(by: 1 | -1): void {
    this.#flights += by;
  }

  tick(): void {
    const { words, kernel } = this.door;
    Atomics.add(words, Word.done, 1);
    if (kernel.shared) Atomics.notify(words, Word.done);
    if (Atomics.load(words, Word.pageWaits) !== 0) this.#wake();
    this.onTick?.();
  }
}
