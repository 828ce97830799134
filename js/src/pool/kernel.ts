/** Linked modules as tasks: their exports, called in workers; loaded when a pool is first asked for one. */

import { IsolithError } from '../errors.js';
import { Heap, getHeap } from '../heap.js';
import type { Kernel } from '../kernel.js';
import { link, LinkedModule, type LinkOptions } from '../linked.js';
import type { WasmBytes } from '../linker-module.js';
import type { Pool } from '../pool.js';
import { getKernel } from '../runtime.js';
import { kernelSource, type Rows } from './duty-kernels.js';
import { refOfPrepared, type TaskRef } from './job.js';
import type { Member } from './member.js';
import type { RunOptions } from './options.js';
import { loop } from './parallel.js';

/** How a pool runs a module. */
export interface KernelOptions extends Omit<LinkOptions, 'imports'> {
  /** Address of the JavaScript module that each worker and this thread have the module's imports from: see `LinkOptions`. */
  readonly imports?: string | URL;
  /** Bytes of each worker's stack; default: as many as the module was linked with. */
  readonly stack?: number;
}

/** How `parallelFor` over a kernel goes about it. */
export interface RowOptions extends Omit<RunOptions, 'transfer'> {
  /** Rows that a worker takes at a time; default: so that each takes about 32 grains. */
  readonly grain?: number;
}

let kernels = 0;

/** A linked module whose exports workers run. Works in every pool on the same memory. */
export class PoolKernel {
  readonly linked: LinkedModule;
  readonly #id = ++kernels;
  readonly #stack: number | undefined;
  /** Whether the module was linked for this kernel, and goes with it. */
  readonly #owned: boolean;
  readonly #tasks = new Map<string, TaskRef>();
  readonly #calls = new Set<Promise<unknown>>();
  /** Who was given the module: resolves when the worker has let go of it, false if its death is not certain. */
  readonly #given = new Map<Member, Promise<boolean>>();
  #unloading: Promise<void> | undefined;

  constructor(linked: LinkedModule, stack: number | undefined, owned: boolean) {
    this.linked = linked;
    this.#stack = stack;
    this.#owned = owned;
    linked.users.add(this);
  }

  /** Names of the functions that can be called. */
  get exports(): string[] {
    return Object.entries(this.linked.exports).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []));
  }

  /** `pool.call` with options. */
  call(pool: Pool, name: string, args: readonly (number | bigint)[] = [], options?: RunOptions): Promise<number | bigint | undefined> {
    return this.#run(pool, (reached) => pool.submit(() => this.#task(name, false, reached), args, undefined, options)) as Promise<number | bigint | undefined>;
  }

  /** See `Pool.parallelFor`. */
  overRows(pool: Pool, name: string, count: number, args: readonly (number | bigint)[] = [], options: RowOptions = {}): Promise<void> {
    const { grain, ...run } = options;
    return this.#run(pool, (reached) => {
      if (!Number.isInteger(count) || count < 0 || count > 0x3fff_ffff) {
        throw new RangeError(`a count is a whole number up to ${0x3fff_ffff}, not ${count}`);
      }
      const ref = this.#task(name, true, reached);
      return loop(pool, this.linked.heap, count, grain, (cursor, grain) => {
        const rows: Rows = { cursor, count, grain, args };
        return pool.submit(() => ref, rows, undefined, run);
      });
    }) as Promise<void>;
  }

  /**
   * Calls from now on reject; those on their way end first. Resolves when all workers have let go of
   * the module, and its memory, if it was linked for this kernel, is returned. A call that never ends
   * holds it up until it is cancelled or its pool destroyed.
   */
  unload(): Promise<void> {
    return (this.#unloading ??= this.#unload());
  }

  async #run(pool: Pool, submit: (reached: readonly PoolKernel[]) => Promise<unknown>): Promise<unknown> {
    if (this.#unloading) throw new IsolithError('ERR_USE_AFTER_FREE', 'the kernel was unloaded');
    this.linked.requireLoaded();
    if (pool.heapMemory !== this.linked.heap.memory) {
      throw new IsolithError('ERR_WILD_POINTER', "the kernel lies on another heap than the pool's");
    }
    // Whom a call can reach must not be unloaded under it.
    const reached = [this, ...this.#companions()];
    const call = submit(reached);
    for (const kernel of reached) kernel.#calls.add(call);
    try {
      return await call;
    } finally {
      for (const kernel of reached) kernel.#calls.delete(call);
    }
  }

  /** The kernels of all that these modules can call: of libraries, and of what has slots of the same table. */
  #companions(): PoolKernel[] {
    const { libraries, common } = this.linked.beside;
    if (libraries.length === 0 && common.members.size === 1) return [];
    return reach(this.linked).slice(1).map((linked) => PoolKernel.of(linked));
  }

  /** The kernel of linked modules; made if there is none. */
  static of(linked: LinkedModule): PoolKernel {
    for (const user of linked.users) if (user instanceof PoolKernel && !user.#unloading) return user;
    return new PoolKernel(linked, undefined, false);
  }

  #task(name: string, rows: boolean, reached: readonly PoolKernel[]): TaskRef {
    const source = kernelSource(reached.map((kernel) => kernel.#id), name, rows);
    let task = this.#tasks.get(source);
    if (!task) {
      if (typeof this.linked.exports[name] !== 'function') {
        const known = this.exports.join(', ');
        throw new IsolithError('ERR_NO_SUCH_TASK', `the module exports no function "${name}"; it has: ${known || 'none'}`);
      }
      task = refOfPrepared(source, name, (member) => {
        for (const kernel of reached) kernel.#give(member);
      });
      this.#tasks.set(source, task);
    }
    return task;
  }

  /** Gives a worker the module, and memory of its own for it. */
  #give(member: Member): void {
    if (this.#given.has(member)) return;
    const { heap, parts, beside } = this.linked;
    const libraries = beside.libraries.map((library) => PoolKernel.of(library).#id);
    const { ptr, places } = this.linked.lend(this.#stack);
    try {
      member.thread?.post({ type: 'kernel', kernel: this.#id, parts, places, libraries });
    } catch (error) {
      if (ptr !== 0) heap.free(ptr);
      throw error;
    }
    const gone = new Promise<boolean>((resolve) => {
      const release = (certain = true): void => {
        member.heirs.delete(release);
        member.unloading.delete(this.#id);
        if (certain) this.#given.delete(member);
        if (certain && ptr !== 0) heap.free(ptr);
        resolve(certain);
      };
      member.heirs.add(release);
      member.unloading.set(this.#id, release);
    });
    this.#given.set(member, gone);
  }

  async #unload(): Promise<void> {
    // Those that these modules are libraries of call them.
    for (const user of this.linked.users) if (user instanceof LinkedModule) await user.unload();
    await Promise.allSettled(this.#calls);
    for (const member of this.#given.keys()) {
      if (member.state === 'ready') member.thread?.post({ type: 'unload', kernel: this.#id });
    }
    const certain = await Promise.all(this.#given.values());
    this.linked.users.delete(this);
    if (certain.includes(false)) {
      // Better lost than used by two.
      throw new IsolithError('EBUSY', 'a worker that was ended may still run: its memory is not returned');
    }
    // Who unloads the modules does the rest.
    if (this.#owned && !this.linked.unloaded) await this.linked.unload();
  }
}

/** See `Pool.kernel`. */
export async function openKernel(
  kernel: Kernel,
  module: WasmBytes | readonly WasmBytes[] | LinkedModule,
  options: KernelOptions = {},
): Promise<PoolKernel> {
  const { stack, ...place } = options;
  if (stack !== undefined && !(Number.isInteger(stack) && stack >= 1024)) {
    throw new RangeError(`a stack has a whole number of bytes from 1024 on, not ${stack}`);
  }
  if (typeof place.imports === 'object' && !(place.imports instanceof URL)) throw new IsolithError('ERR_NOT_SUPPORTED', HERE_ONLY);
  const owned = !(module instanceof LinkedModule);
  const heap = kernel === getKernel() ? getHeap() : new Heap(kernel);
  const linked = module instanceof LinkedModule ? module : await link(heap, module, place);
  try {
    const reason = reach(linked).map(hindrance).find((reason) => reason);
    if (reason) throw new IsolithError('ERR_NOT_SUPPORTED', reason);
    return new PoolKernel(linked, stack, owned);
  } catch (error) {
    if (owned) await linked.unload();
    throw error;
  }
}

const HERE_ONLY = 'functions of this thread cannot be called by workers: give as `imports` the address of a JavaScript module';

const OWN_HEAP = 'the module has an allocator of its own that is not made for threads and that no symbol names: link with --emit-relocs';

/** Modules, and those that they can call in a worker, each once. */
function reach(linked: LinkedModule): LinkedModule[] {
  const found = new Set([linked]);
  for (const { beside } of found) {
    for (const library of beside.libraries) found.add(library);
    for (const one of beside.common.members) if (!one.unloaded && !hindrance(one)) found.add(one);
  }
  return [...found];
}

/** Why no two threads may run the modules. */
function hindrance({ layout, beside }: LinkedModule): string | undefined {
  if (beside.bound) return HERE_ONLY;
  return layout.modules.some(({ ownHeap, threads }) => ownHeap && !threads) ? OWN_HEAP : undefined;
}
