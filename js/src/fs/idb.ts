/** One IndexedDB database as a store of records: reads by key, and batches that are one transaction each. */

import { IsolithError } from '../errors.js';

/** Where records are kept, by binary keys. */
export interface Records {
  /** All records before the first extent, from key `from` on. */
  image(from?: Uint8Array<ArrayBuffer>): Promise<Record_[]>;
  /** Values by key; 'stale' if there are records from key `unless` on that are no extents. */
  load(keys: readonly Uint8Array<ArrayBuffer>[], unless?: Uint8Array<ArrayBuffer>): Promise<(ArrayBuffer | undefined)[] | 'stale'>;
  /** Writes all or nothing; resolves once it is durable, on the disk itself if `hard`. Rejects with a `CommitError`. */
  commit(writes: readonly Write[], hard?: boolean): Promise<void>;
  /** The same at once, for stores that can; values may be views of shared memory. */
  commitNow?(writes: readonly Write[], hard: boolean): void;
  /** Takes over from another writer: `seal` is written after the last log record there is. */
  takeOver(from: Uint8Array<ArrayBuffer>, seal: (records: Record_[]) => Record_): Promise<Record_[]>;
  close(): void;
}

/** One record. */
export interface Record_ {
  readonly key: Uint8Array<ArrayBuffer>;
  readonly value: Uint8Array<ArrayBuffer>;
}

/** One change of a batch: a record to put, or a range of keys to delete. */
export type Write = Record_ | { readonly first: Uint8Array<ArrayBuffer>; readonly last: Uint8Array<ArrayBuffer> };

/** How a batch failed, with the kernel's number for it. */
export class CommitError extends Error {
  constructor(readonly errno: number, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Where extents begin; everything before is read by a mount. */
const FIRST_EXTENT = Uint8Array.of(0x63);
const LOG = 0x62;
const STORE = 'records';

/**
 * Whether `commit()` may be called while requests are out. Gecko then heeds only the last one's failure and
 * completes a transaction in which another has failed, half of it written; only Gecko has `InternalError`.
 * With a single request, which is the last one, there is nothing to miss.
 */
const EARLY_COMMIT = !('InternalError' in globalThis);

/** How long opening may take, in milliseconds: another tab may have to close its own first. */
const OPEN_TIMEOUT = 20_000;

/** How often a database is opened again whose connections the browser is still closing. */
const REOPENINGS = 40;

/** A transaction that takes longer than this is given up, in milliseconds: WebKit's may never end once a tab died. */
const LONGEST = 30_000;

/** What the owner of a database is told. */
export interface IdbEvents {
  /** Someone deletes the database, or a newer version of the page wants it. */
  lost(why: string): void;
}

/**
 * Opens the database, or makes it; if it may not be `made`, one that is gone is an error.
 *
 * @throws `ENOTSUP` for a database of a later version, `EBUSY` if another tab keeps it from opening, `EIO` if it is
 * there and does not open; any other error says that there is no IndexedDB here.
 */
export async function openIdb(name: string, durability: 'relaxed' | 'strict', events: IdbEvents, made = true): Promise<Records> {
  if (typeof indexedDB === 'undefined') throw new Error('this browser, or this page, has no IndexedDB');
  let db = await open(name, made);
  const identity = identityOf(db);
  /** Ends transactions whose connection the browser has closed: not all of them are told. */
  const underway = new Set<(error: DOMException) => void>();
  const watch = (): void => {
    db.onversionchange = () => {
      // Who deletes or upgrades it must not have to wait; what is written here from now on fails.
      db.close();
      events.lost('the database is being deleted or upgraded by another tab');
    };
    db.onclose = () => {
      const closed = new DOMException('the browser has closed the database', 'AbortError');
      for (const fail of underway) fail(closed);
      events.lost(closed.message);
    };
  };
  watch();
  /** Another connection to the same database; throws if that has been deleted, made anew or not. */
  const reopened = async (): Promise<IDBDatabase> => {
    for (let tries = 1; ; tries++) {
      const again = await open(name, false).catch((error: unknown) => {
        // The browser is still closing its connections.
        if (tries === REOPENINGS || ((error as Error).cause as Error | undefined)?.name !== 'AbortError') throw error;
      });
      if (again && identityOf(again) === identity) return again;
      again?.close();
      if (again) throw gone(name);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const ended = (tx: IDBTransaction): Promise<void> => finished(tx, underway);
  /** Why a transaction failed: that of a deleted database is aborted, or never ends. */
  const reason = (cause: unknown): Promise<unknown> => {
    if (!/AbortError|TimeoutError/.test((cause as DOMException).name)) return Promise.resolve(cause);
    return reopened().then((again) => (again.close(), cause), (error: unknown) => error);
  };
  /** Begins a transaction, on a new connection if the old one is gone; throws a `CommitError` if there is none to be had. */
  const begin = async (mode: IDBTransactionMode, hard = false): Promise<IDBTransaction> => {
    const options = { durability: hard ? 'strict' : durability } as const;
    try {
      return db.transaction(STORE, mode, options);
    } catch (error) {
      if ((error as DOMException).name !== 'InvalidStateError') throw error;
      try {
        db = await reopened();
      } catch (cause) {
        throw new CommitError(5, `the database does not open: ${String(cause)}`, { cause });
      }
      watch();
      return db.transaction(STORE, mode, options);
    }
  };
  return {
    async image(from) {
      const tx = await begin('readonly');
      const { keys, values } = list(tx.objectStore(STORE), from);
      await ended(tx);
      return zip(keys, values);
    },
    async load(keys, unless) {
      const tx = await begin('readonly');
      const store = tx.objectStore(STORE);
      const news = unless && store.count(IDBKeyRange.bound(unless, FIRST_EXTENT, false, true));
      const gets = keys.map((key) => store.get(key) as IDBRequest<ArrayBuffer | undefined>);
      // Requests are answered in order: after the last there is only the transaction's end, one message more.
      const answered = new Promise((resolve) => gets.at(-1)?.addEventListener('success', resolve));
      await Promise.race([ended(tx), answered]);
      return news && news.result > 0 ? 'stale' : gets.map((get) => get.result);
    },
    async commit(writes, hard) {
      const tx = await begin('readwrite', hard);
      const store = tx.objectStore(STORE);
      for (const write of writes) {
        if ('first' in write) store.delete(IDBKeyRange.bound(write.first, write.last));
        // A log record that is there already is another writer's: the whole batch must fail.
        else if (write.key[0] === LOG) store.add(write.value.buffer, write.key);
        else store.put(write.value.buffer, write.key);
      }
      if (EARLY_COMMIT || writes.length === 1) tx.commit?.();
      await ended(tx).catch(async (cause: unknown) => {
        throw await commitError(await reason(cause));
      });
    },
    async takeOver(from, seal) {
      const tx = await begin('readwrite');
      const store = tx.objectStore(STORE);
      const { keys, values } = list(store, from);
      let records: Record_[] = [];
      // The answer to a request is the one place where a transaction may go on.
      values.onsuccess = () => {
        const found = zip(keys, values);
        const last = seal(found);
        records = [...found, last];
        store.add(last.value.buffer, last.key);
      };
      await ended(tx);
      return records;
    },
    close() {
      db.onclose = null;
      db.close();
    },
  };
}

function list(store: IDBObjectStore, from?: Uint8Array<ArrayBuffer>): { keys: IDBRequest<IDBValidKey[]>; values: IDBRequest<ArrayBuffer[]> } {
  const range = from
    ? IDBKeyRange.bound(from, FIRST_EXTENT, false, true)
    : IDBKeyRange.upperBound(FIRST_EXTENT, true);
  return { keys: store.getAllKeys(range), values: store.getAll(range) as IDBRequest<ArrayBuffer[]> };
}

function zip(keys: IDBRequest<IDBValidKey[]>, values: IDBRequest<ArrayBuffer[]>): Record_[] {
  return keys.result.map((key, at) => ({
    key: new Uint8Array(key as ArrayBuffer),
    value: new Uint8Array(values.result[at]!),
  }));
}

function open(name: string, made: boolean): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      reject(new IsolithError('EBUSY', `the database ${name} did not open within ${OPEN_TIMEOUT} ms: another tab keeps it from being deleted or upgraded`));
    }, OPEN_TIMEOUT);
    let refused = false;
    request.onupgradeneeded = () => {
      if (made) {
        request.result.createObjectStore(STORE);
        request.result.createObjectStore(`${Date.now()}-${Math.random()}`);
      } else {
        refused = true;
        request.transaction?.abort();
      }
    };
    request.onerror = (event) => {
      clearTimeout(timer);
      const { error } = request;
      if (refused) {
        event.preventDefault();
        reject(gone(name));
      } else if (error?.name === 'VersionError') {
        reject(new IsolithError('ENOTSUP', `the database ${name} is of a later version`, { cause: error }));
      } else if (error?.name === 'InvalidStateError' || error?.name === 'SecurityError') {
        // As in private windows: there is nothing to open.
        reject(error);
      } else reject(new IsolithError('EIO', `the database ${name} does not open: ${String(error)}`, { cause: error }));
    };
    request.onsuccess = () => {
      clearTimeout(timer);
      if (late) request.result.close();
      else resolve(request.result);
    };
  });
}

/** What tells a database from one that was made anew under its name: a second, empty store in it has a random name. */
function identityOf(db: IDBDatabase): string {
  return String([...db.objectStoreNames]);
}

function gone(name: string): Error {
  return new Error(`the database ${name} has been deleted`);
}

/** Resolves when the transaction is durable as far as its durability says. */
function finished(tx: IDBTransaction, underway: Set<(error: DOMException) => void>): Promise<void> {
  let fail!: (error: DOMException) => void;
  let timer: ReturnType<typeof setTimeout>;
  return new Promise<void>((resolve, reject) => {
    underway.add((fail = reject));
    // The request that failed first says why: WebKit forgets its error in a transaction with an early commit,
    // and Gecko gives the error of those that fell with it.
    let cause: DOMException | null = null;
    tx.onerror = (event) => {
      const { error } = event.target as IDBRequest;
      if (error?.name !== 'AbortError') cause ??= error;
    };
    timer = setTimeout(() => {
      reject(cause ?? new DOMException(`no end within ${LONGEST} ms`, 'TimeoutError'));
      try {
        tx.abort();
      } catch {
        // It is to be committed already: it may yet land, and the next batch finds its log record.
      }
    }, LONGEST);
    tx.oncomplete = () => resolve();
    tx.onabort = () => reject(cause ?? tx.error ?? new DOMException('the transaction was aborted', 'AbortError'));
  }).finally(() => {
    clearTimeout(timer);
    underway.delete(fail);
  });
}

async function commitError(cause: unknown): Promise<CommitError> {
  const { name, message } = cause as DOMException;
  if (name === 'QuotaExceededError') {
    return noSpace(cause);
  }
  if (name === 'ConstraintError') return new CommitError(116, 'another tab has taken over', { cause });
  return new CommitError(5, `the transaction failed: ${name}: ${message}`, { cause });
}

/** The error of a full store, with what is used and what is left where the browser tells. */
export async function noSpace(cause: unknown): Promise<CommitError> {
  const space = await estimate();
  const figures = space ? `: ${space.used} bytes used, ${space.available} available` : '';
  return new CommitError(28, `no space left on device${figures}`, { cause });
}

/** Bytes used by this origin, and still to be had; nothing where the browser does not tell. */
export async function estimate(): Promise<{ used: number; available: number } | undefined> {
  try {
    const { usage = 0, quota = 0 } = await navigator.storage.estimate();
    return { used: usage, available: Math.max(0, quota - usage) };
  } catch {
    return undefined;
  }
}
