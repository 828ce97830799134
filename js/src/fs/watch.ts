/** Watching: what changes below a path, whoever changes it, on any thread and in any tab. */

import { threadId } from '../sync/thread.js';
import { type Client, step } from './client.js';
import { badArgument, FsError } from './errors.js';
import * as ops from './ops.js';
import { join, type PathLike, pathOf } from './path.js';

/** One change, as Node.js tells it. */
export interface WatchEvent {
  /** `rename` where a name appeared or went, `change` where contents or attributes did. */
  readonly eventType: 'rename' | 'change';
  /** Relative to what is watched; empty where too much happened at once: anything may have changed. */
  readonly filename: string;
}

/** How to watch. */
export interface WatchOptions {
  readonly recursive?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** For Node.js, where a watcher keeps the process; without effect. */
  readonly persistent?: boolean | undefined;
  readonly encoding?: string | null | undefined;
}

/** What a watcher hears: a change of a name in a directory, or undefined where some are lost. */
type Hear = (change: { readonly dir: string; readonly event: WatchEvent } | undefined) => void;

/** Changes that nobody announces (a guest's, in a store without commits) are seen after this long, in milliseconds. */
const LOOK = 500;

/** All watchers of a thread, on one reading of the kernel's events. */
class Watchers {
  readonly #client: Client;
  readonly #listeners = new Set<Hear>();
  #seq = -1;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  add(listener: Hear): void {
    this.#listeners.add(listener);
    if (this.#seq >= 0) return;
    const { door } = this.#client;
    door.exports.isolith_fs_watch(threadId());
    this.#seq = door.number(0);
    this.#client.onTick = () => this.#read();
    this.#client.listen();
    this.#timer = setInterval(() => this.#read(), LOOK);
  }

  remove(listener: Hear): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    this.#client.door.exports.isolith_fs_unwatch(threadId());
    this.#client.onTick = undefined;
    this.#seq = -1;
    clearInterval(this.#timer);
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
      for (const listener of this.#listeners) listener({ dir, event });
      at = end;
    }
    if (overflow) for (const listener of this.#listeners) listener(undefined);
  }
}

const watchers = new WeakMap<Client, Watchers>();

function watchersOf(client: Client): Watchers {
  let all = watchers.get(client);
  if (!all) watchers.set(client, (all = new Watchers(client)));
  return all;
}

/** What a change in `dir` is to who watches `root`; undefined if it is nothing to him. */
function seen(root: string, recursive: boolean, dir: string, event: WatchEvent): WatchEvent | undefined {
  const full = join(dir, event.filename);
  if (full === root || dir === root) return event;
  const below = root === '/' ? root : `${root}/`;
  return recursive && full.startsWith(below) ? { ...event, filename: full.slice(below.length) } : undefined;
}

/**
 * Changes of a file, or in a directory, until the signal aborts or the loop ends. Watches from the
 * moment that the first change is asked for.
 */
export async function* watch(client: Client, path: PathLike, { recursive = false, signal }: WatchOptions = {}): AsyncGenerator<WatchEvent, undefined> {
  const text = pathOf(path);
  if (signal !== undefined && !('aborted' in signal)) throw badArgument('options.signal', signal, 'an AbortSignal');
  signal?.throwIfAborted();
  // Not awaited where it has started: what happens in the next moment is to be seen already.
  if (!client.isReady) await client.start();
  const queue: Parameters<Hear>[0][] = [];
  let wake: (() => void) | undefined;
  const hear: Hear = (change) => {
    queue.push(change);
    wake?.();
  };
  const onAbort = (): void => wake?.();
  const all = watchersOf(client);
  all.add(hear);
  signal?.addEventListener('abort', onAbort);
  try {
    const root = await client.run(step(ops.realpath(text))).catch((error: unknown) => {
      throw error instanceof FsError ? Object.assign(error.about({ syscall: 'watch', path: text }), { filename: text }) : error;
    });
    for (;;) {
      signal?.throwIfAborted();
      if (queue.length === 0) {
        await new Promise<void>((resolve) => (wake = resolve));
        wake = undefined;
        continue;
      }
      const change = queue.shift();
      const event = change ? seen(root, recursive, change.dir, change.event) : { eventType: 'rename' as const, filename: '' };
      if (event) yield event;
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    all.remove(hear);
  }
}
