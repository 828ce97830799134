/** Instances as users have them: calls by name and signature, memory, fuel, and their end. */

import { after } from '../timer.js';
import type { Direct } from './direct.js';
import { WasmCode, WasmError } from './errors.js';
import { fuelOf, type Reserve } from './fuel.js';
import type { Guest } from './guest.js';
import { Op } from './ops.js';
import type { Port } from './ports.js';
import type { ExportType, FuncType, Shape } from './shape.js';
import { type Argument, type BigintRule, fromWasm, toWasm } from './values.js';

/** The linear memory of an instance; offsets in bytes. Rejects with 5006 beyond its end. */
export interface InstanceMemory {
  /** A copy of so many bytes. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Copies bytes in. */
  write(offset: number, bytes: Uint8Array | ArrayBuffer): Promise<void>;
  /** Pages of 64 KiB. */
  size(): Promise<number>;
  /** Grows by so many pages; how many there were before. */
  grow(pages: number): Promise<number>;
}

interface Fn {
  readonly index: number;
  readonly type: FuncType;
}

/** How an instance is made. */
export interface InstanceOptions {
  readonly moduleId: string;
  readonly shape: Shape;
  readonly port: Port;
  readonly timeout: number | undefined;
  readonly rule: BigintRule;
  /** Where fuel is added for a guest that waits for it. */
  readonly reserve: Reserve | undefined;
  /** Settles when what the instance had beside its port is given back. */
  readonly free: () => Promise<void>;
}

const functions = new WeakMap<Shape, Map<string, Fn>>();

/** The exported functions by name, each with its number. */
function functionsOf(shape: Shape): Map<string, Fn> {
  let map = functions.get(shape);
  if (!map) {
    map = new Map();
    for (const type of shape.exports) if (type.kind === 'func') map.set(type.name, { index: map.size, type });
    functions.set(shape, map);
  }
  return map;
}

const instances = new Map<string, Instance>();
let last = 0;

/** The instance with this id; throws 5005. */
export function instanceOf(id: string): Instance {
  const instance = instances.get(id);
  if (!instance) throw new WasmError(WasmCode.instanceHandle, `there is no instance ${JSON.stringify(id)}: it was dropped, or never made`);
  return instance;
}

/** A module that runs. Calls are done one after the other, in the order in which they are made. */
export class Instance {
  readonly id = `instance-${++last}`;
  readonly moduleId: string;
  readonly memory: InstanceMemory;
  readonly #shape: Shape;
  readonly #functions: Map<string, Fn>;
  readonly #port: Port;
  readonly #timeout: number | undefined;
  readonly #rule: BigintRule;
  readonly #reserve: Reserve | undefined;
  readonly #free: () => Promise<void>;
  #ended: Error | undefined;
  #calls = 0;
  /** What was called last, which is likely called next. */
  #lastName: string | undefined;
  #last: Fn | undefined;
  #direct: Direct | null = null;
  /** Quick ways by function, made when a function is first called; null where there is none. */
  readonly #directs: (Direct | null)[] = [];

  constructor({ moduleId, shape, port, timeout, rule, reserve, free }: InstanceOptions) {
    this.moduleId = moduleId;
    this.#shape = shape;
    this.#functions = functionsOf(shape);
    this.#port = port;
    this.#timeout = timeout;
    this.#rule = rule;
    this.#reserve = reserve;
    this.#free = free;
    port.onEnd = (error) => this.#end(error);
    this.memory = {
      read: async (offset, length) => (await this.#request(Op.read, [offset, length])) as Uint8Array<ArrayBuffer>,
      write: async (offset, bytes) => void (await this.#request(Op.write, [offset, bytesOf(bytes)])),
      size: async () => (await this.#request(Op.size)) as number,
      grow: async (pages) => (await this.#request(Op.grow, pages)) as number,
    };
    instances.set(this.id, this);
  }

  /**
   * Calls an exported function; its results, none, one or more.
   *
   * Rejects with 5003 for a name that is no function, 5007 for arguments that do not fit, 5002 for
   * traps, 5011 when the fuel is spent, 5005 when the instance is gone. From any thread; it never
   * blocks, but an `inline` instance runs before this returns. Functions that take or give vectors
   * (v128) cannot be called from JavaScript: 5007.
   */
  call(name: string, ...args: Argument[]): Promise<(number | bigint)[]> {
    // Not an async function: what awaits inside of one costs more than the call, in Firefox most.
    try {
      const { index, type } = this.#function(name);
      if (this.#port.guest) return Promise.resolve(this.#here(this.#port.guest, name, args));
      const values = toWasm(name, type, args, false);
      // One number goes as it is, which is the fastest.
      const data = values.length === 0 ? undefined : values.length === 1 && typeof values[0] === 'number' ? values[0] : values;
      return this.#there(name, type, Op.call + index, data);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * As `call`, at once: throws what `call` rejects with, and 5002 for an instance in a worker. It blocks
   * this thread until the function returns; only for instances on this thread (`inline`).
   */
  callSync(name: string, ...args: Argument[]): (number | bigint)[];
  // Neither `...args` nor a list made of `arguments` until one is needed.
  callSync(name: string, a?: Argument, b?: Argument, c?: Argument): (number | bigint)[] {
    if (name === this.#lastName) {
      const quick = this.#direct?.(arguments.length - 1, a, b, c);
      if (quick) return quick;
    }
    const args = Array.prototype.slice.call(arguments, 1) as Argument[];
    this.#function(name);
    const { guest } = this.#port;
    if (!guest) throw new WasmError(WasmCode.call, `${name} runs in a worker: callSync is for { inline: true }`);
    return this.#here(guest, name, args);
  }

  /** Calls what was looked up last, on this thread. */
  #here(guest: Guest, name: string, args: readonly Argument[]): (number | bigint)[] {
    const quick = this.#direct?.(args.length, args[0], args[1], args[2]);
    if (quick) return quick;
    const { index, type } = this.#last!;
    return fromWasm(type, guest.call(index, toWasm(name, type, args, true)), this.#rule);
  }

  /** What the module exports, with signatures. */
  async getExports(): Promise<ExportType[]> {
    this.#lives();
    return this.#shape.exports.map((one) => ({ ...one }));
  }

  /** Fuel that is left: about so many instructions. Rejects with 5011 for an instance made without fuel, 5005 if it is gone. */
  async fuelRemaining(): Promise<number> {
    return Number(((await this.#request(Op.fuel)) as bigint) + (this.#reserve?.amount ?? 0n));
  }

  /**
   * Adds fuel, in turn with the calls: after those made before it. An instance whose fuel was spent
   * can be called again, with its memory and globals as they were left; the call that ran out has
   * ended with 5011. With `onFuel: 'wait'` it has not: it waits, and goes on where it stood, as soon
   * as this has added what it lacks.
   *
   * Rejects with 5007 for what is no amount, 5011 for an instance made without fuel, 5005 if it is gone.
   */
  async addFuel(amount: number | bigint): Promise<void> {
    if (!this.#reserve) return void (await this.#request(Op.addFuel, fuelOf(amount)));
    this.#lives();
    this.#reserve.add(fuelOf(amount));
  }

  /** Lets go of the instance, whatever it does; calls that run reject with 5005. Rejects with 5005 if it is gone. */
  async drop(): Promise<void> {
    this.#lives();
    await this.#drop();
  }

  async #drop(): Promise<void> {
    if (this.#ended) return;
    const gone = new WasmError(WasmCode.instanceHandle, `the instance ${this.id} was dropped`);
    const idle = this.#calls === 0;
    this.#end(gone);
    if (idle) await this.#port.release();
    else this.#port.kill(gone);
    await this.#free();
  }

  #end(why: Error): void {
    this.#ended ??= why;
    this.#lastName = undefined;
    instances.delete(this.id);
  }

  #lives(): void {
    const { message } = this.#ended ?? {};
    if (message !== undefined) throw new WasmError(WasmCode.instanceHandle, message.replace(/^\[\d+\] /, ''), { cause: this.#ended });
  }

  #function(name: string): Fn {
    if (name === this.#lastName) return this.#last!;
    this.#lives();
    const fn = this.#functions.get(name);
    if (fn) {
      if (fn.type.results.includes('v128')) throw new WasmError(WasmCode.type, `${name} returns v128: JavaScript cannot have vectors`);
      this.#lastName = name;
      this.#direct = this.#directs[fn.index] ??= this.#port.guest?.direct(fn.index, fn.type) ?? null;
      return (this.#last = fn);
    }
    const other = this.#shape.exports.find((one) => one.name === name);
    throw new WasmError(WasmCode.exportNotFound, `the module exports no function ${JSON.stringify(name)}${other ? `, but a ${other.kind}` : ''}`);
  }

  async #request(fn: number, data?: unknown): Promise<unknown> {
    this.#lives();
    this.#calls++;
    try {
      return await this.#port.request(fn, data);
    } finally {
      this.#calls--;
    }
  }

  /** Calls on the guest's thread; late, the guest is ended. */
  #there(name: string, type: FuncType, fn: number, data: unknown): Promise<(number | bigint)[]> {
    return new Promise((resolve, reject) => {
      this.#calls++;
      const timeout = this.#timeout;
      const timer = timeout === undefined ? undefined : after(timeout, () => this.#late(timedOut(name, timeout)));
      const over = (): void => {
        this.#calls--;
        if (timer !== undefined) clearTimeout(timer);
      };
      this.#port.send(
        fn,
        data,
        (value) => {
          over();
          resolve(fromWasm(type, value, this.#rule));
        },
        (error) => {
          over();
          reject(error);
        },
      );
    });
  }

  #late(late: WasmError): void {
    this.#end(late);
    this.#port.kill(late);
    void this.#free();
  }
}

/** The error of what took too long. */
export function timedOut(what: string, milliseconds: number): WasmError {
  const cause = new DOMException(`${milliseconds} ms are over`, 'TimeoutError');
  return new WasmError(WasmCode.call, `${what} took longer than its timeout of ${milliseconds} ms and was ended`, { cause });
}

/** Bytes as they can be sent: without the rest of a buffer, and not shared. */
function bytesOf(bytes: Uint8Array | ArrayBuffer): Uint8Array {
  const view = ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes);
  return view.byteLength === view.buffer.byteLength && view.buffer instanceof ArrayBuffer ? view : view.slice();
}

// `using` where the engine has it.
if (typeof Symbol.dispose === 'symbol') {
  const dispose = function (this: Instance): void {
    void this.drop().catch(() => {});
  };
  Object.defineProperty(Instance.prototype, Symbol.dispose, { value: dispose });
}
if (typeof Symbol.asyncDispose === 'symbol') {
  const dispose = async function (this: Instance): Promise<void> {
    await this.drop().catch(() => {});
  };
  Object.defineProperty(Instance.prototype, Symbol.asyncDispose, { value: dispose });
}

/** For TypeScript's `using` and `await using`. */
export interface Instance {
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}
