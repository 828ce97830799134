/** Brings a thread and the store thread together: starts the latter, and calls it in the way this thread can. */

import { IsolithError, unpackError } from '../errors.js';
import { getKernel } from '../runtime.js';
import type { Kernel } from '../kernel.js';
import { type Bell, Client } from './client.js';
import { type ChannelMessage, channelName } from './channel.js';
import { getClient, isJoining, madeClient, setMaker } from './current.js';
import { Direct } from './direct.js';
import type { Control, Engine, FsOptions } from './engine.js';
import { Door, State, STORE_NAME, Word } from './exports.js';
import { joinPage } from './join.js';
import type { FromStores, StartStores, ToStores } from './store-worker.js';

/** How long the store thread may take to start, in milliseconds. */
const START_TIMEOUT = 10_000;

/** How long its first look at the stores may take: another tab may have to finish its own work. */
const OPEN_TIMEOUT = 45_000;

let options: FsOptions = {};

/** Chooses how the filesystem is set up; before its first use. */
export function configure(choice: FsOptions): void {
  const client = madeClient();
  const state = client ? Atomics.load(client.door.words, Word.state) : State.none;
  if (state === State.starting || state === State.ready) {
    throw new IsolithError('ERR_ALREADY_STARTED', 'the filesystem has already started: configure it before its first use');
  }
  options = { ...options, ...choice };
}

setMaker(() => {
  // A worker's task may have loaded a copy of this code.
  if (isJoining()) return joinPage();
  const kernel = getKernel();
  const tick = (): void => madeClient()?.tick();
  return new Client(kernel, kernel.shared ? new ThreadBell(kernel, tick) : new LocalBell(kernel, tick));
});

export { getClient };

/** Lets workers of this page start the store thread; before the first of them starts. */
export function hearWorkers(): void {
  const { bell } = getClient();
  if (bell instanceof ThreadBell) bell.hear();
}

/** The page's own way: it starts the store thread, and the two send each other messages. */
class ThreadBell implements Bell {
  readonly blocks = false;
  readonly #kernel: Kernel;
  readonly #tick: () => void;
  #starting: Promise<void> | undefined;
  #worker: Worker | undefined;
  #channel: BroadcastChannel | undefined;
  #watched: (() => void) | undefined;
  #calls = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  #next = 0;
  #direct: Direct | undefined;

  constructor(kernel: Kernel, tick: () => void) {
    this.#kernel = kernel;
    this.#tick = tick;
  }

  commit(): boolean {
    const { name = STORE_NAME, durability = 'relaxed' } = options;
    const tell = (name: 'measure' | 'tell') => (): void => void this.control({ name }).catch(() => {});
    this.#direct ??= new Direct(Door.of(this.#kernel), name, durability, { landed: this.#tick, full: tell('measure'), seen: tell('tell') });
    return this.#direct.commit();
  }

  /** Listens for workers that want the filesystem. */
  hear(): void {
    if (this.#channel || typeof BroadcastChannel === 'undefined') return;
    this.#channel = new BroadcastChannel(channelName(this.#kernel));
    // Node.js must be able to end while nothing happens.
    (this.#channel as { unref?: () => void }).unref?.();
    this.#channel.onmessage = ({ data }: MessageEvent<ChannelMessage>) => {
      if (data === 'start') void this.start().catch(() => {});
      else if (data === 'news') this.#watched?.();
    };
  }

  start(): Promise<void> {
    return (this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      const { words } = Door.of(this.#kernel);
      Atomics.store(words, Word.state, State.failed);
      Atomics.add(words, Word.done, 1);
      Atomics.notify(words, Word.done);
      throw error;
    }));
  }

  async #start(): Promise<void> {
    const { words } = Door.of(this.#kernel);
    Atomics.store(words, Word.state, State.starting);
    this.hear();
    const worker = await startWorker();
    this.#worker = worker;
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new IsolithError('ETIMEDOUT', `the stores did not open within ${OPEN_TIMEOUT} ms`)), OPEN_TIMEOUT);
      worker.onmessage = ({ data }: MessageEvent<FromStores>) => {
        if (data === 0) this.#tick();
        else if (data.type === 'answer') this.#answer(data);
        else if (data.type === 'started') {
          clearTimeout(late);
          if (data.error === undefined) resolve();
          else reject(unpackError(data.error));
        }
      };
      worker.onerror = (event) => {
        event.preventDefault();
        clearTimeout(late);
        reject(new IsolithError('ERR_WORKER_CRASHED', event.message || 'the store thread crashed'));
      };
      const { module, memory } = this.#kernel;
      const start: StartStores = {
        type: 'stores',
        kernel: { bytes: module.share(), compiled: module.compileSync(true) },
        memory,
        options,
        channel: channelName(this.#kernel),
      };
      worker.postMessage(start satisfies ToStores);
    }).catch((error: unknown) => {
      worker.terminate();
      throw error;
    });
  }

  ring(asleep: boolean): void {
    if (asleep) this.#worker?.postMessage(0 satisfies ToStores);
  }

  tellWatchers(): void {
    this.#channel?.postMessage('news' satisfies ChannelMessage);
  }

  hearWatched(hear: () => void): void {
    this.#watched = hear;
  }

  async control(control: Control): Promise<unknown> {
    await this.start();
    return new Promise((resolve, reject) => {
      const id = ++this.#next;
      this.#calls.set(id, { resolve, reject });
      this.#worker?.postMessage({ type: 'control', id, control } satisfies ToStores);
    });
  }

  #answer({ id, ok, value }: Exclude<FromStores, 0> & { readonly type: 'answer' }): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (ok) call?.resolve(value);
    else call?.reject(unpackError(value));
  }
}

/** Where memory is not shared: the stores live on this very thread. */
class LocalBell implements Bell {
  readonly blocks = false;
  readonly #kernel: Kernel;
  readonly #tick: () => void;
  #engine: Engine | undefined;
  #starting: Promise<void> | undefined;

  constructor(kernel: Kernel, tick: () => void) {
    this.#kernel = kernel;
    this.#tick = tick;
  }

  start(): Promise<void> {
    return (this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    }));
  }

  async #start(): Promise<void> {
    // Pages with shared memory have it in the store thread instead.
    const { Engine } = await import('./engine.js');
    // A turn later, as a message would be: who asks has finished asking.
    this.#engine ??= new Engine(this.#kernel, () => queueMicrotask(this.#tick));
    await this.#engine.start(options);
  }

  ring(): void {
    this.#engine?.pump();
  }

  async control(control: Control): Promise<unknown> {
    await this.start();
    return this.#engine?.control(control);
  }
}

/** Starts the script by the first way that works here. */
async function startWorker(): Promise<Worker> {
  const ways: (() => Worker | Promise<Worker>)[] = [
    () => new Worker(new URL('../worker.js', import.meta.url), { type: 'module' }),
    async () => {
      const { default: source } = await import('../worker-inline.js');
      const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
      setTimeout(() => URL.revokeObjectURL(url), START_TIMEOUT);
      return new Worker(url);
    },
  ];
  let cause: unknown;
  for (const way of ways) {
    let worker: Worker | undefined;
    try {
      worker = await way();
      await loaded(worker);
      return worker;
    } catch (error) {
      worker?.terminate();
      cause ??= error;
    }
  }
  throw new IsolithError('ERR_WORKER_START', `the store thread did not start: ${String(cause)}`, { cause });
}

function loaded(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no answer within ${START_TIMEOUT} ms`)), START_TIMEOUT);
    worker.onmessage = ({ data }: MessageEvent<FromStores>) => {
      if (data === 0 || data.type !== 'loaded') return;
      clearTimeout(late);
      resolve();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      clearTimeout(late);
      reject(new Error(event.message || 'the script could not be loaded'));
    };
  });
}
