/** Open files as objects: `FileHandle` of `node:fs/promises`. */

import { type Client, step, type Steps } from './client.js';
import type { OpenMode } from './constants.js';
import { bytesOf, type Contents, type Data, type Encoding, isEncoding, isPieces, optionsOf } from './data.js';
import { badValue, fsError, switches } from './errors.js';
import * as ops from './ops.js';
import type { PathLike } from './path.js';
import { asyncDispose, type BigIntStats, type Stats } from './stats.js';
import * as verbs from './verbs.js';

/** Where and how much `FileHandle.read` reads. */
export interface ReadInto<T extends ArrayBufferView = Uint8Array> {
  readonly buffer?: T | undefined;
  readonly offset?: number | null | undefined;
  readonly length?: number | null | undefined;
  readonly position?: number | bigint | null | undefined;
}

/** What of a buffer is written, and where. */
export interface WriteFrom {
  readonly offset?: number | null | undefined;
  readonly length?: number | null | undefined;
  readonly position?: number | null | undefined;
}

/**
 * An open file. What is written is seen by everybody at once, and is durable once `close` has resolved, on the disk
 * itself once `sync` has. Close it: the garbage collector does not.
 */
export class FileHandle {
  /** The number of the open file; -1 once closed. */
  #fd: number;
  readonly #client: Client;
  #dirty = false;

  /** Made by `open`. */
  constructor(client: Client, fd: number) {
    this.#client = client;
    this.#fd = fd;
  }

  get fd(): number {
    return this.#fd;
  }

  async #run<T>(syscall: string, steps: (fd: number) => Steps<T>, flush = false): Promise<T> {
    if (this.#fd < 0) throw fsError('EBADF', { syscall });
    return this.#client.run(steps(this.#fd), flush);
  }

  read<T extends ArrayBufferView>(buffer: T, offset?: number | null, length?: number | null, position?: number | bigint | null): Promise<{ bytesRead: number; buffer: T }>;
  read<T extends ArrayBufferView>(buffer: T, options: Omit<ReadInto, 'buffer'>): Promise<{ bytesRead: number; buffer: T }>;
  read<T extends ArrayBufferView = Uint8Array>(options?: ReadInto<T>): Promise<{ bytesRead: number; buffer: T }>;
  async read<T extends ArrayBufferView = Uint8Array>(
    buffer?: T | ReadInto<T>,
    offset?: number | null | Omit<ReadInto, 'buffer'>,
    length?: number | null,
    position?: number | bigint | null,
  ): Promise<{ bytesRead: number; buffer: T }> {
    let into: ReadInto<T>;
    if (ArrayBuffer.isView(buffer)) {
      into = typeof offset === 'object' && offset !== null ? { ...offset, buffer } : { buffer, offset: offset ?? 0, length: length ?? null, position: position ?? null };
    } else into = switches(buffer ?? undefined);
    const bytes = into.buffer ?? (new Uint8Array(16384) as unknown as T);
    if (bytes.byteLength === 0) throw badValue('buffer', '', 'is empty and cannot be written');
    const bytesRead = await this.#run('read', (fd) => verbs.read(fd, bytes, into.offset, into.length, into.position));
    return { bytesRead, buffer: bytes };
  }

  async readv<T extends readonly ArrayBufferView[]>(buffers: T, position?: number): Promise<{ bytesRead: number; buffers: T }> {
    return { bytesRead: await this.#run('read', (fd) => verbs.readv(fd, buffers, position)), buffers };
  }

  async write<T extends Data>(
    data: T,
    offsetOrPosition?: number | null | WriteFrom,
    lengthOrEncoding?: number | Encoding | null,
    position?: number | null,
  ): Promise<{ bytesWritten: number; buffer: T }> {
    const [bytes, at] = writeArguments(data, offsetOrPosition, lengthOrEncoding, position);
    if (bytes.length === 0) return { bytesWritten: 0, buffer: data };
    this.#dirty = true;
    return { bytesWritten: await this.#run('write', (fd) => verbs.write(fd, bytes, at)), buffer: data };
  }

  async writev<T extends readonly ArrayBufferView[]>(buffers: T, position?: number): Promise<{ bytesWritten: number; buffers: T }> {
    this.#dirty = true;
    return { bytesWritten: await this.#run('write', (fd) => verbs.writev(fd, buffers, position)), buffers };
  }

  readFile(options: Encoding | { readonly encoding: Encoding; readonly signal?: AbortSignal | undefined }): Promise<string>;
  readFile(options?: { readonly encoding?: null | undefined; readonly signal?: AbortSignal | undefined } | null): Promise<Uint8Array<ArrayBuffer>>;
  readFile(options?: verbs.ReadOptions): Promise<string | Uint8Array<ArrayBuffer>> {
    return this.#run('read', (fd) => verbs.readFile(fd, options));
  }

  /** Writes from where the file stands on; resolves when it is durable. */
  async writeFile(data: Contents, options?: verbs.WriteOptions): Promise<void> {
    this.#dirty = true;
    if (!isPieces(data)) return this.#run('write', (fd) => verbs.writeFile(fd, data, options), true);
    const { signal, encoding } = optionsOf(options);
    for await (const piece of data) {
      signal?.throwIfAborted();
      await this.write(piece, null, encoding as never);
    }
    await this.sync();
  }

  appendFile(data: Contents, options?: verbs.WriteOptions): Promise<void> {
    return this.writeFile(data, options);
  }

  stat(options: { readonly bigint: true }): Promise<BigIntStats>;
  stat(options?: { readonly bigint?: false | undefined }): Promise<Stats>;
  stat(options?: verbs.StatOptions): Promise<Stats | BigIntStats> {
    return this.#run('fstat', (fd) => verbs.fstat(fd, options)) as Promise<Stats | BigIntStats>;
  }

  truncate(length?: number | null): Promise<void> {
    this.#dirty = true;
    return this.#run('ftruncate', (fd) => verbs.ftruncate(fd, length));
  }

  chmod(mode: verbs.Mode): Promise<void> {
    return this.#run('fchmod', (fd) => verbs.fchmod(fd, mode), true);
  }

  chown(uid: number, gid: number): Promise<void> {
    return this.#run('fchown', (fd) => verbs.fchown(fd, uid, gid), true);
  }

  utimes(atime: verbs.Time, mtime: verbs.Time): Promise<void> {
    return this.#run('futime', (fd) => verbs.futimes(fd, atime, mtime), true);
  }

  /** Resolves when all changes of the file are on the disk itself. */
  sync(): Promise<void> {
    this.#dirty = false;
    return this.#run('fsync', verbs.fsync, true);
  }

  datasync(): Promise<void> {
    return this.sync();
  }

  /** Closes the file; resolves when what was written through this handle is as durable as `writeFile` makes it. */
  async close(): Promise<void> {
    const fd = this.#fd;
    if (fd < 0) return;
    this.#fd = -1;
    try {
      if (this.#dirty) await this.#client.run(step(ops.sync(fd, false)));
    } finally {
      await this.#client.run(verbs.close(fd), false);
    }
  }

  async [asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The rest of the file as a stream of bytes; closes the file at its end if `autoClose`. */
  readableWebStream({ type, autoClose = false }: { readonly type?: 'bytes' | undefined; readonly autoClose?: boolean | undefined } = {}): ReadableStream<Uint8Array<ArrayBuffer>> {
    const source = {
      pull: async (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | ReadableByteStreamController) => {
        const bytes = new Uint8Array(CHUNK);
        const { bytesRead } = await this.read(bytes);
        if (bytesRead > 0) return controller.enqueue(bytes.subarray(0, bytesRead));
        if (autoClose) await this.close();
        controller.close();
        // Who reads into a buffer of his own waits for an answer even at the end.
        (controller as Partial<ReadableByteStreamController>).byobRequest?.respond(0);
      },
      cancel: async () => {
        if (autoClose) await this.close();
      },
    };
    return type === 'bytes' ? new ReadableStream({ ...source, type }) : new ReadableStream(source, { highWaterMark: 2 });
  }

  /** The rest of the file line by line, without the line ends. */
  async *readLines({ encoding = 'utf-8' }: { readonly encoding?: string } = {}): AsyncGenerator<string, void> {
    const decoder = new TextDecoder(encoding);
    let rest = '';
    const reader = this.readableWebStream().getReader();
    for (;;) {
      const { done, value } = await reader.read();
      rest += decoder.decode(value, { stream: !done });
      const lines = rest.split(/\r?\n/);
      rest = lines.pop()!;
      yield* lines;
      if (done) break;
    }
    if (rest !== '') yield rest;
  }
}

/** Bytes that streams move at a time. */
export const CHUNK = 256 * 1024;

/** What is written and where, by the three ways to say it; position null means where the file stands. */
export function writeArguments(
  data: Data,
  offsetOrPosition: number | null | undefined | WriteFrom,
  lengthOrEncoding: number | Encoding | null | undefined,
  position: number | null | undefined,
): [bytes: Uint8Array, position: number | null | undefined] {
  if (typeof data === 'string') return [bytesOf(data, isEncoding(lengthOrEncoding) ? lengthOrEncoding : 'utf8'), offsetOrPosition as number | null | undefined];
  const named = typeof offsetOrPosition === 'object' ? offsetOrPosition : undefined;
  const offset = named ? named.offset : (offsetOrPosition as number | null | undefined);
  const length = named ? named.length : (lengthOrEncoding as number | null | undefined);
  return [verbs.range(bytesOf(data, null, 'buffer'), offset, length, true), named ? named.position : position];
}

/** Opens a file as an object. */
export async function openHandle(client: Client, path: PathLike, flags?: OpenMode | null, mode?: verbs.Mode | null): Promise<FileHandle> {
  return new FileHandle(client, await client.run(verbs.open(path, flags, mode)));
}
