/** Mapped files: a file's cached bytes as one piece of memory that every worker can use, without a copy. */

import { type Client, step } from './client.js';
import * as ops from './ops.js';
import type { PathLike } from './path.js';
import * as verbs from './verbs.js';

/** A file as memory. Its bytes are the file's: what is written there is in the file once `sync` is called. */
export class MappedFile {
  readonly #client: Client;
  readonly #fd: number;
  #ptr: number;
  #size: number;
  #view: Uint8Array | undefined;

  /** Made by `map`. */
  constructor(client: Client, fd: number, ptr: number, size: number) {
    this.#client = client;
    this.#fd = fd;
    this.#ptr = ptr;
    this.#size = size;
  }

  /** Address in the runtime's memory, the same on every thread; null once unmapped. */
  get ptr(): number | null {
    return this.#ptr === 0 ? null : this.#ptr;
  }

  /** Bytes of the file when it was mapped. */
  get size(): number {
    return this.#size;
  }

  /** The bytes; a new view after the memory has grown. */
  get memory(): Uint8Array | null {
    if (this.#ptr === 0) return null;
    const { buffer } = this.#client.door.kernel.memory;
    if (this.#view?.buffer !== buffer) this.#view = new Uint8Array(buffer, this.#ptr, this.#size);
    return this.#view;
  }

  /** Makes what was written in the range part of the file; resolves when it is durable. */
  async sync(offset = 0, length = this.#size - offset): Promise<void> {
    await this.#client.run(step(ops.mapSync(this.#fd, offset, length)));
  }

  /** Ends the mapping: the memory is not to be used any more. What was not synced is lost. */
  async unmap(): Promise<void> {
    if (this.#ptr === 0) return;
    this.#ptr = 0;
    this.#size = 0;
    this.#view = undefined;
    await this.#client.run(step(ops.unmap(this.#fd)));
    await this.#client.run(verbs.close(this.#fd));
  }

  toJSON(): { ptr: number | null; size: number } {
    return { ptr: this.ptr, size: this.size };
  }
}

/** Maps a file, which must fit the memory. */
export async function map(client: Client, path: PathLike, { writable = true }: { readonly writable?: boolean } = {}): Promise<MappedFile> {
  const fd = await client.run(verbs.open(path, writable ? 'r+' : 'r'), false);
  try {
    const { ptr, size } = await client.run(step(ops.map(fd)));
    return new MappedFile(client, fd, ptr, size);
  } catch (error) {
    await client.run(step(ops.unmap(fd))).catch(() => {});
    await client.run(verbs.close(fd));
    throw error;
  }
}
