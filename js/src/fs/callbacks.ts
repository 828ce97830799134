/** The functions of `node:fs` with callbacks, for code that is written so; without one they are the promises. */

import { answer, type Callback, dispose, type StatFs, Stats } from './stats.js';
import { type Client, step, type Steps } from './client.js';
import type { Data, Encoding } from './data.js';
import { badArgument } from './errors.js';
import { type ReadInto, writeArguments, type WriteFrom } from './handle.js';
import * as ops from './ops.js';
import { type PathLike, pathOf } from './path.js';
import type { FsPromises, ReadHow } from './promises.js';
import { isVerb, VERBS } from './sync.js';
import * as verbs from './verbs.js';
import { watch, type WatchEvent, type WatchOptions } from './watch.js';

type Settled<F> = F extends (...args: never[]) => Promise<infer R> ? R : never;

/** What the callbacks of those are given that answer by their options. */
type Answered<K extends keyof FsPromises> = K extends 'stat' | 'lstat' ? Stats : K extends 'statfs' ? StatFs : K extends 'readdir' ? string[] : Settled<FsPromises[K]>;

/** The promises, each of which takes a callback instead as its last argument. */
type Either = {
  [K in keyof FsPromises]: K extends 'constants' | 'watch' | 'open' | 'exists' | 'readFile' ? unknown
    : FsPromises[K] & ((...args: [...args: unknown[], done: Callback<Answered<K>>]) => void);
};

type ByNumber = 'fchmod' | 'fchown' | 'fdatasync' | 'fstat' | 'fsync' | 'ftruncate' | 'futimes' | 'readv' | 'writev';

/** Who watches by a callback. */
export interface Watcher {
  close(): void;
  on(event: 'error' | 'change' | 'close', listener: (...args: never[]) => void): this;
  ref(): this;
  unref(): this;
}

/** Called with an event's type and the name it happened to. */
export type WatchListener = (eventType: WatchEvent['eventType'], filename: string) => void;

/** What `watchFile` tells. */
export type StatListener = (now: Stats, before: Stats) => void;

/** Functions with callbacks. Files that `open` answers by a callback are numbers. */
export type FsCallbacks = Either & {
  [K in ByNumber]: (fd: number, ...rest: [...args: unknown[], done: Callback<never>]) => void;
} & {
  readFile: FsPromises['readFile'] & {
    (path: PathLike, done: Callback<Uint8Array<ArrayBuffer>>): void;
    (path: PathLike, options: Encoding | ReadHow<Encoding>, done: Callback<string>): void;
    (path: PathLike, options: Partial<ReadHow<null>> | null, done: Callback<Uint8Array<ArrayBuffer>>): void;
  };
  open: FsPromises['open'] & ((path: PathLike, ...rest: [...args: unknown[], done: Callback<number>]) => void);
  close(fd: number, done?: Callback<void>): void;
  exists: FsPromises['exists'] & ((path: PathLike, done: (exists: boolean) => void) => void);
  read(fd: number, ...rest: [...args: unknown[], done: (error: Error | null, bytesRead: number, buffer: ArrayBufferView) => void]): void;
  write(fd: number, data: Data, ...rest: [...args: unknown[], done: (error: Error | null, written: number, data: Data) => void]): void;
  watch: FsPromises['watch'] & ((path: PathLike, listener: WatchListener) => Watcher) & ((path: PathLike, options: WatchOptions, listener: WatchListener) => Watcher);
  watchFile(path: PathLike, listener: StatListener): void;
  watchFile(path: PathLike, options: { readonly interval?: number }, listener: StatListener): void;
  unwatchFile(path: PathLike, listener?: StatListener): void;
};

/** Without one, `watchFile` looks after so many milliseconds, as in Node.js. */
const INTERVAL = 5007;

/** The functions of a thread. */
export function makeCallbacks(client: () => Client, promises: FsPromises): FsCallbacks {
  const made: Record<string, unknown> = {};
  const run = <T>(steps: () => Steps<T>): Promise<T> => new Promise((resolve) => resolve(client().run(steps())));
  for (const [name, verb] of Object.entries(VERBS)) {
    if (!isVerb(name)) continue;
    const promise = (promises as unknown as Record<string, ((...args: unknown[]) => unknown) | undefined>)[name];
    made[name] = (...args: unknown[]) => {
      const done = args.at(-1);
      if (typeof done === 'function') {
        return answer(() => run(() => (verb as (...args: unknown[]) => Steps<unknown>)(...args.slice(0, -1))), done as Callback<unknown>);
      }
      if (!promise) throw badArgument('cb', done, 'of type function');
      return promise(...args);
    };
  }
  made['mkdtempDisposable'] = promises.mkdtempDisposable;
  const plain = made as Record<string, (...args: unknown[]) => unknown>;
  const { open, exists, close } = plain;
  made['close'] = (fd: number, done: Callback<void> = () => {}) => close!(fd, done);
  made['open'] = (...args: unknown[]) => (typeof args.at(-1) === 'function' ? open!(...args) : promises.open(...(args as [string])));
  made['exists'] = (path: PathLike, done?: (exists: boolean) => void) =>
    done ? exists!(path, (_: unknown, yes: boolean) => done(yes)) : promises.exists(path);
  made['read'] = (fd: number, ...args: unknown[]) => {
    const done = args.pop() as (error: Error | null, bytesRead: number, buffer: ArrayBufferView) => void;
    if (typeof done !== 'function') throw badArgument('cb', done, 'of type function');
    const [first, second] = args as [ArrayBufferView | ReadInto | undefined, number | ReadInto | undefined];
    const named = ArrayBuffer.isView(first) ? (typeof second === 'object' ? second : undefined) : (first ?? {});
    const buffer = ArrayBuffer.isView(first) ? first : ((named as ReadInto).buffer ?? new Uint8Array(16384));
    const [offset, length, position] = named ? [named.offset, named.length, named.position] : (args.slice(1) as [number, number, number]);
    answer(() => run(() => verbs.read(fd, buffer, offset, length, position)), (error, bytesRead) => done(error, bytesRead, buffer));
  };
  made['write'] = (fd: number, data: Data, ...args: unknown[]) => {
    const done = args.pop() as (error: Error | null, written: number, data: Data) => void;
    if (typeof done !== 'function') throw badArgument('cb', done, 'of type function');
    const [bytes, at] = writeArguments(data, ...(args as [number | WriteFrom, number, number]));
    answer(() => run(() => verbs.write(fd, bytes, at)), (error, written) => done(error, written, data));
  };
  made['watch'] = (path: PathLike, ...args: [WatchListener] | [WatchOptions | undefined, WatchListener?]) => {
    const listener = args.at(-1) as WatchListener | undefined;
    const options = typeof args[0] === 'object' ? args[0] : {};
    return typeof listener === 'function' ? watchBy(client(), path, options, listener) : promises.watch(path, options);
  };
  return Object.assign(made, statWatchers(client, promises)) as unknown as FsCallbacks;
}

function watchBy(client: Client, path: PathLike, options: WatchOptions, listener: WatchListener): Watcher {
  const stop = new AbortController();
  const listeners: Record<string, ((...args: never[]) => void)[]> = { change: [listener], error: [], close: [] };
  const tell = (event: string, ...args: unknown[]): boolean => {
    for (const hear of listeners[event] ?? []) (hear as (...args: unknown[]) => void)(...args);
    return listeners[event]?.length !== 0;
  };
  options.signal?.addEventListener('abort', () => stop.abort());
  void (async () => {
    for await (const { eventType, filename } of watch(client, path, { ...options, signal: stop.signal })) tell('change', eventType, filename);
  })().catch((error: unknown) => {
    // As in Node.js: an error that nobody listens for is thrown where nobody catches it.
    if (!stop.signal.aborted && !tell('error', error)) queueMicrotask(() => { throw error; });
    tell('close');
  });
  const watcher: Watcher = {
    close: () => stop.abort(),
    on(event, hear) {
      (listeners[event] ??= []).push(hear);
      return watcher;
    },
    ref: () => watcher,
    unref: () => watcher,
  };
  return Object.assign(watcher, { [dispose]: () => stop.abort() });
}

function statWatchers(client: () => Client, promises: FsPromises): Pick<FsCallbacks, 'watchFile' | 'unwatchFile'> {
  const watched = new Map<string, Map<StatListener, ReturnType<typeof setInterval>>>();
  const missing = (): Stats => new Stats(new Float64Array(15));
  const unwatchFile = (path: PathLike, listener?: StatListener): void => {
    const all = watched.get(pathOf(path));
    for (const [one, timer] of all ?? []) {
      if (listener && one !== listener) continue;
      clearInterval(timer);
      all?.delete(one);
    }
  };
  const watchFile = (path: PathLike, ...args: [StatListener] | [{ readonly interval?: number }, StatListener]): void => {
    const listener = args.at(-1) as StatListener;
    const { interval = INTERVAL } = args.length === 2 ? args[0] : {};
    const look = async (): Promise<Stats> => (await promises.stat(path, { throwIfNoEntry: false })) ?? missing();
    // At once, and not after a look at other tabs: what the caller changes next is to be seen.
    let before = client().run(step({ ...ops.stat(pathOf(path), true), local: true })).then((raw) => new Stats(raw), missing);
    const compare = async (): Promise<void> => {
      const then = await before;
      before = look().catch(() => then);
      const now = await before;
      if (all.has(listener) && (now.mtimeMs !== then.mtimeMs || now.size !== then.size || now.ino !== then.ino)) listener(now, then);
    };
    const all = watched.get(pathOf(path)) ?? new Map<StatListener, ReturnType<typeof setInterval>>();
    watched.set(pathOf(path), all);
    if (!all.has(listener)) all.set(listener, setInterval(() => void compare(), interval));
  };
  return { watchFile, unwatchFile };
}
