/** From a module and a config to what a guest is made of: imports resolved, limits and fuel built in. */

import { isWebKit, requireShared } from '../support.js';
import type { RunConfig } from './config.js';
import { WasmCode, WasmError } from './errors.js';
import { fuelOf } from './fuel.js';
import { type Given, type Load, memoryOf, newMemory } from './load.js';
import type { Compiled, Variant } from './modules.js';
import type { FuncType, ImportType } from './shape.js';
import { type Argument, toWasm } from './values.js';

/** A host function with its signature. */
export interface HostImport {
  readonly name: string;
  readonly fn: (...args: unknown[]) => unknown;
  readonly type: FuncType;
}

/** A guest that can be loaded. */
export interface Prepared {
  readonly load: Load;
  readonly hosts: readonly HostImport[];
  /** Fuel for a guest that lacks so much. */
  readonly refill: ((missing: number) => bigint | Promise<bigint>) | undefined;
  /** Memory that threads share. */
  readonly shared: WebAssembly.Memory | undefined;
  /** Whether it must be on the page's own thread. */
  readonly inline: boolean;
}

/** Modules whose functions are WASI preview 1, by its two names. */
const WASI = new Set(['wasi_snapshot_preview1', 'wasi_unstable']);

/** What module `wasi` calls the start of a thread: older tools wrote it with an underscore. */
const SPAWN_NAMES = new Set(['thread-spawn', 'thread_spawn']);

/** Whether the module imports WASI. */
export function needsWasi({ shape }: Compiled): boolean {
  return shape.imports.some(({ module, kind }) => kind === 'func' && WASI.has(module));
}

/** Whether the module starts threads of WASI. */
export function needsThreads({ shape }: Compiled): boolean {
  return shape.imports.some(isSpawn);
}

/** Whether it is a library with something to do before its first call. */
function isReactor({ shape }: Compiled): boolean {
  const has = (wanted: string): boolean => shape.exports.some(({ name, kind }) => name === wanted && kind === 'func');
  return has('_initialize') && !has('_start');
}

function isSpawn({ module, name, kind }: ImportType): boolean {
  return module === 'wasi' && SPAWN_NAMES.has(name) && kind === 'func';
}

/** Resolves everything; rejects with 5001 for what is missing or does not fit. */
export async function prepare(compiled: Compiled, config: RunConfig, pid: number | undefined): Promise<Prepared> {
  const { shape } = compiled;
  const inline = config.inline === true;
  const hosts: HostImport[] = [];
  const refill = refillOf(config, inline);
  let shared: WebAssembly.Memory | undefined;
  const missing: string[] = [];
  const imports = shape.imports.map((type) => {
    const { module, name } = type;
    const given = resolve(type, config, hosts, inline, pid);
    if (!given) missing.push(`${module}.${name} (${type.kind})`);
    else if (type.kind === 'memory' && type.shared && given.kind === 'value') shared ??= given.value as WebAssembly.Memory;
    return { module, name, given: given ?? ({ kind: 'value', value: undefined } as const) };
  });
  if (missing.length > 0) {
    throw new WasmError(WasmCode.instantiate, `the module imports what it is not given: ${missing.join(', ')}`);
  }
  const variant = await variantOf(compiled, config);
  const load: Load = {
    compiled: variant.compiled,
    imports,
    functions: shape.exports.filter(({ kind }) => kind === 'func').map(({ name }) => name),
    ...memoryOf(shape),
    fuel: variant.fuel,
    start: variant.start,
    refill: variant.refill,
    interruptible: config.fuel === undefined,
    stack: variant.stack === undefined ? undefined : { name: variant.stack, bytes: config.limits?.stackBytes ?? 0 },
    reactor: isReactor(compiled),
    amount: config.fuel === undefined ? 0n : fuelOf(config.fuel),
    pid,
  };
  return { load, hosts, refill, shared, inline };
}

/** Who answers when the fuel is spent, on this thread: an amount, or a promise of it. */
function refillOf({ onFuel }: RunConfig, inline: boolean): Prepared['refill'] {
  if (onFuel === undefined) return undefined;
  if (onFuel === 'wait') throw new WasmError(WasmCode.instantiate, 'a program has no addFuel to wait for: onFuel is a function there');
  if (!inline) requireShared('a guest in a worker that asks for fuel');
  return (missing) => {
    const given = onFuel(missing);
    return typeof given === 'object' ? given.then((amount) => fuelOf(amount ?? 0)) : fuelOf(given ?? 0);
  };
}

async function variantOf(compiled: Compiled, config: RunConfig): Promise<Variant> {
  const { fuel, onFuel, meter, limits } = config;
  const given = Object.entries(limits ?? {}).filter(([, limit]) => limit !== undefined);
  const bounds = Object.fromEntries(given);
  if (fuel !== undefined) return compiled.metered({ mode: meter ?? 'coarse', refill: onFuel !== undefined, ...bounds });
  if (isInterruptible(config)) {
    // What cannot be rewritten runs as it is.
    const variant = await compiled.metered({ mode: 'coarse', refill: true, ...bounds }).catch(() => undefined);
    if (variant) return variant;
  }
  return given.length === 0 ? compiled : compiled.metered({ mode: 'off', refill: false, ...bounds });
}

/** Whether the guest itself must see to it that it can be ended. */
function isInterruptible({ inline, interruptible, timeout }: RunConfig): boolean {
  return !inline && (interruptible ?? timeout !== undefined) && isWebKit();
}

function resolve(type: ImportType, config: RunConfig, hosts: HostImport[], inline: boolean, pid: number | undefined): Given | undefined {
  const { module, name, kind } = type;
  const given = config.imports?.[module]?.[name] as unknown;
  const wrong = (what: string): WasmError => new WasmError(WasmCode.instantiate, `the import ${module}.${name} ${what}`);
  if (given === undefined) {
    if (kind === 'func' && WASI.has(module) && pid !== undefined) return { kind: 'wasi' };
    if (isSpawn(type)) return { kind: 'spawn' };
    if (kind === 'memory') return memoryFor(type, config, inline);
    return undefined;
  }
  switch (kind) {
    case 'func': {
      if (typeof given !== 'function') throw wrong('is a function');
      if (!inline) requireShared('a host function of a guest in a worker');
      hosts.push({ name: `${module}.${name}`, fn: given as HostImport['fn'], type });
      return { kind: 'host', index: hosts.length - 1 };
    }
    case 'global':
      if (given instanceof WebAssembly.Global && !inline) {
        if (type.mutable) throw wrong('is a mutable global: those reach guests on this thread only ({ inline: true })');
        return { kind: 'value', value: given.value };
      }
      return { kind: 'value', value: type.type === 'i64' && typeof given === 'number' ? BigInt(given) : given };
    case 'memory':
      return givenMemory(given, inline, `${module}.${name}`);
    default:
      if (!inline) throw wrong(`is a ${kind}: those reach guests on this thread only ({ inline: true })`);
      return { kind: 'value', value: given };
  }
}

/** The memory that a module imports, by the limits that it says itself. */
function memoryFor(type: ImportType & { readonly kind: 'memory' }, { memory, limits }: RunConfig, inline: boolean): Given {
  if (memory) return givenMemory(memory, inline, 'memory');
  const { initial, shared } = type;
  const most = limits?.memoryPages;
  if (most !== undefined && initial > most) {
    throw new WasmError(WasmCode.instantiate, `the module's memory starts with ${initial} pages, ${most} are allowed`);
  }
  const bound = Math.min(type.maximum ?? Infinity, most ?? Infinity);
  const maximum = bound === Infinity ? undefined : bound;
  if (!shared) return { kind: 'memory', initial, maximum };
  requireShared('a guest with shared memory');
  return { kind: 'value', value: newMemory(initial, maximum, true) };
}

function givenMemory(memory: unknown, inline: boolean, name: string): Given {
  const wrong = (what: string): WasmError => new WasmError(WasmCode.instantiate, `the import ${name} ${what}`);
  if (!(memory instanceof WebAssembly.Memory)) throw wrong('is a memory');
  const isShared = typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
  if (!inline && !isShared) throw wrong('is a memory that is not shared: those reach guests on this thread only ({ inline: true })');
  return { kind: 'value', value: memory };
}

/** Calls a host function: its result as the engine takes it, or a promise of that. */
export function callHost({ name, fn, type }: HostImport, args: readonly unknown[]): unknown {
  const returned = fn(...args);
  if (typeof returned === 'object' && returned !== null && 'then' in returned) {
    return (returned as Promise<unknown>).then((value) => hostResult(name, type, value));
  }
  return hostResult(name, type, returned);
}

function hostResult(name: string, { results }: FuncType, value: unknown): unknown {
  if (results.length === 0) return undefined;
  const values = results.length === 1 ? [value] : [...(value as Iterable<unknown>)];
  const given = toWasm(`the result of ${name}`, { kind: 'func', params: results, results: [] }, values as Argument[], true);
  return results.length === 1 ? given[0] : given;
}
