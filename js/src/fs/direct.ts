/** Small commits from the page's own thread: they save the way to the store thread and back. */

import { endBatch, takeBatch } from './batch.js';
import type { Door } from './exports.js';
import { Word } from './exports.js';
import { CommitError, openIdb, type Records } from './idb.js';

// The store thread decides whether the page may (the word `direct`): this tab is the writer, and knows of no
// other tab. Its own connection is all that the page needs, for the kernel lets one batch fly at a time, whoever
// took it. What is large, and everything once a worker uses files, is the store thread's: a page may be busy.

/** What the page is told about its commits. */
export interface DirectEvents {
  /** A batch has ended: everybody who waits looks again. */
  landed(): void;
  /** The store was full when the batch was written. */
  full(): void;
  /** Another tab has come meanwhile: it must hear of the batch. */
  seen(): void;
}

/** The page's own way to the database of `/`. */
export class Direct {
  readonly #door: Door;
  readonly #events: DirectEvents;
  readonly #open: () => Promise<Records>;
  #records: Records | undefined;
  #opening = false;
  #flying = false;
  /** Another writer's log record was found: the store thread meets it with the next batch, and gives way. */
  #taken = false;

  constructor(door: Door, name: string, durability: 'relaxed' | 'strict', events: DirectEvents) {
    this.#door = door;
    this.#events = events;
    // A connection that is lost opens again with the next batch.
    this.#open = () => openIdb(name, durability, { lost() {} }, false);
  }

  /** Commits what is asked for, if that is the page's to do: then `landed` follows. */
  commit(): boolean {
    if (this.#flying) return true;
    const { words } = this.#door;
    const store = Atomics.load(words, Word.direct) - 1;
    if (store < 0) this.#taken = false;
    if (store < 0 || this.#taken || Atomics.load(words, Word.workers) !== 0) return false;
    if (!this.#records) {
      this.#prepare();
      return false;
    }
    const batch = takeBatch(this.#door, store, { little: true });
    if (!batch) return false;
    this.#flying = true;
    void this.#records.commit(batch.writes, batch.hard).then(
      () => this.#land(store, batch.epoch),
      (error: unknown) => this.#land(store, batch.epoch, error),
    );
    return true;
  }

  #prepare(): void {
    if (this.#opening) return;
    this.#opening = true;
    // Where it does not open, the store thread goes on doing all of it.
    void this.#open().then((records) => (this.#records = records), () => {});
  }

  #land(store: number, epoch: number, error?: unknown): void {
    const errno = endBatch(this.#door, store, epoch, error);
    this.#flying = false;
    this.#taken = error instanceof CommitError && error.errno === 116;
    const { words } = this.#door;
    Atomics.add(words, Word.done, 1);
    Atomics.notify(words, Word.done);
    this.#events.landed();
    if (errno === 28) this.#events.full();
    if (Atomics.load(words, Word.direct) !== store + 1) this.#events.seen();
  }
}
