/** Puts the kernel onto a memory: this thread's instance of the runtime, or a bare one for another heap. */

import { IsolithError } from './errors.js';
import { __wbg_finalize_init, __wbg_get_imports } from './glue.js';
import { type Cargo, cargoOf } from './fs/cargo.js';
import { type GuestMemory, guestMemory } from './guest-memory.js';
import type { KernelModule } from './module.js';
import { mayBlock } from './support.js';

/** The kernel's plain exports. Addresses and sizes come as signed 32-bit numbers: `>>> 0` them. */
export interface KernelExports {
  isolith_thread_enter(mayBlock: number): void;
  isolith_thread_leave(): void;
  isolith_alloc(bytes: number, align: number): number;
  isolith_calloc(bytes: number, align: number): number;
  isolith_realloc(ptr: number, bytes: number): number;
  isolith_free(ptr: number): number;
  isolith_sizeof(ptr: number): number;
  isolith_heap_list(from: number, out: number, max: number): number;
  isolith_heap_stats(): number;
  isolith_heap_check(): number;
  isolith_heap_debug(on: number): void;
  isolith_error_number(): number;
  isolith_error_code(): number;
  isolith_error_code_len(): number;
  isolith_error_message(): number;
  isolith_error_message_len(): number;
}

/** One instance of the kernel on one memory, for the thread that made it. */
export interface Kernel {
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  readonly exports: KernelExports;
  /** What other threads and heaps are made from. */
  readonly module: KernelModule;
  /** How it moves file contents, and reaches the memory of guests; the runtime's instance only. */
  readonly cargo?: Cargo;
  readonly guest?: GuestMemory;
}

/** Stack of each further thread on a memory, in bytes: a multiple of 64 KiB. */
const THREAD_STACK = 1024 * 1024;

/** Stack of a further thread on a memory that serves as a heap only. */
const HEAP_STACK = 64 * 1024;

/** The runtime's instance on this thread: with the glue that its own Rust code calls out through. */
export function runtimeInstance(module: KernelModule, memory: WebAssembly.Memory, shared: boolean): Kernel {
  const compiled = module.compileSync(shared);
  const imports = __wbg_get_imports(memory);
  const guest = guestMemory(memory);
  const cargo = cargoOf(memory);
  const own: Record<string, (a: number, b: number, c: number) => unknown> = { ...cargo.imports, ...guest.imports };
  for (const group of Object.values(imports)) {
    // Where JavaScript's exceptions have no tag of their own, Rust need not tell them apart.
    if ('__wbindgen_jstag' in group) group['__wbindgen_jstag'] ??= newTag();
    for (const name of Object.keys(group)) {
      const plain = /isolith_(fs|guest)_[a-z]+/.exec(name)?.[0];
      if (plain && own[plain]) group[name] = own[plain] as WebAssembly.ImportValue;
    }
  }
  const instance = new WebAssembly.Instance(compiled, imports);
  return { ...enter(module, memory, shared, __wbg_finalize_init(instance, compiled, THREAD_STACK)), cargo, guest };
}

/** An instance that is only the allocator of `memory`; synchronous, any number per thread. */
export function heapInstance(module: KernelModule, memory: WebAssembly.Memory, shared: boolean): Kernel {
  const compiled = module.compileSync(shared);
  const imports: WebAssembly.Imports = {};
  for (const { module: group, name, kind } of WebAssembly.Module.imports(compiled)) {
    (imports[group] ??= {})[name] = bareImport(name, kind, memory);
  }
  const { exports } = new WebAssembly.Instance(compiled, imports);
  (exports['__wbindgen_start'] as (stackBytes: number) => void)(HEAP_STACK);
  return enter(module, memory, shared, exports);
}

function bareImport(name: string, kind: string, memory: WebAssembly.Memory): WebAssembly.ImportValue {
  if (kind === 'memory') return memory;
  if (kind === 'tag') return newTag() as unknown as WebAssembly.ImportValue;
  if (name.includes('init_externref_table')) return () => {};
  return () => {
    throw new IsolithError('ERR_NOT_SUPPORTED', `a heap of its own has no ${name}`);
  };
}

interface TagConstructor {
  new (type: { parameters: string[] }): WebAssembly.ImportValue;
}

function newTag(): WebAssembly.ImportValue {
  const { Tag } = WebAssembly as unknown as { Tag: TagConstructor };
  return new Tag({ parameters: ['externref'] });
}

function enter(module: KernelModule, memory: WebAssembly.Memory, shared: boolean, exports: WebAssembly.Exports): Kernel {
  const kernel = { memory, shared, module, exports: exports as unknown as KernelExports };
  kernel.exports.isolith_thread_enter(Number(mayBlock()));
  return kernel;
}

/** The error that the last failed export of this thread left behind. */
export function lastError(kernel: Kernel): IsolithError {
  const { exports, memory } = kernel;
  const text = (ptr: number, length: number): string =>
    new TextDecoder().decode(new Uint8Array(memory.buffer, ptr >>> 0, length >>> 0).slice());
  return new IsolithError(
    text(exports.isolith_error_code(), exports.isolith_error_code_len()),
    text(exports.isolith_error_message(), exports.isolith_error_message_len()),
  );
}
