/** A store of records in one file of the origin-private filesystem: frames appended, the rest is an index in memory. */

import { IsolithError } from '../errors.js';
import { CommitError, type Record_, type Records, type Write } from './idb.js';

// Two files of which one counts: the one whose header has the higher generation. A file is the
// header, a mark, then frames; a frame is a batch: its head, the directory of its records, their
// values. The mark says up to where the disk has everything. Frames beyond it must pass their sums:
// at the first that a crash has torn, the file is cut off. A torn mark only makes more be checked.
// Header and frames begin with the format: `ISO2`. Format 1, `ISOL`, had no mark, and summed a frame's
// values as one piece; it is read, and written anew at once in the present format.

const FORMAT = 2;
const MAGICS = [0, 0x4c4f5349, 0x324f5349] as const;
const MAGIC = MAGICS[FORMAT];
const HEADS = [0, 16, 32] as const;
const HEAD = HEADS[FORMAT];
const MARK = 16;
const FRAME = 16;

/** The disk is waited for, and the mark set, after so many bytes; and when the store is closed. */
const MARKED = 32 * 2 ** 20;

/** Values of at least so many bytes are written from where they stand, smaller ones in one piece with others. */
const APART = 16 * 1024;

/** A file is written anew when more than half of it is dead, from this size on. */
const COMPACT = 8 * 2 ** 20;

/** Frames of a file written anew hold about so many bytes. */
const CHUNK = 8 * 2 ** 20;

/** What TypeScript's worker library has of it. */
interface SyncFile {
  read(bytes: Uint8Array, options: { at: number }): number;
  write(bytes: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

interface Place {
  readonly at: number;
  readonly length: number;
}

/** Opens the store, or makes it. One tab at a time can have it. */
export async function openOpfs(name: string, durability: 'relaxed' | 'strict'): Promise<Records> {
  const root = await navigator.storage?.getDirectory?.();
  if (!root) throw new Error('this browser, or this page, has no origin-private filesystem');
  const folder = await root.getDirectoryHandle('isolith', { create: true });
  const files: SyncFile[] = [];
  try {
    for (const half of ['a', 'b']) {
      const handle = await folder.getFileHandle(`${encodeURIComponent(name)}.${half}`, { create: true });
      const { createSyncAccessHandle } = handle as unknown as { createSyncAccessHandle?(): Promise<SyncFile> };
      if (!createSyncAccessHandle) throw new Error('an opfs store needs a page with shared memory: its files open in workers only');
      files.push(await createSyncAccessHandle.call(handle));
    }
    return new Container(name, files as [SyncFile, SyncFile], durability === 'strict');
  } catch (cause) {
    for (const file of files) file.close();
    const busy = (cause as DOMException).name === 'NoModificationAllowedError';
    throw busy ? new IsolithError('EBUSY', `another tab has the opfs store ${name} open`, { cause }) : cause;
  }
}

const toKey = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
const fromKey = (key: string): Uint8Array<ArrayBuffer> => Uint8Array.from(key, (unit) => unit.charCodeAt(0));

/** A sum over parts that a torn frame does not keep: FNV-1a by words, then by bytes, of one after the other. */
function sum(parts: Iterable<Uint8Array>): number {
  let hash = 0x811c9dc5;
  for (const part of parts) {
    const words = part.length >>> 2;
    const aligned = part.byteOffset % 4 === 0 ? part : part.slice();
    const view = new Int32Array(aligned.buffer, aligned.byteOffset, words);
    for (let at = 0; at < words; at++) hash = Math.imul(hash ^ view[at]!, 0x01000193);
    for (let at = words * 4; at < part.length; at++) hash = Math.imul(hash ^ part[at]!, 0x01000193);
  }
  return hash >>> 0;
}

class Container implements Records {
  readonly #files: readonly [SyncFile, SyncFile];
  readonly #strict: boolean;
  readonly #index = new Map<string, Place>();
  #current = 0;
  #generation = 0;
  #end: number = HEAD;
  #live = 0;
  /** Up to here the disk has everything. */
  #marked: number = HEAD;

  constructor(name: string, files: [SyncFile, SyncFile], strict: boolean) {
    this.#files = files;
    this.#strict = strict;
    const heads = files.map(headOf) as [Head, Head];
    const newer = heads.find(({ format }) => format > FORMAT);
    if (newer) throw new IsolithError('ENOTSUP', `the opfs store ${name} has format ${newer.format}, this version knows up to ${FORMAT}`);
    this.#current = heads[1].generation > heads[0].generation ? 1 : 0;
    const { format, generation } = heads[this.#current]!;
    this.#generation = generation;
    if (generation === 0) {
      // A file that holds something is never taken for a new one.
      if (heads.some(({ damaged }) => damaged)) throw new IsolithError('EIO', `the opfs store ${name} is damaged: neither of its files has a good header`);
      this.#generation = 1;
      this.#file.truncate(0);
      writeHead(this.#file, 1);
      writeMark(this.#file, HEAD);
      return;
    }
    this.#walk(format);
    if (format < FORMAT && !this.#compact()) throw new IsolithError('ENOSPC', `the opfs store ${name} has format ${format}, and there is no room to write it anew in format ${FORMAT}`);
  }

  get #file(): SyncFile {
    return this.#files[this.#current]!;
  }

  /** Reads the directories of all frames; what follows the last good frame is cut off. */
  #walk(format: number): void {
    const size = this.#file.getSize();
    const first = HEADS[format]!;
    this.#end = first;
    this.#marked = format === 1 ? first : markOf(this.#file);
    while (this.#end + FRAME <= size) {
      const head = new DataView(readAt(this.#file, this.#end, FRAME).buffer);
      const [directory, values] = [head.getUint32(4, true), head.getUint32(8, true)];
      const next = this.#end + FRAME + directory + values;
      if (head.getUint32(0, true) !== MAGICS[format] || next > size) break;
      const entries = readAt(this.#file, this.#end + FRAME, directory);
      if (next > this.#marked) {
        const body = readAt(this.#file, this.#end + FRAME + directory, values);
        const parts = format === 1 ? [body] : valuesOf(entries, body);
        if (head.getUint32(12, true) !== sum([entries, ...parts])) break;
      }
      this.#enter(entries, this.#end + FRAME + directory);
      this.#end = next;
    }
    this.#file.truncate(this.#end);
  }

  #enter(entries: Uint8Array<ArrayBuffer>, values: number): void {
    const view = new DataView(entries.buffer, entries.byteOffset);
    for (let at = 0; at < entries.length; ) {
      const keyLength = entries[at + 1]!;
      const second = view.getUint32(at + 2, true);
      const key = toKey(entries.subarray(at + 6, at + 6 + keyLength));
      if (entries[at] === 0) {
        this.#forget(key);
        this.#index.set(key, { at: values, length: second });
        this.#live += second;
        values += second;
        at += 6 + keyLength;
      } else {
        const last = toKey(entries.subarray(at + 6 + keyLength, at + 6 + keyLength + second));
        if (last === key) this.#forget(key);
        else for (const known of [...this.#index.keys()]) if (known >= key && known <= last) this.#forget(known);
        at += 6 + keyLength + second;
      }
    }
  }

  #forget(key: string): void {
    this.#live -= this.#index.get(key)?.length ?? 0;
    this.#index.delete(key);
  }

  async image(from?: Uint8Array): Promise<Record_[]> {
    const first = from ? toKey(from) : '';
    const keys = [...this.#index.keys()].filter((key) => key >= first && key < 'c').sort();
    return keys.map((key) => ({ key: fromKey(key), value: this.#value(key)! }));
  }

  #value(key: string): Uint8Array<ArrayBuffer> | undefined {
    const place = this.#index.get(key);
    return place && readAt(this.#file, place.at, place.length);
  }

  async load(keys: readonly Uint8Array[]): Promise<(ArrayBuffer | undefined)[]> {
    return keys.map((key) => this.#value(toKey(key))?.buffer);
  }

  async commit(writes: readonly Write[], hard = false): Promise<void> {
    this.commitNow(writes, hard);
  }

  commitNow(writes: readonly Write[], hard: boolean): void {
    try {
      const { entries, length } = append(this.#file, this.#end, writes);
      if (this.#strict || hard) this.#file.flush();
      this.#enter(entries, this.#end + FRAME + entries.length);
      this.#end += length;
      if (this.#end - this.#marked > MARKED) this.#mark();
    } catch (cause) {
      this.#file.truncate(this.#end);
      const full = (cause as DOMException).name === 'QuotaExceededError';
      throw new CommitError(full ? 28 : 5, full ? 'no space left on device' : `the container cannot be written: ${String(cause)}`, { cause });
    }
    if (this.#end > COMPACT && this.#end > 2 * this.#live) this.#compact();
  }

  /** Waits for the disk, and says so in the file. */
  #mark(): void {
    this.#file.flush();
    writeMark(this.#file, this.#end);
    this.#marked = this.#end;
  }

  /** Writes what lives into the other file, which then is the one that counts; whether there was room. */
  #compact(): boolean {
    const other = this.#files[1 - this.#current]!;
    const index: [string, Place][] = [];
    let end = HEAD;
    try {
      other.truncate(0);
      let batch: Record_[] = [];
      let bytes = 0;
      const write = (): void => {
        const { entries, length } = append(other, end, batch);
        let at = end + FRAME + entries.length;
        for (const { key, value } of batch) {
          index.push([toKey(key), { at, length: value.length }]);
          at += value.length;
        }
        end += length;
        [batch, bytes] = [[], 0];
      };
      for (const key of this.#index.keys()) {
        const value = this.#value(key)!;
        batch.push({ key: fromKey(key), value });
        bytes += value.length;
        if (bytes > CHUNK) write();
      }
      if (batch.length > 0) write();
      writeMark(other, end);
      other.flush();
      writeHead(other, this.#generation + 1);
      other.flush();
    } catch {
      // No room for a second copy: the old file goes on.
      other.truncate(0);
      return false;
    }
    const old = this.#file;
    this.#current = 1 - this.#current;
    this.#generation++;
    this.#end = this.#marked = end;
    this.#index.clear();
    for (const [key, place] of index) this.#index.set(key, place);
    old.truncate(0);
    return true;
  }

  async takeOver(from: Uint8Array, seal: (records: Record_[]) => Record_): Promise<Record_[]> {
    const found = await this.image(from);
    const last = seal(found);
    await this.commit([last]);
    return [...found, last];
  }

  close(): void {
    this.#mark();
    for (const file of this.#files) {
      file.flush();
      file.close();
    }
  }
}

function readAt(file: SyncFile, at: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  const got = file.read(bytes, { at });
  if (got !== length) throw new Error(`the container ends at ${at + got}, before ${at + length}`);
  return bytes;
}

/** What a file says of itself: generation 0 if it does not count, `damaged` if that is no new or emptied file. */
interface Head {
  readonly format: number;
  readonly generation: number;
  readonly damaged: boolean;
}

function headOf(file: SyncFile): Head {
  const none = { format: 0, generation: 0, damaged: false };
  if (file.getSize() < MARK + 12) return none;
  const head = readAt(file, 0, MARK);
  const view = new DataView(head.buffer);
  const magic = view.getUint32(0, true);
  if (magic === 0) return none;
  const good = view.getUint32(8, true) === sum([head.subarray(0, 8)]);
  const digit = (magic >>> 24) - 0x30;
  const isNewer = (magic & 0xffffff) === (MAGIC & 0xffffff) && digit > FORMAT && digit <= 9;
  const format = isNewer ? digit : (MAGICS as readonly number[]).indexOf(magic);
  if (!isNewer && (format < 1 || !good)) return { ...none, damaged: true };
  return { format, generation: view.getUint32(4, true), damaged: false };
}

function writeHead(file: SyncFile, generation: number): void {
  const head = new Uint8Array(HEAD);
  const view = new DataView(head.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, generation, true);
  view.setUint32(8, sum([head.subarray(0, 8)]), true);
  file.write(head.subarray(0, 12), { at: 0 });
}

/** Up to where the disk has everything; the first frame if the mark is torn. */
function markOf(file: SyncFile): number {
  const mark = readAt(file, MARK, 12);
  const view = new DataView(mark.buffer);
  return view.getUint32(8, true) === sum([mark.subarray(0, 8)]) ? view.getFloat64(0, true) : HEAD;
}

function writeMark(file: SyncFile, upto: number): void {
  const mark = new Uint8Array(12);
  const view = new DataView(mark.buffer);
  view.setFloat64(0, upto, true);
  view.setUint32(8, sum([mark.subarray(0, 8)]), true);
  file.write(mark, { at: MARK });
}

/** The values of a frame by its directory. */
function* valuesOf(entries: Uint8Array<ArrayBuffer>, body: Uint8Array<ArrayBuffer>): Generator<Uint8Array> {
  const view = new DataView(entries.buffer);
  let value = 0;
  for (let at = 0; at < entries.length; ) {
    const second = view.getUint32(at + 2, true);
    const isPut = entries[at] === 0;
    if (isPut) yield body.subarray(value, (value += second));
    at += 6 + entries[at + 1]! + (isPut ? 0 : second);
  }
}

/** Writes a batch as a frame at `end`. */
function append(file: SyncFile, end: number, writes: readonly Write[]): { entries: Uint8Array<ArrayBuffer>; length: number } {
  let directory = 0;
  let values = 0;
  for (const write of writes) {
    directory += 6 + ('first' in write ? write.first.length + write.last.length : write.key.length);
    values += 'first' in write ? 0 : write.value.length;
  }
  const head = new Uint8Array(FRAME + directory);
  const view = new DataView(head.buffer);
  let at = FRAME;
  for (const write of writes) {
    const [key, rest] = 'first' in write ? [write.first, write.last] : [write.key, undefined];
    head[at] = rest ? 1 : 0;
    head[at + 1] = key.length;
    view.setUint32(at + 2, 'first' in write ? write.last.length : write.value.length, true);
    head.set(key, at + 6);
    at += 6 + key.length;
    if (rest) {
      head.set(rest, at);
      at += rest.length;
    }
  }
  const entries = head.subarray(FRAME);
  const bodies: Uint8Array[] = [];
  for (const write of writes) if ('value' in write) bodies.push(write.value);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, directory, true);
  view.setUint32(8, values, true);
  view.setUint32(12, sum([entries, ...bodies]), true);
  writeAll(file, end, [head, ...bodies]);
  return { entries, length: head.length + values };
}

/** Writes parts one after the other, small ones together. */
function writeAll(file: SyncFile, at: number, parts: readonly Uint8Array[]): void {
  const write = (bytes: Uint8Array): void => {
    if (file.write(bytes, { at }) !== bytes.length) throw new DOMException('the container is full', 'QuotaExceededError');
    at += bytes.length;
  };
  for (let next = 0; next < parts.length; ) {
    if (parts[next]!.length >= APART) {
      write(parts[next++]!);
      continue;
    }
    let upto = next;
    let length = 0;
    while (upto < parts.length && parts[upto]!.length < APART && length < CHUNK) length += parts[upto++]!.length;
    const together = new Uint8Array(length);
    for (let filled = 0; next < upto; filled += parts[next++]!.length) together.set(parts[next]!, filled);
    write(together);
  }
}
