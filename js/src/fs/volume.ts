/** A mounted store of records: brings what is asked for, commits what has changed, shares it with other tabs. */

import { lastError } from '../kernel.js';
import { type Batch, endBatch, release, takeBatch } from './batch.js';
import { type Door, Word } from './exports.js';
import { CommitError, estimate, noSpace, type Record_, type Records } from './idb.js';
import { Writer } from './writer.js';

/** What a store thread does for its volumes. */
export interface Host {
  readonly door: Door;
  /** Something has been answered: everybody who waits looks again. */
  tick(): void;
  /** The rights of a volume have changed. */
  rights(): void;
  /** Something is in flight (+1), or no longer (-1). */
  busy(by: 1 | -1): void;
}

/** A mounted store, as the store thread sees it. */
export interface Volume {
  readonly store: number;
  /** Looks at what is asked of the store, and starts it. Never blocks. */
  pump(): void;
  /** Whether what is read must be checked to be fresh. */
  readonly shared: boolean;
  /** Whether this tab writes to it and knows of no other: then the page may commit, too. */
  readonly solo?: boolean;
  /** Finds out how full it is. */
  measure?(): Promise<void>;
  /** Tells other tabs that something was committed. */
  tell?(): void;
  /** Sees what other tabs have written. */
  refresh(): Promise<void>;
  /** Commits everything. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const enum Asked {
  loads = 1,
  commit = 2,
  own = 4,
  dirty = 8,
  folds = 16,
}

/** How long changes may take to be flushed, in milliseconds. */
const LONGEST_FLUSH = 20_000;

/** Changes that nobody waits for are committed after this long, in milliseconds. */
const WRITE_BACK = 1000;

/** How long a refusal stands, in milliseconds: so long that all who wait hear of it. */
const REFUSED = 500;

const FAILED_STATUS = (host: Host): Error => lastError(host.door.kernel);

/** Throws the kernel's error for a status that is not 0. */
export function must(host: { readonly door: Door }, status: number): void {
  if (status !== 0) throw lastError(host.door.kernel);
}

/** The key of a log record. */
export function logKey(seq: number): Uint8Array<ArrayBuffer> {
  const key = new Uint8Array(9);
  const view = new DataView(key.buffer);
  key[0] = 0x62;
  view.setUint32(1, Math.floor(seq / 2 ** 32));
  view.setUint32(5, seq >>> 0);
  return key;
}

function logSeq(key: Uint8Array): number | undefined {
  if (key[0] !== 0x62) return undefined;
  const view = new DataView(key.buffer, key.byteOffset);
  return view.getUint32(1) * 2 ** 32 + view.getUint32(5);
}

/** Hands records to the kernel for a mount or a refresh. */
function image(host: Host, records: readonly Record_[]): void {
  const { door } = host;
  for (const { key, value } of records) {
    door.put(key, value);
    must(host, door.exports.isolith_fs_image(key.length, value.length));
  }
  door.trim();
}

/** Mounts the records at `path`. `name` is what the tabs that share them agree by. */
export async function mountRecords(host: Host, path: string, name: string, records: Records): Promise<Volume> {
  const alone = await openAlone(name);
  let volume: RecordVolume | undefined;
  const writer = new Writer(name, {
    wanted: () => void volume?.handOver(),
    robbed: () => volume?.robbed(),
    news: () => void volume?.heardNews(),
    met: () => host.rights(),
  });
  try {
    if (!(await writer.tryAcquire())) {
      // Someone else writes: a store without records is one that it has not begun yet.
      if ((await records.image()).length === 0) await writer.acquire();
    }
    const all = await records.image();
    image(host, all);
    const { door } = host;
    must(host, door.exports.isolith_fs_mount(door.text(path), 0, 0));
    const store = door.number(0);
    volume = new RecordVolume(host, store, records, writer);
    must(host, door.exports.isolith_fs_owned(store, Number(writer.owns)));
    if (alone && writer.owns) must(host, door.exports.isolith_fs_sweep(store));
    void volume.measure();
    return volume;
  } catch (error) {
    writer.close();
    records.close();
    throw error;
  }
}

/** Notes that this tab has the store open; whether it is the only one. */
async function openAlone(name: string): Promise<boolean> {
  if (typeof navigator === 'undefined' || !navigator.locks) return false;
  const lock = `isolith:fs:open:${name}`;
  const alone = await navigator.locks.request(lock, { ifAvailable: true }, (granted) => granted !== null);
  await new Promise<void>((resolve) => {
    const hold = (): Promise<never> => {
      resolve();
      return new Promise(() => {});
    };
    void navigator.locks.request(lock, { mode: 'shared' }, hold).catch(() => resolve());
  });
  return alone;
}

class RecordVolume implements Volume {
  readonly store: number;
  readonly #host: Host;
  readonly #records: Records;
  readonly #writer: Writer;
  #committing: Promise<boolean> | undefined;
  #acquiring = false;
  #leaving = false;
  /** A refresh that has not begun. */
  #refreshing: Promise<void> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(host: Host, store: number, records: Records, writer: Writer) {
    this.store = store;
    this.#host = host;
    this.#records = records;
    this.#writer = writer;
  }

  get shared(): boolean {
    return !this.#writer.owns || this.#leaving;
  }

  get solo(): boolean {
    return this.#writer.owns && !this.#leaving && !this.#writer.others;
  }

  get #door(): Door {
    return this.#host.door;
  }

  pump(): void {
    const { exports } = this.#door;
    if (exports.isolith_fs_poll(this.store) !== 0) return;
    const asked = this.#door.number(0);
    if (asked & Asked.loads) void this.#load();
    if (asked & Asked.commit && !this.#committing && (this.#writer.owns || this.#leaving)) {
      if (this.#records.commitNow) this.#commitNow(this.#records as Required<Records>);
      else void this.#commit();
    } else if (asked & Asked.dirty && !this.#committing) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        if (this.#writer.owns) void this.#commit();
      }, WRITE_BACK);
    }
    if (asked & Asked.own && !this.#leaving) void this.#acquire();
  }

  async #load(): Promise<void> {
    const { exports } = this.#door;
    must(this.#host, exports.isolith_fs_loads(this.store));
    const { loads, keys } = parseLoads(this.#door.output());
    if (loads.length === 0) return;
    this.#host.busy(1);
    try {
      const unless = this.shared ? logKey(this.#lastLog() + 1) : undefined;
      const values = await this.#records.load(keys, unless);
      if (values === 'stale') {
        await this.refresh();
        for (const load of loads) exports.isolith_fs_fill_failed(load, 0);
      } else loads.forEach((load, at) => this.#fill(load, values[at]));
    } catch (error) {
      for (const load of loads) exports.isolith_fs_fill_failed(load, this.#door.text(`the store cannot be read: ${String(error)}`));
    } finally {
      this.#host.busy(-1);
      this.#host.tick();
    }
  }

  #fill(load: number, value: ArrayBuffer | undefined): void {
    const { exports } = this.#door;
    if (value) this.#door.put(new Uint8Array(value));
    if (exports.isolith_fs_fill(load, value ? value.byteLength : -1) !== 0) {
      const { message } = FAILED_STATUS(this.#host);
      exports.isolith_fs_fill_failed(load, this.#door.text(message));
    }
  }

  /** Commits what has changed; whether there was a batch to take. */
  #commit(): Promise<boolean> {
    return (this.#committing ??= this.#commitOnce().finally(() => {
      this.#committing = undefined;
      this.#host.tick();
      this.pump();
    }));
  }

  async #commitOnce(): Promise<boolean> {
    if (this.#records.commitNow) return this.#commitNow(this.#records as Required<Records>);
    const batch = takeBatch(this.#door, this.store, {});
    if (!batch) return false;
    Atomics.store(this.#door.words, Word.instant, 0);
    this.#host.busy(1);
    this.#writer.stay();
    try {
      await this.#records.commit(batch.writes, batch.hard);
      this.#landed(batch);
    } catch (error) {
      this.#landed(batch, error);
      // The log goes on without us: what is there now must be read before anything is written.
      if (error instanceof CommitError && error.errno === 116) this.#yield();
    } finally {
      this.#host.busy(-1);
    }
    return true;
  }

  /** Commits without leaving this turn of the event loop: who waits has an answer at once. */
  #commitNow(records: Required<Records>): boolean {
    const batch = takeBatch(this.#door, this.store, { views: true });
    if (!batch) return false;
    Atomics.store(this.#door.words, Word.instant, 1);
    let failure: unknown;
    try {
      records.commitNow(batch.writes, batch.hard);
    } catch (error) {
      failure = error;
    }
    if (failure instanceof CommitError && failure.errno === 28) {
      release(this.#door, this.store);
      void this.#refused(batch, failure);
      return true;
    }
    // Who waits is answered first, and goes on while this thread cleans up.
    const errno = endBatch(this.#door, this.store, batch.epoch, failure);
    this.#host.tick();
    release(this.#door, this.store);
    this.#ended(errno);
    return true;
  }

  /** Ends a batch for which there was no room, once it is known how much there is. */
  async #refused(batch: Batch, cause: CommitError): Promise<void> {
    this.#host.busy(1);
    this.#landed(batch, await noSpace(cause));
    this.#host.busy(-1);
    this.#host.tick();
    this.pump();
  }

  #landed({ epoch }: Batch, error?: unknown): void {
    this.#ended(endBatch(this.#door, this.store, epoch, error));
  }

  /** What is to be done after a batch. */
  #ended(errno: number): void {
    if (errno === 0) this.tell();
    else if (errno === 28) void this.measure();
    const { exports } = this.#door;
    if (exports.isolith_fs_poll(this.store) === 0 && this.#door.number(0) & Asked.folds) exports.isolith_fs_fold(this.store);
  }

  tell(): void {
    this.#writer.tell();
  }

  async #acquire(): Promise<void> {
    if (this.#acquiring || this.#writer.owns || this.#closed) return;
    this.#acquiring = true;
    this.#host.busy(1);
    try {
      const { stolen } = await this.#writer.acquire();
      if (stolen) await this.#inTurn(() => this.#seal());
      else await this.refresh();
      // Someone may have taken it again meanwhile.
      if (!this.#writer.owns) throw new Error('the right to write was taken');
      must(this.#host, this.#door.exports.isolith_fs_owned(this.store, 1));
    } catch (error) {
      this.#writer.release();
      // Else the request stands: who waits asks again.
      if (error instanceof CommitError) this.#refuse(error.message);
    } finally {
      this.#acquiring = false;
      this.#host.busy(-1);
      this.#host.rights();
      this.#host.tick();
    }
  }

  /** There is no database to write to: who wants to is told so, for a moment, and then it is tried again. */
  #refuse(why: string): void {
    const { exports } = this.#door;
    exports.isolith_fs_own_failed(this.store, this.#door.text(why));
    setTimeout(() => exports.isolith_fs_own_failed(this.store, 0), REFUSED);
  }

  /** Commits all, and lets another tab write. */
  async handOver(): Promise<void> {
    if (this.#leaving || !this.#writer.owns) return;
    this.#leaving = true;
    this.#host.rights();
    try {
      this.#door.exports.isolith_fs_owned(this.store, 0);
      await this.flush();
    } finally {
      this.#leaving = false;
      this.#writer.release();
      this.#host.rights();
      this.#host.tick();
      this.pump();
    }
  }

  /** The right to write was taken while this tab slept. */
  robbed(): void {
    this.#door.exports.isolith_fs_owned(this.store, 0);
    this.#host.rights();
    void this.#recover();
  }

  #yield(): void {
    if (!this.#writer.owns) return;
    this.#writer.release();
    this.robbed();
  }

  /** After a theft: what is not durable by now never will be, and is told so; the rest is read anew. */
  async #recover(): Promise<void> {
    this.#host.busy(1);
    try {
      await this.#committing;
      await this.#inTurn(async () => {
        if (this.#door.exports.isolith_fs_clean(this.store) === 0) return;
        const all = await this.#records.image();
        must(this.#host, this.#door.exports.isolith_fs_abandon(this.store));
        image(this.#host, all);
        must(this.#host, this.#door.exports.isolith_fs_refresh(this.store));
      });
    } catch {
      // The store cannot be read: the next load says so.
    } finally {
      this.#host.busy(-1);
      this.#host.tick();
    }
  }

  async heardNews(): Promise<void> {
    if (this.shared) await this.refresh().catch(() => {});
    this.#host.tick();
  }

  /** Sees all that was durable when it was called: one that reads already may have missed it. */
  refresh(): Promise<void> {
    return (this.#refreshing ??= this.#inTurn(() => {
      this.#refreshing = undefined;
      return this.#refresh();
    }));
  }

  /** One at a time reads the log and hands it to the kernel. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #refresh(): Promise<void> {
    // Who may write has made all there is.
    if (this.#writer.owns && !this.#acquiring) return;
    const last = this.#lastLog();
    const news = await this.#records.image(logKey(last + 1));
    if (news.length === 0) return;
    const isNext = logSeq(news[0]!.key) === last + 1;
    image(this.#host, isNext ? news : await this.#records.image());
    must(this.#host, this.#door.exports.isolith_fs_refresh(this.store));
  }

  /** After a theft: reads what is new and closes the log behind it, so that a late batch must fail. */
  async #seal(): Promise<void> {
    const last = this.#lastLog();
    const news = await this.#records.takeOver(logKey(last + 1), (records) => {
      const newest = records.length === 0 ? last : logSeq(records[records.length - 1]!.key)!;
      return { key: logKey(newest + 1), value: new Uint8Array(0) };
    });
    const isNext = logSeq(news[0]!.key) === last + 1;
    image(this.#host, isNext ? news : await this.#records.image());
    must(this.#host, this.#door.exports.isolith_fs_refresh(this.store));
  }

  #lastLog(): number {
    must(this.#host, this.#door.exports.isolith_fs_last_log(this.store));
    return this.#door.number(0);
  }

  async flush(): Promise<void> {
    const end = performance.now() + LONGEST_FLUSH;
    // A batch may be in flight, and more have changed since it was taken: a few rounds at most.
    for (let round = 0; round < 8; ) {
      if (this.#door.exports.isolith_fs_clean(this.store) === 0) return;
      if (!this.#writer.owns || performance.now() > end) return;
      if (await this.#commit()) round++;
      // The page's own batch is in flight: nobody tells of its end here.
      else await new Promise((done) => setTimeout(done, 1));
    }
  }

  async measure(): Promise<void> {
    const space = await estimate();
    if (space) this.#door.exports.isolith_fs_space(this.store, space.used, space.available);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.flush();
    this.#writer.close();
    this.#records.close();
  }
}

function parseLoads(bytes: Uint8Array<ArrayBuffer>): { loads: number[]; keys: Uint8Array<ArrayBuffer>[] } {
  const view = new DataView(bytes.buffer);
  const loads: number[] = [];
  const keys: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < bytes.length; ) {
    loads.push(view.getUint32(at, true));
    const length = view.getUint32(at + 20, true);
    keys.push(bytes.slice(at + 24, at + 24 + length));
    at += 24 + length;
  }
  return { loads, keys };
}
