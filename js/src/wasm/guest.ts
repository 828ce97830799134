/** A guest on the thread that runs it: its instance, its memory, its fuel, and what its failures mean. */

import { type Direct, directOf } from './direct.js';
import { WasmCode, WasmError } from './errors.js';
import { failure, overflow } from './failure.js';
import { MOST_FUEL, wasmFunction } from './fuel.js';
import { interrupt } from './interrupt.js';
import { importOf, type Load, type World } from './load.js';
import type { FuncType } from './shape.js';

/** Bytes of a page of memory. */
export const PAGE = 65536;

type Callable = (...args: unknown[]) => unknown;

/** An instance and all that can be done with it. */
export class Guest {
  readonly functions: readonly Callable[];
  readonly #names: readonly string[];
  readonly #world: World;
  readonly #exports: WebAssembly.Exports;
  readonly #memory: WebAssembly.Memory | undefined;
  readonly #fuel: WebAssembly.Global | undefined;
  readonly #stack: { readonly left: WebAssembly.Global; readonly bytes: number } | undefined;
  /** Whether more fuel is asked for, and what was thrown instead. */
  #refilling = false;
  #refused: unknown;
  /** Calls that are open: more than one where a host function calls back. */
  #depth = 0;

  /** Instantiates; rejects with 5001, or what its start function ended with. */
  static async load(load: Load, world: World): Promise<Guest> {
    const imports: Record<string, Record<string, unknown>> = {};
    let made: WebAssembly.Memory | undefined;
    const memory = (): WebAssembly.Memory => {
      if (!made) throw new WasmError(WasmCode.memory, 'the guest has no memory for WASI');
      return made;
    };
    const wasi = load.pid === undefined ? {} : world.wasi(load.pid, memory);
    for (const { module, name, given } of load.imports) {
      (imports[module] ??= {})[name] = importOf(given, module, name, world, wasi);
    }
    if (load.imported !== undefined) {
      const { module, name } = load.imports[load.imported]!;
      made = imports[module]![name] as WebAssembly.Memory;
    }
    let instance: WebAssembly.Instance;
    try {
      instance = await WebAssembly.instantiate(load.compiled, imports as WebAssembly.Imports);
    } catch (error) {
      throw failure(error, world, WasmCode.instantiate, 'the module cannot be instantiated');
    }
    if (load.memory !== undefined) made = instance.exports[load.memory] as WebAssembly.Memory;
    const guest = new Guest(load, world, instance.exports, made);
    if (guest.#fuel) guest.#fuel.value = load.amount;
    if (load.refill !== undefined) {
      const table = instance.exports[load.refill] as WebAssembly.Table;
      if (load.interruptible) interrupt(instance.exports[load.fuel!] as WebAssembly.Global, table);
      else table.set(0, wasmFunction(() => guest.#refill()));
    }
    if (load.start !== undefined) {
      const start = instance.exports[load.start] as Callable;
      guest.#run(WasmCode.instantiate, 'the start function', () => start());
    }
    if (load.reactor) guest.#run(WasmCode.instantiate, '_initialize', () => (instance.exports['_initialize'] as Callable)());
    return guest;
  }

  private constructor(load: Load, world: World, exports: WebAssembly.Exports, memory: WebAssembly.Memory | undefined) {
    this.#world = world;
    this.#exports = exports;
    this.#memory = memory;
    this.#fuel = load.fuel === undefined || load.interruptible ? undefined : (exports[load.fuel] as WebAssembly.Global);
    this.#stack = load.stack && { left: exports[load.stack.name] as WebAssembly.Global, bytes: load.stack.bytes };
    this.#names = load.functions;
    this.functions = load.functions.map((name) => exports[name] as Callable);
  }

  /** Calls a function by its number; what it returns comes as the engine returns it. Throws `WasmError`. */
  call(index: number, args: readonly unknown[]): unknown {
    const callable = this.functions[index]!;
    if (this.#stack && this.#depth === 0) this.#stack.left.value = this.#stack.bytes;
    this.#depth++;
    try {
      // Spreading a list costs more than most calls.
      switch (args.length) {
        case 0:
          return callable();
        case 1:
          return callable(args[0]);
        case 2:
          return callable(args[0], args[1]);
        case 3:
          return callable(args[0], args[1], args[2]);
        default:
          return callable(...args);
      }
    } catch (error) {
      return this.#caught(index, error);
    } finally {
      this.#depth--;
    }
  }

  /** A quick way to a function that takes and gives plain numbers; none where the stack is watched. */
  direct(index: number, type: FuncType): Direct | undefined {
    if (this.#stack) return undefined;
    return directOf(this.functions[index]!, type, (error) => this.#caught(index, error) ?? []);
  }

  #caught(index: number, error: unknown): undefined {
    // A program that exits without an error has returned.
    if (this.#world.exitCode(error) === 0) return undefined;
    throw this.#failure(error, WasmCode.call, this.#names[index]!);
  }

  /** Calls an export that takes and gives nothing, if there is one of that name. */
  invoke(name: string, ...args: unknown[]): void {
    const callable = this.#exports[name];
    if (typeof callable === 'function') this.#run(WasmCode.call, name, () => (callable as Callable)(...args));
  }

  #run(code: 5001 | 5002, what: string, run: () => unknown): void {
    if (this.#stack) this.#stack.left.value = this.#stack.bytes;
    this.#depth++;
    try {
      run();
    } catch (error) {
      throw this.#failure(error, code, what);
    } finally {
      this.#depth--;
    }
  }

  #failure(error: unknown, code: 5001 | 5002, what: string): unknown {
    if (this.#fuel && (this.#fuel.value as bigint) < 0n && error instanceof WebAssembly.RuntimeError) {
      const cause = this.#refused ?? error;
      this.#refused = undefined;
      return new WasmError(WasmCode.fuel, 'the fuel is spent: addFuel() lets the instance run again', { cause });
    }
    if (this.#stack?.left.value === -1 && error instanceof WebAssembly.RuntimeError) return overflow(code, what, error);
    return failure(error, this.#world, code, what);
  }

  #has(): WebAssembly.Memory {
    if (!this.#memory) throw new WasmError(WasmCode.exportNotFound, 'the module has no memory');
    return this.#memory;
  }

  #range(offset: number, length: number): Uint8Array {
    const { buffer } = this.#has();
    if (!isCount(offset) || !isCount(length) || offset + length > buffer.byteLength) {
      throw new WasmError(WasmCode.memory, `${length} bytes at ${offset} are outside of the memory of ${buffer.byteLength} bytes`);
    }
    return new Uint8Array(buffer, offset, length);
  }

  /** A copy of so many bytes. Throws 5006. */
  read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    return this.#range(offset, length).slice() as Uint8Array<ArrayBuffer>;
  }

  /** Copies bytes in. Throws 5006; then nothing is written. */
  write(offset: number, bytes: Uint8Array): void {
    this.#range(offset, bytes.length).set(bytes);
  }

  /** Pages of memory. */
  size(): number {
    return this.#has().buffer.byteLength / PAGE;
  }

  /** Grows by so many pages; how many there were. Throws 5006. */
  grow(pages: number): number {
    const memory = this.#has();
    if (!isCount(pages)) throw new WasmError(WasmCode.memory, `a memory cannot grow by ${String(pages)} pages`);
    try {
      return memory.grow(pages);
    } catch (cause) {
      throw new WasmError(WasmCode.memory, `the memory of ${this.size()} pages cannot grow by ${pages}: ${(cause as Error).message}`, { cause });
    }
  }

  #counter(): WebAssembly.Global {
    if (!this.#fuel) throw new WasmError(WasmCode.fuel, 'the instance was made without fuel: instantiate(id, { fuel })');
    return this.#fuel;
  }

  /** Fuel that is left, 0 if it is spent. */
  fuel(): bigint {
    const left = this.#counter().value as bigint;
    return left < 0n ? 0n : left;
  }

  /** Adds fuel; what was overdrawn is forgiven, unless it is going to be run after all. */
  addFuel(amount: bigint): void {
    const counter = this.#counter();
    const sum = (this.#refilling ? (counter.value as bigint) : this.fuel()) + amount;
    counter.value = sum > MOST_FUEL ? MOST_FUEL : sum;
  }

  /** The guest has spent its fuel, and traps when this returns unless there is some again. */
  #refill(): void {
    // A call that the page makes meanwhile has nobody to ask.
    if (this.#refilling) return;
    const counter = this.#counter();
    this.#refilling = true;
    try {
      for (let left = counter.value as bigint; left < 0n; left = counter.value as bigint) {
        this.addFuel(this.#world.refill(-left));
        if (counter.value === left) return;
      }
    } catch (error) {
      // Thrown through the guest it could be caught there.
      this.#refused = error;
    } finally {
      this.#refilling = false;
    }
  }
}

function isCount(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0;
}
