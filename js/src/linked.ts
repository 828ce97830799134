/** Modules on a heap: `heap.link` places them into a block of its memory and gives their exports. */

import type { MemoryBlock } from './block.js';
import { IsolithError } from './errors.js';
import type { Heap } from './heap.js';
import { type Beside, combineApart, inspect, type Layout, LinkError, type Placement, type ThreadLocal, type WasmBytes } from './link.js';
import { exported } from './linked/instances.js';
import { type Parts, type Place, Seat } from './linked/seat.js';
import { Common } from './linked/table.js';
import { moduleAt } from './module-at.js';
import { absolute } from './task.js';

/** How `heap.link` places modules. */
export interface LinkOptions {
  /** Bytes of stack for each module beyond those it was linked with. */
  readonly additionalStack?: number;
  /** Bytes left unused before each module, 1024 unless given. */
  readonly guard?: number;
  /** One function table for all the modules and their libraries: function pointers cross between them. */
  readonly oneTable?: boolean;
  /**
   * Modules linked before on the same heap, whose exports these import: functions from `env`, and
   * side modules addresses of functions and data too; the first that has a name counts. `unload` of
   * a library unloads these modules first.
   */
  readonly libraries?: readonly Library[];
  /**
   * What the modules import beyond memory, allocator, each other and libraries, and in place of
   * those: an object, for this thread alone, or the address of a JavaScript module that every thread
   * loads which runs them. What that exports is the imports (`export const env = { … }`), or what
   * its default export answers, a function that is called with an `ImportContext`.
   */
  readonly imports?: WebAssembly.Imports | string | URL;
}

/** What `heap.link` or `pool.kernel` gave. */
export type Library = LinkedModule | { readonly linked: LinkedModule };

/** Who runs the modules on other threads. */
interface User {
  unload(): Promise<void>;
}

/** What modules were linked beside. */
interface Neighbours {
  readonly libraries: readonly LinkedModule[];
  /** The table that they have slots of, and who else has. */
  readonly common: Common<LinkedModule>;
  /** Whether they import functions of this thread. */
  readonly bound: boolean;
}

const GUARD = 1024;
const ALIGN = 16;

/** Modules in a block of a heap, instantiated on the thread that linked them. */
export class LinkedModule {
  readonly heap: Heap;
  /** The memory of all the modules; freed by `unload`. */
  readonly block: MemoryBlock;
  /** Where each module lies. */
  readonly layout: Layout;
  /** What could not be proved safe, one line each. */
  readonly warnings: readonly string[];
  /**
   * The exports of all modules; of a name that several have, the first's. Functions run on this
   * thread, and after `unload` throw `ERR_USE_AFTER_FREE`.
   */
  readonly exports: Readonly<Record<string, WebAssembly.ExportValue>>;
  /** The table of functions, where the modules have one in common. */
  readonly table: WebAssembly.Table | undefined;
  /** What other threads instantiate; for the package's own use. */
  readonly parts: Parts;
  /** Who else runs these modules, or calls them; for the package's own use. */
  readonly users = new Set<User>();
  /** What they were linked beside; for the package's own use. */
  readonly beside: Neighbours;
  /** Them on this thread; for the package's own use. */
  readonly seat: Seat;
  readonly #threadLocal: readonly (ThreadLocal | undefined)[];
  #unloading: Promise<void> | undefined;

  constructor(
    heap: Heap, block: MemoryBlock, layout: Layout, warnings: readonly string[], parts: Parts, seat: Seat,
    threadLocal: readonly (ThreadLocal | undefined)[], beside: Neighbours,
  ) {
    this.heap = heap;
    this.block = block;
    this.layout = layout;
    this.warnings = warnings;
    this.parts = parts;
    this.table = seat.table;
    this.seat = seat;
    this.beside = beside;
    this.#threadLocal = threadLocal;
    this.exports = this.#exports();
    beside.common.members.add(this);
    for (const library of beside.libraries) library.users.add(this);
  }

  /** Whether `unload` was called. */
  get unloaded(): boolean {
    return this.#unloading !== undefined;
  }

  /** Throws `ERR_USE_AFTER_FREE` after `unload`. */
  requireLoaded(): void {
    if (this.unloaded) throw new IsolithError('ERR_USE_AFTER_FREE', 'the module was unloaded');
  }

  /**
   * Frees the block. Calls from now on throw; calls that workers have begun end first, and a killed
   * worker's death is awaited. Resolves when the memory is returned.
   */
  unload(): Promise<void> {
    return (this.#unloading ??= this.#unload());
  }

  async #unload(): Promise<void> {
    const users = await Promise.allSettled([...this.users].map((user) => user.unload()));
    const kept = users.find((outcome) => outcome.status === 'rejected');
    // Where a thread may still run the modules their memory is nobody else's.
    if (kept) throw kept.reason;
    const { common, libraries } = this.beside;
    for (const library of libraries) library.users.delete(this);
    common.members.delete(this);
    this.seat.leave();
    if (this.parts.slots) common.giveBack(this.parts.slots);
    this.heap.free(this.block);
  }

  /**
   * Memory for one more thread, with what its thread-local data holds at first, and what lies where
   * in it; `ptr` 0: it needs none. Throws `ENOMEM`.
   */
  lend(stack?: number): { ptr: number; places: Place[] } {
    const needs = this.seat.instances.map(({ exports }, index) => {
      const { start, end } = this.layout.modules[index]!.stack;
      const told = (name: string): number => Number((exports[name] as WebAssembly.Global | undefined)?.value ?? 0);
      const known = this.#threadLocal[index];
      const asked = '__wasm_init_tls' in exports ? told('__tls_size') : 0;
      return {
        stack: end > start ? up(stack ?? end - start, ALIGN) : 0,
        known: known?.bytes,
        tls: known?.bytes.length ?? asked,
        align: Math.max(known?.align ?? told('__tls_align'), ALIGN),
      };
    });
    const bytes = needs.reduce((sum, { stack, tls, align }) => sum + stack + (tls > 0 ? up(tls, ALIGN) + align : 0), 0);
    const ptr = bytes > 0 ? this.heap.allocRaw(bytes) : 0;
    let next = ptr;
    const places = needs.map(({ stack, known, tls: size, align }) => {
      const stackTop = stack > 0 ? (next += stack) : 0;
      if (size === 0) return { stackTop, tls: 0 };
      const tls = up(next, align);
      next = up(tls + size, ALIGN);
      if (known) this.heap.HEAP.set(known, tls);
      return { stackTop, tls };
    });
    return { ptr, places };
  }

  #exports(): Record<string, WebAssembly.ExportValue> {
    const all: Record<string, WebAssembly.ExportValue> = {};
    for (const { exports } of this.seat.instances) {
      for (const [name, value] of Object.entries(exports)) {
        if (name in all || name.startsWith('__isolith_') || value instanceof WebAssembly.Memory) continue;
        all[name] = typeof value === 'function' ? this.#function(name) : value;
      }
    }
    return all;
  }

  #function(name: string): (...args: unknown[]) => unknown {
    const call = this.seat.function(name)!;
    return (...args) => {
      this.requireLoaded();
      return call(...args);
    };
  }
}

function up(number: number, align: number): number {
  return Math.ceil(number / align) * align;
}

/** See `Heap.link`. */
export async function link(heap: Heap, modules: WasmBytes | readonly WasmBytes[], options: LinkOptions = {}): Promise<LinkedModule> {
  const files = Array.isArray(modules) ? (modules as readonly WasmBytes[]) : [modules as WasmBytes];
  const { additionalStack = 0, guard = GUARD, oneTable = false, imports } = options;
  const libraries = (options.libraries ?? []).map((one) => (one instanceof LinkedModule ? one : one.linked));
  for (const library of libraries) requireHere(library, heap);
  const common = oneTable && libraries.length > 0 ? tableOf(libraries) : new Common<LinkedModule>();
  const bytes = await room(files, up(additionalStack, ALIGN) + guard);
  const block = heap.calloc(bytes + guard);
  let parts: Parts | undefined;
  let seat: Seat | undefined;
  try {
    const base = block.ptr! + guard;
    const { shared } = heap.kernel;
    const wish = { additionalStack, guard, base, shared, oneTable };
    const { made, layout, warnings } = await placed(files, wish, common, libraries.flatMap(symbols));
    const slots = layout.tableSlots === null ? undefined : common.take(layout.tableSlots);
    const bound = layout.modules.map(({ bindings, weak, stack }) => ({ bindings, weak, stack }));
    const { hosted, borrowed } = layout;
    const url = typeof imports === 'string' || imports instanceof URL ? absolute(imports) : undefined;
    parts = { modules: [], bound, slots, hosted, borrowed, imports: url };
    if (layout.heapBase > block.ptr! + block.size) {
      throw new IsolithError('ERR_LAYOUT_OVERFLOW', `the modules end at ${layout.heapBase}, their block at ${block.ptr! + block.size}`);
    }
    for (const { address, bytes } of made.flatMap(({ image }) => image)) heap.HEAP.set(bytes, address);
    parts = { ...parts, modules: await Promise.all(made.map(({ module }) => WebAssembly.compile(module))) };
    const own = url === undefined ? (imports as WebAssembly.Imports | undefined) : undefined;
    seat = await Seat.take(heap.kernel, parts, { load: moduleAt, imports: own, libraries: libraries.map(({ seat }) => seat) });
    // Unloaded meanwhile: from here on they know who needs them.
    for (const library of libraries) library.requireLoaded();
    begin(seat, layout.modules);
    const threadLocal = made.map(({ threadLocal }) => threadLocal);
    const beside = { libraries, common, bound: own !== undefined };
    return new LinkedModule(heap, block, layout, [...warnings, ...ownHeaps(layout.modules)], parts, seat, threadLocal, beside);
  } catch (error) {
    seat?.leave();
    if (parts?.slots) common.giveBack(parts.slots);
    heap.free(block);
    throw error;
  }
}

/** Places the modules behind what others have of the table, also if others come in between. */
async function placed(
  files: readonly WasmBytes[], wish: Parameters<typeof combineApart>[1], common: Common<LinkedModule>, known: Beside['known'],
): ReturnType<typeof combineApart> {
  for (;;) {
    const firstSlot = common.end;
    const answer = await combineApart(files, wish, { firstSlot, known });
    if (answer.layout.tableSlots === null || common.end === firstSlot) return answer;
  }
}

function requireHere(library: LinkedModule, heap: Heap): void {
  library.requireLoaded();
  if (library.heap.memory !== heap.memory) throw new IsolithError('ERR_WILD_POINTER', 'a library lies on another heap than the modules would');
}

/** The one table that the libraries have slots of. */
function tableOf(libraries: readonly LinkedModule[]): Common<LinkedModule> {
  const [first, ...others] = new Set(libraries.map(({ beside }) => beside.common));
  if (first && others.length === 0 && libraries.every(({ parts }) => parts.slots)) return first;
  throw new IsolithError('ERR_NOT_SUPPORTED', 'the libraries have no function table in common: link the first with oneTable, and each other with oneTable and the first as its library');
}

/** What linked modules define, for others to import. */
function symbols({ seat }: LinkedModule): Beside['known'] {
  return seat.instances.flatMap(({ exports }) =>
    Object.entries(exports).flatMap(([name, value]): Beside['known'] => {
      if (typeof value === 'function') return [{ name, address: undefined }];
      const number: unknown = value instanceof WebAssembly.Global ? value.value : undefined;
      return typeof number === 'number' ? [{ name, address: number >>> 0 }] : [];
    }),
  );
}

/** Bytes that the modules take at the most, wherever they begin; throws what refuses one of them. */
async function room(files: readonly WasmBytes[], between: number): Promise<number> {
  let bytes = 0;
  for (const [index, file] of files.entries()) {
    const { relocation, memories } = await inspect(file);
    if (relocation.route === 'none') {
      throw new LinkError(relocation.code, relocation.message, relocation.offset, index);
    }
    if (memories[0]?.memory64) {
      throw new LinkError('ERR_UNSUPPORTED_MODULE', 'the memory is a 64-bit one, the heap is not', 0, index);
    }
    bytes += relocation.end + relocation.align + between;
  }
  return bytes;
}

/** Runs what modules run once: start functions, relocations of side modules' data, constructors. */
function begin({ instances }: Seat, placements: readonly Placement[]): void {
  for (const step of ['__isolith_start', '__wasm_apply_data_relocs', '__wasm_call_ctors', '_initialize']) {
    for (const [index, instance] of instances.entries()) {
      const dynamic = placements[index]?.route === 'dynamic';
      if (dynamic || !step.startsWith('__wasm_')) exported(instance, step)?.();
    }
  }
}

/** One line for each module that takes memory by itself. */
function ownHeaps(placements: readonly Placement[]): string[] {
  return placements.flatMap(({ ownHeap }, index) =>
    ownHeap ? [`module ${index} grows the memory for an allocator of its own: it must not allocate on two threads at once`] : [],
  );
}
