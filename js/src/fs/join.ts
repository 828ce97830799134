/** A worker's way to the page's store thread: it calls on a channel, and blocks for answers. */

import { IsolithError, unpackError } from '../errors.js';
import type { Kernel } from '../kernel.js';
import { getKernel } from '../runtime.js';
import { requireShared } from '../support.js';
import { threadId } from '../sync/thread.js';
import { type Bell, Client } from './client.js';
import { type ChannelMessage, channelName } from './channel.js';
import type { Control } from './engine.js';
import { Door, State, Word } from './exports.js';

/** How long the store thread may take for something beside the desk, in milliseconds. */
const PATIENCE = 60_000;

/** The filesystem for a worker that a page has started on its memory. */
export function joinPage(): Client {
  requireShared("a worker's filesystem");
  const kernel = getKernel();
  return new Client(kernel, new WorkerBell(kernel));
}

class WorkerBell implements Bell {
  readonly blocks = true;
  readonly #kernel: Kernel;
  readonly #channel: BroadcastChannel;
  readonly #calls = new Map<number, (answer: { readonly ok: boolean; readonly value: unknown }) => void>();
  #hear: (() => void) | undefined;
  #next = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    // The page may be busy: from now on it leaves all commits to the store thread.
    Door.of(kernel).exports.isolith_fs_join(threadId());
    this.#channel = new BroadcastChannel(channelName(kernel));
  }

  async start(): Promise<void> {
    this.#send('start');
  }

  ring(asleep: boolean): void {
    if (asleep) this.#send(0);
  }

  tellWatchers(): void {
    this.#send('news');
  }

  hearWatched(hear: () => void): void {
    this.#hear = hear;
    this.#listen();
  }

  /** The store thread hears it on the same channel and answers there. */
  async control(control: Control): Promise<unknown> {
    this.#listen();
    if (Atomics.load(Door.of(this.#kernel).words, Word.state) !== State.ready) {
      throw new IsolithError('EIO', `${control.name}: the stores of this page are not open`);
    }
    const id = ++this.#next;
    const thread = threadId();
    let late: ReturnType<typeof setTimeout> | undefined;
    try {
      const { ok, value } = await new Promise<{ readonly ok: boolean; readonly value: unknown }>((resolve, reject) => {
        this.#calls.set(id, resolve);
        late = setTimeout(() => reject(new IsolithError('ETIMEDOUT', `${control.name} did not answer within ${PATIENCE} ms`)), PATIENCE);
        this.#send({ type: 'control', id, thread, control });
      });
      if (ok) return value;
      throw unpackError(value);
    } finally {
      clearTimeout(late);
      this.#calls.delete(id);
    }
  }

  #send(message: ChannelMessage): void {
    this.#channel.postMessage(message);
  }

  /** Not before it is needed: every listener is sent all that is said. */
  #listen(): void {
    this.#channel.onmessage = ({ data }: MessageEvent<ChannelMessage>) => {
      if (data === 'news') this.#hear?.();
      else if (typeof data === 'object' && data.type === 'answer' && data.thread === threadId()) this.#calls.get(data.id)?.(data);
    };
  }
}
