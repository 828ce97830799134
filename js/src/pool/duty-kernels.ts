/** The worker's side of linked modules: instantiates them on this thread's kernel and calls their exports. */

import { IsolithError } from '../errors.js';
import type { Kernel } from '../kernel.js';
import type { LoadModule } from '../linked/imports.js';
import { Seat } from '../linked/seat.js';
import type { KernelMessage, ToWorker } from '../protocol.js';
import { type Callable, KERNEL } from '../task.js';
import type { Context } from './context.js';
import type { Send } from './duty-ring.js';

/**
 * The source text that stands for an export of the first of `kernels`, which may call what the
 * others have in the common table; `rows` calls it for grains of a range.
 */
export function kernelSource(kernels: readonly number[], name: string, rows: boolean): string {
  return `${KERNEL}${kernels.join()}\n${Number(rows)}\n${name}`;
}

/** A loop over `0..count`, as its workers share it. */
export interface Rows {
  /** Address of the next row that nobody has taken. */
  readonly cursor: number;
  readonly count: number;
  readonly grain: number;
  readonly args: readonly (number | bigint)[];
}

/** The linked modules of this thread. */
export class Kernels {
  readonly #kernel: () => Kernel;
  readonly #send: Send;
  readonly #load: LoadModule;
  readonly #seats = new Map<number, Promise<Seat>>();
  /** Those whose message is still on its way: the ring may be faster. */
  readonly #expected = new Map<number, (seat: Promise<Seat>) => void>();

  constructor(kernel: () => Kernel, send: Send, load: LoadModule) {
    this.#kernel = kernel;
    this.#send = send;
    this.#load = load;
  }

  take(message: Extract<ToWorker, { type: 'kernel' | 'unload' }>): void {
    const { kernel } = message;
    if (message.type === 'unload') {
      // No call is under way: they do not wait, and this is the event loop's turn.
      void this.#seats.get(kernel)?.then((seat) => seat.leave(), () => {});
      this.#seats.delete(kernel);
      this.#send({ type: 'unloaded', kernel });
      return;
    }
    const seat = this.#seated(message);
    // Told to the tasks that call it.
    seat.catch(() => {});
    const expected = this.#expected.get(kernel);
    this.#expected.delete(kernel);
    if (expected) expected(seat);
    else this.#seats.set(kernel, seat);
  }

  async #seated({ parts, places, libraries }: KernelMessage): Promise<Seat> {
    return Seat.take(this.#kernel(), parts, { load: this.#load, places, libraries: await this.#all(libraries) });
  }

  #all(kernels: readonly number[]): Promise<Seat[]> {
    return Promise.all(kernels.map((kernel) => this.#seat(kernel)));
  }

  /** The export that a task's source stands for. */
  async callable(source: string): Promise<Callable> {
    const [, kernels, rows, name] = source.split('\n') as [string, string, string, string];
    const [seat] = (await this.#all(kernels.split(',').map(Number))) as [Seat];
    const call = seat.function(name);
    if (!call) throw new IsolithError('ERR_NO_SUCH_TASK', `the module has no function "${name}"`);
    if (rows === '0') return { fn: (args: unknown[]) => call(...args), spread: false };
    return { fn: (rows: Rows, context: Context) => this.#rows(call, rows, context), spread: false };
  }

  #seat(kernel: number): Promise<Seat> {
    const known = this.#seats.get(kernel);
    if (known) return known;
    const seat = new Promise<Seat>((resolve) => this.#expected.set(kernel, resolve));
    this.#seats.set(kernel, seat);
    return seat;
  }

  #rows(call: (...args: unknown[]) => unknown, { cursor, count, grain, args }: Rows, { signal }: Context): void {
    const at = new Int32Array(this.#kernel().memory.buffer, cursor, 1);
    for (;;) {
      const start = Atomics.add(at, 0, grain) >>> 0;
      if (start >= count || signal.aborted) return;
      call(start, Math.min(start + grain, count), ...args);
    }
  }
}
