/** Open files as objects: `FileHandle` of `node:fs/promises`. */

import type { Client, Steps } from './client.js';
import type { OpenMode } from './constants.js';
import { bytesOf, type Data, type Encoding } from './data.js';
import type { BigIntStats, Stats } from './stats.js';
import * as verbs from './verbs.js';

/** Where and how much `FileHandle.read` reads. */
export interface ReadInto<T extends ArrayBufferView = Uint8Array> {
  readonly buffer?: T;
  readonly offset?: number | null;
  readonly length?: number | null;
  readonly position?: number | bigint | null;
}

/**
 * An open file. What is written is seen by everybody at once, and is durable once `sync` or `close`
 * has resolved. Close it: the garbage collector does not.
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

  #run<T>(steps: Steps<T>): Promise<T> {
    return this.#client.run(steps, false);
  }

  async read<T extends ArrayBufferView = Uint8Array>(
    buffer?: T | ReadInto<T>,
    offset?: number | null | ReadInto<T>,
    length?: number | null,
    position?: number | bigint | null,
  ): Promise<{ bytesRead: number; buffer: T }> {
    let into: ReadInto<T>;
    if (ArrayBuffer.isView(buffer)) {
      into = typeof offset === 'object' && offset !== null ? { ...offset, buffer } : { buffer, offset: offset ?? 0, length: length ?? null, position: position ?? null };
    } else into = buffer ?? {};
    const bytes = into.buffer ?? (new Uint8Array(16384) as unknown as T);
    const bytesRead = await this.#run(verbs.read(this.#fd, bytes, into.offset ?? 0, into.length, into.position));
    return { bytesRead, buffer: bytes };
  }

  async readv<T extends ArrayBufferView>(buffers: readonly T[], position?: number | null): Promise<{ bytesRead: number; buffers: readonly T[] }> {
    let bytesRead = 0;
    for (const buffer of buffers) {
      const at = typeof position === 'number' ? position + bytesRead : null;
      const got = await this.#run(verbs.read(this.#fd, buffer, 0, buffer.byteLength, at));
      bytesRead += got;
      if (got < buffer.byteLength) break;
    }
    return { bytesRead, buffers };
  }

  async write<T extends Data>(
    data: T,
    offsetOrPosition?: number | null | { readonly offset?: number; readonly length?: number; readonly position?: number | null },
    lengthOrEncoding?: number | Encoding | null,
    position?: number | null,
  ): Promise<{ bytesWritten: number; buffer: T }> {
    let bytes: Uint8Array;
    let at: number | null | undefined;
    if (typeof data === 'string') {
      bytes = bytesOf(data, (lengthOrEncoding ?? 'utf8') as Encoding);
      at = offsetOrPosition as number | null | undefined;
    } else {
      bytes = bytesOf(data, null, 'buffer');
      const named = typeof offsetOrPosition === 'object' && offsetOrPosition ? offsetOrPosition : undefined;
      const offset = named ? (named.offset ?? 0) : ((offsetOrPosition as number | null | undefined) ?? 0);
      const length = named ? named.length : (lengthOrEncoding as number | null | undefined);
      at = named ? named.position : position;
      bytes = bytes.subarray(offset, offset + (length ?? bytes.length - offset));
    }
    this.#dirty = true;
    const bytesWritten = await this.#run(verbs.write(this.#fd, bytes, at));
    return { bytesWritten, buffer: data };
  }

  async writev<T extends ArrayBufferView>(buffers: readonly T[], position?: number | null): Promise<{ bytesWritten: number; buffers: readonly T[] }> {
    let bytesWritten = 0;
    for (const buffer of buffers) {
      const at = typeof position === 'number' ? position + bytesWritten : null;
      bytesWritten += (await this.write(bytesOf(buffer, null), 0, null, at)).bytesWritten;
    }
    return { bytesWritten, buffers };
  }

  readFile(options?: verbs.ReadOptions): Promise<string | Uint8Array<ArrayBuffer>> {
    return this.#run(verbs.readFile(this.#fd, options));
  }

  writeFile(data: Data, options?: verbs.WriteOptions): Promise<void> {
    this.#dirty = true;
    return this.#client.run(verbs.writeFile(this.#fd, data, options));
  }

  appendFile(data: Data, options?: verbs.WriteOptions): Promise<void> {
    return this.writeFile(data, options);
  }

  stat(options?: verbs.StatOptions): Promise<Stats | BigIntStats> {
    return this.#run(verbs.fstat(this.#fd, options)) as Promise<Stats | BigIntStats>;
  }

  truncate(length?: number | null): Promise<void> {
    this.#dirty = true;
    return this.#run(verbs.ftruncate(this.#fd, length));
  }

  chmod(mode: verbs.Mode): Promise<void> {
    return this.#client.run(verbs.fchmod(this.#fd, mode));
  }

  chown(uid: number, gid: number): Promise<void> {
    return this.#client.run(verbs.fchown(this.#fd, uid, gid));
  }

  utimes(atime: verbs.Time, mtime: verbs.Time): Promise<void> {
    return this.#client.run(verbs.futimes(this.#fd, atime, mtime));
  }

  /** Resolves when everything written is durable. */
  sync(): Promise<void> {
    this.#dirty = false;
    return this.#client.run(verbs.fsync(this.#fd));
  }

  datasync(): Promise<void> {
    return this.sync();
  }

  /** Closes the file; resolves when what was written through this handle is durable. */
  async close(): Promise<void> {
    const fd = this.#fd;
    if (fd < 0) return;
    this.#fd = -1;
    try {
      if (this.#dirty) await this.#client.run(verbs.fsync(fd));
    } finally {
      await this.#run(verbs.close(fd));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The rest of the file as a stream of bytes; closes the file at its end if `autoClose`. */
  readableWebStream({ autoClose = false }: { readonly autoClose?: boolean } = {}): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: async (controller) => {
        const bytes = new Uint8Array(CHUNK);
        const { bytesRead } = await this.read(bytes);
        if (bytesRead > 0) return controller.enqueue(bytes.subarray(0, bytesRead));
        if (autoClose) await this.close();
        controller.close();
      },
      cancel: async () => {
        if (autoClose) await this.close();
      },
    }, { highWaterMark: 2 });
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

/** Opens a file as an object. */
export async function openHandle(client: Client, path: verbs.PathOrFd, flags?: OpenMode | null, mode?: verbs.Mode | null): Promise<FileHandle> {
  return new FileHandle(client, await client.run(verbs.open(path as string, flags, mode)));
}
