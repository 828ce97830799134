/** A bounded byte pipe in the kernel's memory: the page awaits its ends, guests block on theirs. */

import { Door } from '../fs/exports.js';
import type { Kernel } from '../kernel.js';
import { type RuntimeExports, runtimeExports, Status } from './kernel-wasi.js';
import { WasmCode, WasmError } from './errors.js';
import { until } from '../sync/wait.js';

/** How often a page without shared memory looks, in milliseconds. */
const LOOK = 10;

const READ = 0;
const WRITE = 1;
const ALL = 2;

/**
 * Bytes in order from writers to readers, 64 KiB in between unless told otherwise.
 *
 * The page holds both ends until a process is given one of them; a process's end closes with it.
 * Reading resolves with `undefined` when all is read and nobody can write any more; writing rejects
 * when nobody can read. Writes are done in the order of their calls, and so are reads.
 */
export class KernelPipe {
  /** What a process's configuration names it by. */
  readonly id: number;
  readonly #kernel: Kernel;
  readonly #door: Door;
  readonly #exports: RuntimeExports;
  readonly #bellAt: number;
  #writing: Promise<unknown> = Promise.resolve();
  #reading: Promise<unknown> = Promise.resolve();

  /** Makes a pipe of `capacity` bytes. */
  static create(kernel: Kernel, capacity = 0): KernelPipe {
    const id = runtimeExports(kernel).isolith_pipe_make(capacity);
    if (id === 0) throw new WasmError(WasmCode.wasi, 'there is no memory for a pipe, or there are too many');
    return new KernelPipe(kernel, id);
  }

  private constructor(kernel: Kernel, id: number) {
    this.id = id;
    this.#kernel = kernel;
    this.#door = Door.of(kernel);
    this.#exports = runtimeExports(kernel);
    this.#bellAt = this.#exports.isolith_pipe_bell(id) >>> 0;
  }

  /** Writes all of `bytes`; resolves when the last of them is in the pipe. */
  write(bytes: Uint8Array): Promise<void> {
    const turn = this.#writing.then(() => this.#write(bytes));
    this.#writing = turn.catch(() => {});
    return turn;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    // Whatever is longer than this would only lie twice in memory.
    const most = 64 * 1024;
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + most);
      let moved = 0;
      const status = await this.#until(() => {
        this.#door.put(part);
        const answer = this.#exports.isolith_pipe_write(this.id, 0, part.length);
        // Read at once: the thread's next call, whosever it is, answers in the same place.
        if (answer === 0) moved = this.#door.number(0);
        return answer;
      });
      if (status !== 0) throw new WasmError(WasmCode.io, 'nobody reads the pipe any more');
      at += moved;
    }
  }

  /** Reads what is there, at most `max` bytes, at least one; `undefined` at the end. */
  read(max = 64 * 1024): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const turn = this.#reading.then(async () => {
      let bytes: Uint8Array<ArrayBuffer> | undefined;
      await this.#until(() => {
        const status = this.#exports.isolith_pipe_read(this.id, max);
        if (status === 0) bytes = this.#door.output();
        return status;
      });
      return bytes;
    });
    this.#reading = turn.catch(() => {});
    return turn;
  }

  /** Tries until the pipe does not block; the status, 0 or `ended`. */
  async #until(attempt: () => number): Promise<number> {
    let status = attempt();
    if (status !== Status.sleep) return status;
    const tried = (): boolean => (status = attempt()) !== Status.sleep;
    if (!this.#kernel.shared) {
      while (!tried()) await new Promise((resolve) => setTimeout(resolve, LOOK));
      return status;
    }
    await until(new Int32Array(this.#kernel.memory.buffer, this.#bellAt, 1), 0, tried, undefined);
    return status;
  }

  /** Gives the page's writing end up: readers see the end after what is written. */
  closeWrite(): void {
    this.#exports.isolith_pipe_close(this.id, WRITE);
  }

  /** Gives the page's reading end up: writers see that nobody reads. */
  closeRead(): void {
    this.#exports.isolith_pipe_close(this.id, READ);
  }

  /** Takes the pipe away; who still has an end sees the other side gone. */
  free(): void {
    this.#exports.isolith_pipe_close(this.id, ALL);
  }
}
