/** `isolith/link`: puts compiled wasm modules side by side into one memory, exactly or not at all. */

import { exported, instantiateAll } from './linked/instances.js';
import { call, UNSET, type WasmBytes } from './linker-module.js';

export { configureLinker, LinkError, type WasmBytes } from './linker-module.js';

/** A stretch of memory; `end` is the first byte after it. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Where a module lies. */
export interface Placement {
  /** How it was relocated: by checked relocation entries, by its globals, or as a side module. */
  readonly route: 'exact' | 'pic' | 'dynamic';
  /** What was added to its addresses. */
  readonly offset: number;
  /** The memory that is its own and nobody else's. */
  readonly area: Range;
  /** Its stack, growing down from `end`; empty if it has none. */
  readonly stack: Range;
  /** Its static data. */
  readonly data: Range;
  /** Its slots of the function table. */
  readonly slots: Range;
  /** The functions it imports from `env` that the module at place `from` exports. */
  readonly bindings: { readonly name: string; readonly from: number }[];
  /** The functions that it imports but can do without. */
  readonly weak: string[];
  /** Whether it was linked for threads: it initializes and allocates as threads need it. */
  readonly threads: boolean;
  /** On a heap: whether it grows the memory for an allocator of its own. */
  readonly ownHeap: boolean;
}

/** What the modules share, and where each lies. */
export interface Layout {
  readonly modules: Placement[];
  /** The end of all modules, where the common heap begins. */
  readonly heapBase: number;
  /** The maximum that the modules declare for the memory, in pages; `null`: none. */
  readonly maximumPages: number | null;
  /** Whether the modules import a shared memory. */
  readonly shared: boolean;
  /** The slots of the one function table, `null` unless it was asked for. */
  readonly tableSlots: number | null;
  /** On a heap: the allocator functions that the host puts into the table. */
  readonly hosted: { readonly name: string; readonly slot: number }[];
  /** On a heap: the functions of libraries that the host puts into the table. */
  readonly borrowed: { readonly name: string; readonly slot: number }[];
}

export interface CombineOptions {
  /** Bytes of stack for each module beyond those it was linked with. */
  readonly additionalStack?: number;
  /** Bytes left unused between modules, 1024 unless given. */
  readonly guard?: number;
  /** The first address that the modules may use. */
  readonly base?: number;
  /** Whether the memory is shared; left to the modules unless given. */
  readonly shared?: boolean;
  /** The maximum of the memory in pages. */
  readonly maximum?: number;
  /** One function table for all, imported as `env.__indirect_function_table`: function pointers cross modules. */
  readonly oneTable?: boolean;
  /** All use the allocator of one of them, Rust's and C's apart; implies `oneTable`, needs `--emit-relocs`. */
  readonly oneAllocator?: boolean;
  /** What speaks to debuggers, the sections `.debug_*`, moves along; else it is left out. Names of functions always stay. */
  readonly debugging?: boolean;
}

export interface Combined {
  readonly modules: Uint8Array<ArrayBuffer>[];
  /** The pages that the memory must start with. */
  readonly neededPages: number;
  readonly layout: Layout;
  /** What could not be proved safe, one line each. */
  readonly warnings: string[];
}

/** Bytes that a host has to write into memory before the first call. */
export interface Segment {
  readonly address: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What each thread has for itself of a module linked for threads. */
export interface ThreadLocal {
  readonly align: number;
  /** What it holds at first. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A module made for many instances on one memory. */
export interface Shareable {
  readonly module: Uint8Array<ArrayBuffer>;
  /** Its data, to be written once; the module does not write it itself. */
  readonly image: Segment[];
  readonly threadLocal: ThreadLocal | undefined;
  readonly placement: Placement;
}

/** A refused or possible relocation, as `inspect` tells it. */
export type Relocation =
  | {
      readonly route: 'exact' | 'pic' | 'dynamic';
      /** How many numbers would be rewritten. */
      readonly numbers: number;
      readonly data: Range;
      readonly stackTop: number;
      /** The end of the module's own memory. */
      readonly end: number;
      readonly align: number;
      readonly warnings: string[];
    }
  | { readonly route: 'none'; readonly code: string; readonly message: string; readonly offset: number };

export interface MemoryInfo {
  readonly initial: number;
  readonly maximum: number | null;
  readonly shared: boolean;
  readonly memory64: boolean;
}

/** An import or export; the fields beyond `kind` depend on it. */
export interface ExternInfo extends Partial<MemoryInfo> {
  readonly name: string;
  readonly kind: 'function' | 'table' | 'memory' | 'global' | 'tag';
  readonly params?: string[];
  readonly results?: string[];
  readonly type?: string;
  readonly mutable?: boolean;
  /** The constant in an exported global. */
  readonly value?: number | null;
}

export interface ModuleInfo {
  readonly size: number;
  readonly sections: { readonly id: number; readonly name: string; readonly offset: number; readonly size: number }[];
  readonly memories: (MemoryInfo & { readonly imported: boolean })[];
  readonly imports: (ExternInfo & { readonly module: string })[];
  readonly exports: ExternInfo[];
  /** `address` is `null` where nothing in the module tells it; `offset` counts bytes of the file. */
  readonly data: { readonly passive: boolean; readonly address: number | null; readonly size: number; readonly offset: number }[];
  readonly heapBase: number | null;
  readonly start: number | null;
  readonly producers: { readonly field: string; readonly name: string; readonly version: string }[];
  readonly features: string[];
  /** The libraries that a side module says it needs. */
  readonly needed: string[];
  readonly relocation: Relocation;
}

/**
 * Rewrites modules so that they live in one memory, in the order given, and none overlap.
 *
 * Instantiate each with `{ env: { memory } }`, where `memory` starts with `neededPages` pages.
 * Modules linked with `--emit-relocs` are moved exactly; position-independent ones without it are
 * moved by their globals, and `warnings` lists what may be wrong. Rejects with `LinkError`.
 */
export async function combine(
  modules: readonly WasmBytes[],
  options: number | CombineOptions = {},
): Promise<Combined> {
  const wish = typeof options === 'number' ? { additionalStack: options } : options;
  const { report, files } = await call('combine', modules, numbers(wish, (wish.oneTable ? 1 : 0) | (wish.oneAllocator ? 4 : 0)));
  const { neededPages, warnings, ...layout } = report as Layout & Omit<Combined, 'modules' | 'layout'>;
  return { modules: files.slice(0, modules.length), neededPages, layout, warnings };
}

/** What `combineApart` knows of modules that are in place already. Internal. */
export interface Beside {
  /** The first slot of the function table that the modules may use. */
  readonly firstSlot: number;
  /** What those modules export, each with its address, or without one if it is a function. */
  readonly known: readonly { readonly name: string; readonly address: number | undefined }[];
}

/** `combine` for `heap.link`: data apart, allocators replaced by the host's. Internal. */
export async function combineApart(
  modules: readonly WasmBytes[],
  options: CombineOptions,
  { firstSlot, known }: Beside,
): Promise<{ made: Shareable[]; layout: Layout; warnings: string[] }> {
  const lines = known.filter(({ name }) => !name.includes('\n')).map(({ name, address = '-' }) => `${address} ${name}\n`);
  const list = lines.length > 0 ? [new TextEncoder().encode(lines.join(''))] : [];
  const wish = [...numbers(options, (options.oneTable ? 1 : 0) | 2 | 8), firstSlot, list.length];
  const { report, files } = await call('combine', [...modules, ...list], wish);
  const { warnings, ...layout } = report as Layout & { warnings: string[] };
  const parts = files.slice(modules.length);
  const made = layout.modules.map((placement, index) => shareable(placement as Apart, files[index]!, parts));
  return { made, layout, warnings };
}

/** Moves one module by `offset` bytes and tells it that the heap begins at `newHeapBase`. */
export async function relocate(
  module: WasmBytes,
  offset: number,
  newHeapBase: number,
  options: CombineOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { files } = await call('relocate', [module], [...numbers(options, 0), offset, newHeapBase]);
  return files[0] as Uint8Array<ArrayBuffer>;
}

/**
 * Moves one module and makes it one that many threads can instantiate on the same memory.
 *
 * Write `image` once. Then each instance sets `__isolith_stack_pointer` to the top of a stack of
 * its own; the first one calls `__isolith_start` if the module exports it; each other one writes
 * `threadLocal` somewhere, if there is any, and sets `__isolith_tls_base` to its address.
 */
export async function relocateShareable(
  module: WasmBytes,
  offset: number,
  newHeapBase: number,
  options: CombineOptions = {},
): Promise<Shareable> {
  const { report, files } = await call('relocate', [module], [...numbers(options, 2), offset, newHeapBase]);
  return shareable(report as Apart, files[0]!, files.slice(1));
}

/** A placement as the linker tells it where data is apart. */
type Apart = Placement & { image: { address: number }[]; tls: { align: number }[] };

/** Takes the bytes of one module's data from the front of `parts`. */
function shareable({ image, tls, ...placement }: Apart, module: Uint8Array<ArrayBuffer>, parts: Uint8Array<ArrayBuffer>[]): Shareable {
  const segments = image.map(({ address }) => ({ address, bytes: parts.shift()! }));
  const [threadLocal] = tls.map(({ align }) => ({ align, bytes: parts.shift()! }));
  return { module, image: segments, threadLocal, placement };
}

/** The end of the memory that a module was linked to own, its `__heap_base`. */
export async function getHeapBase(module: WasmBytes): Promise<number> {
  const { report } = await call('heap_base', [module]);
  return (report as { heapBase: number }).heapBase;
}

/** What a module is made of, and whether and how it can be relocated. */
export async function inspect(module: WasmBytes): Promise<ModuleInfo> {
  return (await call('inspect', [module])).report as ModuleInfo;
}

export interface MeterOptions {
  /** `coarse` (default) charges at functions and loops, `exact` at every basic block, `off` nowhere. */
  readonly mode?: 'coarse' | 'exact' | 'off';
  /** What a direct call of an imported function costs beyond the instruction, 10 unless given. */
  readonly hostCall?: number;
  /** The most pages that a memory of the module's own may have. */
  readonly memoryPages?: number;
  /** The most elements that a table of the module's own may have. */
  readonly tableElements?: number;
  /** Whether a spent module calls a function of yours before it traps, and goes on if that raised the counter; default false. */
  readonly refill?: boolean;
}

export interface Metered {
  readonly module: Uint8Array<ArrayBuffer>;
  /** The export of the counter, a mutable `i64` global: fill it before the first call; below 0 it is spent. Empty if `off`. */
  readonly fuel: string;
  /** The export of what was the start function: to be called once the counter is filled. */
  readonly start: string | undefined;
  /** The export of a table, if `refill`: its element 0, a function of wasm without parameters or results, is called when the counter is spent. */
  readonly refill: string | undefined;
  /** How many places charge. */
  readonly points: number;
}

/** Makes a module pay for what it runs; spent, it traps with its counter below zero. */
export async function meter(module: WasmBytes, options: MeterOptions = {}): Promise<Metered> {
  const { mode = 'coarse', hostCall = 10, memoryPages = UNSET, tableElements = UNSET, refill = false } = options;
  const exact = { coarse: 0, exact: 1, off: 2 }[mode];
  const { report, files } = await call('meter', [module], [exact, hostCall, memoryPages, tableElements, Number(refill)]);
  const { fuel, start, refill: table, points } = report as { fuel: string; start: string[]; refill: string[]; points: number };
  return { module: files[0] as Uint8Array<ArrayBuffer>, fuel, start: start[0], refill: table[0], points };
}

export interface Bounded {
  readonly module: Uint8Array<ArrayBuffer>;
  /** The export of the counter, an `i32` global: set it to the budget before each call; -1 after a call too deep. */
  readonly stack: string;
}

/** Makes a module trap where its calls would take more than about `bytes` of stack, the same on every engine. */
export async function boundStack(module: WasmBytes, bytes: number): Promise<Bounded> {
  const { report, files } = await call('stack', [module], [bytes]);
  return { module: files[0] as Uint8Array<ArrayBuffer>, stack: (report as { stack: string }).stack };
}

/** What `instantiate` makes. */
export interface Linked {
  readonly memory: WebAssembly.Memory;
  readonly table: WebAssembly.Table | undefined;
  readonly instances: WebAssembly.Instance[];
}

/**
 * Instantiates combined modules in their order and binds the functions they import from each other.
 *
 * `imports` serve all modules; what it has in `env` comes before what a module exports. Calls to a
 * module that comes later, as circles of imports need, go through a function of JavaScript. Side
 * modules are initialized last, in their order. Those that import tags or `invoke_*` go on importing
 * `env.__stack_pointer`, one for all: who catches an exception takes the frames of all modules off.
 */
export async function instantiate(combined: Combined, imports: WebAssembly.Imports = {}): Promise<Linked> {
  const { layout, neededPages } = combined;
  const env = imports['env'] ?? {};
  const limits = layout.maximumPages === null ? {} : { maximum: layout.maximumPages };
  const memory = (env['memory'] as WebAssembly.Memory | undefined)
    ?? new WebAssembly.Memory({ initial: neededPages, shared: layout.shared, ...limits });
  const table = layout.tableSlots === null
    ? undefined
    : (env['__indirect_function_table'] as WebAssembly.Table | undefined)
      ?? new WebAssembly.Table({ initial: layout.tableSlots, element: 'anyfunc' });
  const common: WebAssembly.ModuleImports = { memory, ...(table ? { __indirect_function_table: table } : {}) };
  const modules = await Promise.all(combined.modules.map((bytes) => WebAssembly.compile(bytes)));
  const instances = await instantiateAll(modules, layout.modules, common, imports);
  for (const step of ['__wasm_apply_data_relocs', '__wasm_call_ctors']) {
    for (const [index, instance] of instances.entries()) {
      if (layout.modules[index]?.route === 'dynamic') exported(instance, step)?.();
    }
  }
  return { memory, table, instances };
}

/** The first six numbers of a request. */
function numbers(options: CombineOptions, flags: number): (number | bigint)[] {
  const { additionalStack = 0, guard = UNSET, base = 0, shared, maximum = UNSET, debugging = false } = options;
  return [additionalStack, guard, base, shared === undefined ? UNSET : Number(shared), maximum, flags | (debugging ? 16 : 0)];
}
