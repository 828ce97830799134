/** What each thread needs to run linked modules on a heap's memory: its table, its allocator, its stacks. */

import type { Kernel } from '../kernel.js';
import { type Bound, type Exported, exported, instantiateAll } from './instances.js';

/** Linked modules as they travel between threads. */
export interface Parts {
  readonly modules: readonly WebAssembly.Module[];
  readonly bound: readonly Bound[];
  /** The slots of the one function table, `null` without one. */
  readonly tableSlots: number | null;
  /** The allocator functions that go into the table. */
  readonly hosted: readonly { readonly name: string; readonly slot: number }[];
}

/** A thread's own memory for one module; 0: it has none. */
export interface Place {
  /** The end of its stack, where that starts. */
  readonly stackTop: number;
  /** Its thread-local data. */
  readonly tls: number;
}

/** The kernel's functions that serve as a foreign module's allocator; see `src/heap/foreign.rs`. */
const ALLOCATOR: Record<string, string> = {
  malloc: 'isolith_c_malloc',
  calloc: 'isolith_c_calloc',
  realloc: 'isolith_c_realloc',
  free: 'isolith_c_free',
  aligned_alloc: 'isolith_c_aligned_alloc',
  memalign: 'isolith_c_aligned_alloc',
  posix_memalign: 'isolith_c_posix_memalign',
  malloc_usable_size: 'isolith_c_malloc_usable_size',
  __rust_alloc: 'isolith_rust_alloc',
  __rust_alloc_zeroed: 'isolith_rust_alloc_zeroed',
  __rust_dealloc: 'isolith_rust_dealloc',
  __rust_realloc: 'isolith_rust_realloc',
};

/** Linked modules on one thread. */
export class Seat {
  readonly instances: readonly WebAssembly.Instance[];
  readonly table: WebAssembly.Table | undefined;
  readonly #tops: readonly number[];

  private constructor(instances: readonly WebAssembly.Instance[], table: WebAssembly.Table | undefined) {
    this.instances = instances;
    this.table = table;
    this.#tops = instances.map((instance) => stackPointer(instance)?.value as number ?? 0);
  }

  /** Instantiates on this thread's kernel; with `places`, on stacks and thread-local data of its own. */
  static async take(kernel: Kernel, parts: Parts, places?: readonly Place[], imports?: WebAssembly.Imports): Promise<Seat> {
    const own = kernel.exports as unknown as Record<string, Exported>;
    const common: WebAssembly.ModuleImports = { memory: kernel.memory };
    for (const [name, from] of Object.entries(ALLOCATOR)) common[name] = own[from] as Exported;
    const table = parts.tableSlots === null ? undefined : new WebAssembly.Table({ initial: parts.tableSlots, element: 'anyfunc' });
    if (table) common['__indirect_function_table'] = table;
    for (const { name, slot } of parts.hosted) table?.set(slot, own[ALLOCATOR[name] ?? '']);
    const instances = await instantiateAll(parts.modules, parts.bound, common, imports);
    for (const [index, { stackTop, tls }] of places?.entries() ?? []) {
      const stack = stackPointer(instances[index]);
      if (stack && stackTop !== 0) stack.value = stackTop;
      if (tls === 0) continue;
      const base = instances[index]?.exports['__isolith_tls_base'] as WebAssembly.Global | undefined;
      // Who knows the bytes has written them there.
      if (base) base.value = tls;
      else exported(instances[index], '__wasm_init_tls')?.(tls);
    }
    return new Seat(instances, table);
  }

  /** The function of the first module that exports it. */
  function(name: string): Exported | undefined {
    for (const instance of this.instances) {
      const found = exported(instance, name);
      if (found) return (...args) => this.#guarded(found, args);
    }
    return undefined;
  }

  /** A call that traps leaves its frames on the stack: they are taken off. */
  #guarded(call: Exported, args: unknown[]): unknown {
    try {
      return call(...args);
    } catch (error) {
      for (const [index, instance] of this.instances.entries()) {
        const stack = stackPointer(instance);
        if (stack) stack.value = this.#tops[index];
      }
      throw error;
    }
  }
}

function stackPointer(instance: WebAssembly.Instance | undefined): WebAssembly.Global | undefined {
  return instance?.exports['__isolith_stack_pointer'] as WebAssembly.Global | undefined;
}
