/** Watching: what changes below a path, whoever changes it, on any thread and in any tab. */

import type { Client } from './client.js';
import { badArgument } from './errors.js';
import { type PathLike, pathOf } from './path.js';

/** One change, as Node.js tells it. */
export interface WatchEvent {
  /** `rename` where a name appeared or went, `change` where contents or attributes did. */
  readonly eventType: 'rename' | 'change';
  /** Relative to what is watched. */
  readonly filename: string;
}

/** How to watch. */
export interface WatchOptions {
  readonly recursive?: boolean;
  readonly signal?: AbortSignal;
}

interface Listener {
  hear(dir: string, event: WatchEvent): void;
  /** Too much happened at once: anything may have changed. */
  lost(): void;
}

/** All watchers of a thread, on one reading of the kernel's events. */
class Watchers {
  readonly #client: Client;
  readonly #listeners = new Set<Listener>();
  #seq = -1;

  constructor(client: Client) {
    this.#client = client;
  }

  add(listener: Listener): void {
    this.#listeners.add(listener);
    if (this.#seq >= 0) return;
    const { door } = this.#client;
    door.exports.isolith_fs_watch();
    this.#seq = door.number(0);
    this.#client.onTick = () => this.#read();
    // The store thread tells the page of what others have done, too, from now on.
    this.#client.ring();
  }

  remove(listener: Listener): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    this.#client.door.exports.isolith_fs_unwatch();
    this.#client.onTick = undefined;
    this.#seq = -1;
  }

  #read(): void {
    const { door } = this.#client;
    if (this.#seq < 0 || door.exports.isolith_fs_events(this.#seq) !== 0) return;
    const next = door.number(0);
    const overflow = door.number(1) !== 0;
    if (next === this.#seq) return;
    this.#seq = next;
    const bytes = door.output();
    const view = new DataView(bytes.buffer);
    const decoder = new TextDecoder();
    for (let at = 0; at < bytes.length; ) {
      const kind = bytes[at]!;
      const dirEnd = at + 5 + view.getUint16(at + 1, true);
      const end = dirEnd + view.getUint16(at + 3, true);
      const dir = decoder.decode(bytes.subarray(at + 5, dirEnd));
      const filename = decoder.decode(bytes.subarray(dirEnd, end));
      const event: WatchEvent = { eventType: kind <= 2 ? 'rename' : 'change', filename };
      for (const listener of this.#listeners) listener.hear(dir, event);
      at = end;
    }
    if (overflow) for (const listener of this.#listeners) listener.lost();
  }
}

const watchers = new WeakMap<Client, Watchers>();

/** Changes of a file, or in a directory, until the signal aborts or the loop ends. */
export async function* watch(client: Client, path: PathLike, { recursive = false, signal }: WatchOptions = {}): AsyncGenerator<WatchEvent, void> {
  const root = pathOf(path).replace(/\/+$/, '');
  if (signal !== undefined && !('aborted' in signal)) throw badArgument('options.signal', signal, 'an AbortSignal');
  signal?.throwIfAborted();
  await client.start();
  let all = watchers.get(client);
  if (!all) watchers.set(client, (all = new Watchers(client)));
  const queue: WatchEvent[] = [];
  let wake: (() => void) | undefined;
  const listener: Listener = {
    hear(dir, event) {
      const full = dir === '/' ? `/${event.filename}` : `${dir}/${event.filename}`;
      if (full === root) queue.push(event);
      else if (dir === root || (dir === '/' && root === '')) queue.push(event);
      else if (recursive && full.startsWith(`${root}/`)) queue.push({ ...event, filename: full.slice(root.length + 1) });
      else return;
      wake?.();
    },
    lost() {
      queue.push({ eventType: 'rename', filename: '' });
      wake?.();
    },
  };
  const onAbort = (): void => wake?.();
  all.add(listener);
  signal?.addEventListener('abort', onAbort);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const event = queue.shift();
      if (event) yield event;
      else await new Promise<void>((resolve) => (wake = resolve));
      wake = undefined;
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    all.remove(listener);
  }
}
