/** What each thread needs to run linked modules on a heap's memory: its table, its allocator, its stacks. */

import { IsolithError } from '../errors.js';
import type { Kernel } from '../kernel.js';
import { importsFrom, type LoadModule } from './imports.js';
import { type Bound, type Exported, exported, find, instantiateAll, stackPointer, throws } from './instances.js';
import type { Slots } from './table.js';

/** Linked modules as they travel between threads. */
export interface Parts {
  readonly modules: readonly WebAssembly.Module[];
  readonly bound: readonly Bound[];
  /** Their slots of the one function table, if they have one in common. */
  readonly slots: Slots | undefined;
  /** The allocator functions that go into the table. */
  readonly hosted: readonly InSlot[];
  /** The functions of libraries that go into the table. */
  readonly borrowed: readonly InSlot[];
  /** Address of the module that each thread has their further imports from. */
  readonly imports: string | undefined;
}

/** A function and its slot of the table. */
interface InSlot {
  readonly name: string;
  readonly slot: number;
}

/** What a thread has for modules beyond themselves. */
export interface Setting {
  /** Handed in: scripts that a worker loads later may have no `import()`, which Vite takes for a module's in dev. */
  readonly load: LoadModule;
  /** Its own memory for each. */
  readonly places?: readonly Place[];
  /** What they import of the user's, on this thread alone. */
  readonly imports?: WebAssembly.Imports | undefined;
  /** Modules that were linked before, whose exports they import. */
  readonly libraries?: readonly Seat[];
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

/** The modules of this thread that may be running. */
const seats = new Set<Seat>();

/** This thread's copies of the function tables. */
const tables = new Map<number, WebAssembly.Table>();

/** Calls into linked modules that are under way on this thread, one in the other. */
let depth = 0;

/** Linked modules on one thread. */
export class Seat {
  readonly instances: readonly WebAssembly.Instance[];
  readonly table: WebAssembly.Table | undefined;
  readonly #slots: Slots | undefined;
  readonly #stacks: readonly { readonly pointer: WebAssembly.Global; readonly top: unknown }[];

  private constructor(instances: readonly WebAssembly.Instance[], slots: Slots | undefined) {
    this.instances = instances;
    this.#slots = slots;
    this.table = slots && tables.get(slots.table);
    this.#stacks = instances.flatMap((instance) => {
      const pointer = stackPointer(instance);
      return pointer ? [{ pointer, top: pointer.value as unknown }] : [];
    });
    seats.add(this);
  }

  /** Instantiates on this thread's kernel. Rejects as `instantiateAll` and `importsFrom` do. */
  static async take(kernel: Kernel, parts: Parts, setting: Setting): Promise<Seat> {
    const table = parts.slots && tableFor(parts.slots);
    try {
      return new Seat(await instancesOn(kernel, parts, setting, table), parts.slots);
    } catch (error) {
      empty(parts.slots);
      throw error;
    }
  }

  /** The function of the first module that exports it. */
  function(name: string): Exported | undefined {
    for (const instance of this.instances) {
      const found = exported(instance, name);
      if (found) return (...args) => guarded(found, args);
    }
    return undefined;
  }

  /** Empties its slots of the table: nobody calls the modules any more. */
  leave(): void {
    seats.delete(this);
    empty(this.#slots);
  }

  /** Whether these modules have slots of a table. */
  uses(table: number): boolean {
    return this.#slots?.table === table;
  }

  /** The stack pointers with their values: those of the outermost call, or those of now. */
  static stacks(outermost: boolean): { pointer: WebAssembly.Global; top: unknown }[] {
    return [...seats].flatMap((seat) =>
      seat.#stacks.map(({ pointer, top }) => ({ pointer, top: outermost ? top : (pointer.value as unknown) })),
    );
  }
}

async function instancesOn(
  { exports, memory }: Kernel,
  { modules, bound, hosted, borrowed, imports: url }: Parts,
  { load, places, imports, libraries = [] }: Setting,
  table: WebAssembly.Table | undefined,
): Promise<WebAssembly.Instance[]> {
  const own = exports as unknown as Record<string, Exported>;
  const common: WebAssembly.ModuleImports = { memory };
  for (const [name, from] of Object.entries(ALLOCATOR)) common[name] = own[from] as Exported;
  if (table) common['__indirect_function_table'] = table;
  const known = libraries.flatMap(({ instances }) => instances);
  for (const { name, slot } of hosted) table?.set(slot, own[ALLOCATOR[name] ?? '']);
  for (const { name, slot } of borrowed) table?.set(slot, find(known, name));
  const made: WebAssembly.Instance[] = [];
  const wanted = modules.flatMap((module) => WebAssembly.Module.imports(module));
  const call = (name: string, ...args: unknown[]): unknown => {
    const found = find([...made, ...known], name);
    if (typeof found === 'function') return guarded(found as Exported, args);
    throw new IsolithError('ERR_UNDEFINED_SYMBOL', `the modules export no function ${name}, or are not there yet`);
  };
  const invoke = (slot: number, ...args: unknown[]): unknown => guarded(table?.get(slot) as Exported, args);
  const given = url === undefined ? imports : await importsFrom(url, { memory, table, wanted, call, invoke }, load);
  made.push(...(await instantiateAll(modules, bound, common, given, known)));
  for (const [index, { stackTop, tls }] of places?.entries() ?? []) {
    const stack = stackPointer(made[index]);
    // A library's stack, which it had before, serves both.
    if (stack && stackTop !== 0 && !known.map(stackPointer).includes(stack)) stack.value = stackTop;
    if (tls === 0) continue;
    const base = made[index]?.exports['__isolith_tls_base'] as WebAssembly.Global | undefined;
    // Who knows the bytes has written them there.
    if (base) base.value = tls;
    else exported(made[index], '__wasm_init_tls')?.(tls);
  }
  return made;
}

/**
 * A call that traps leaves its frames on the stacks, other modules' too: they are taken off. One that
 * returns has left frames of modules that an exception went through on its way to who caught it.
 */
function guarded(call: Exported, args: unknown[]): unknown {
  const before = depth > 0 ? Seat.stacks(false) : undefined;
  let whole = false;
  depth++;
  try {
    const answer = call(...args);
    whole = !throws();
    return answer;
  } finally {
    depth--;
    if (!whole) for (const { pointer, top } of before ?? Seat.stacks(true)) if (pointer.value !== top) pointer.value = top;
  }
}

/** This thread's copy of a table, with room for the slots. */
function tableFor({ table: id, end }: Slots): WebAssembly.Table {
  let table = tables.get(id);
  if (!table) tables.set(id, (table = new WebAssembly.Table({ initial: end, element: 'anyfunc' })));
  if (table.length < end) table.grow(end - table.length);
  return table;
}

/** Empties slots, and forgets the table if nobody else has any there. */
function empty(slots: Slots | undefined): void {
  if (!slots) return;
  const table = tables.get(slots.table);
  for (let slot = slots.start; slot < slots.end; slot++) table?.set(slot, null);
  if (![...seats].some((seat) => seat.uses(slots.table))) tables.delete(slots.table);
}
