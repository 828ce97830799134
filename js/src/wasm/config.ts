/** What users may choose about a guest. */

import type { OnFuel } from './fuel.js';
import type { StdioConfig } from './stdio.js';
import type { BigintRule } from './values.js';

/** A directory that a guest may use. */
export interface Preopen {
  readonly path: string;
  /** Nothing below it can be changed; default false. */
  readonly readOnly?: boolean;
  /** Makes the directory if it is missing; default false: that is error 5010. */
  readonly create?: boolean;
}

/** Functions, memories, tables, globals and numbers that a module imports, by module and name. */
export type Imports = Readonly<Record<string, Readonly<Record<string, HostFunction | WebAssembly.ImportValue>>>>;

/**
 * A function of the host's. A worker's guest waits for its promise; `inline` guests cannot.
 *
 * It is given numbers, and bigints for i64; what it returns converts by the signature. (Functions of
 * any parameters are assignable to one of `never`.)
 */
export type HostFunction = (...args: never[]) => unknown;

/** Bounds of what the guest may use; a module that starts beyond them is refused with 5001. */
export interface GuestLimits {
  /** Pages of 64 KiB that a memory may have. */
  readonly memoryPages?: number;
  /** Elements that a table may have. */
  readonly tableElements?: number;
  /** Bytes of stack that nested calls may take, estimated by the functions' locals; calls beyond are 5002. */
  readonly stackBytes?: number;
}

/** How a guest runs. */
export interface RunConfig {
  /** Host functions and what else the module imports beside WASI. */
  readonly imports?: Imports;
  /** The memory that the module imports; default: one of its own, as large as the module says. */
  readonly memory?: WebAssembly.Memory;
  /** Instructions that may be executed, about: see `meter`. When they are spent calls reject with 5011. */
  readonly fuel?: number | bigint;
  /**
   * Asked when the fuel is spent; where the guest stood it goes on with what this returns, or its
   * promise. Nothing or 0 ends the call with 5011, as without it; what it throws is then the cause.
   * `missing` is the least that lets the guest go on. It runs on the page, as host functions do; an
   * `inline` guest cannot wait for a promise. Each thread of a program has fuel of its own.
   *
   * `'wait'`: an instance's call waits for `addFuel`, which keeps what is not waited for until the
   * fuel is spent; `addFuel(0)` ends the waiting with 5011, as `drop` and `timeout` do with theirs.
   * What else is asked of an instance while its call runs is answered when that has ended, or at once
   * if it was asked while it waits: so never hold back fuel for an answer.
   */
  readonly onFuel?: OnFuel | 'wait';
  /** How finely fuel is charged: at functions and loops (`coarse`, default), or at every basic block. */
  readonly meter?: 'coarse' | 'exact';
  /** Milliseconds that a call may take; then the guest is ended, and the call rejects with 5002. */
  readonly timeout?: number;
  /**
   * Whether a guest that loops for ever can be ended for good. What waits for it is told at once in
   * any case; but in WebKit the thread of a guest that calls nothing runs on unless the module is
   * rewritten as for coarse `fuel`, which costs about as much. Default: for programs, and where there
   * is a `timeout`. Other engines end every thread, and ignore this.
   */
  readonly interruptible?: boolean;
  /** Runs on this very thread: for small pure functions. No timeouts, and host functions are synchronous. */
  readonly inline?: boolean;
  readonly limits?: GuestLimits;
  /** How i64 results come: numbers where those are exact (`auto`, default), or always bigints. */
  readonly bigint?: BigintRule;
}

/** What WASI tells the guest. */
export interface WasiConfig {
  /** Directories by the guest's path; nothing else can be reached. */
  readonly preopens?: Readonly<Record<string, string | Preopen>>;
  /** The whole environment: nothing is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  /** The arguments, `args[0]` being the program's name. */
  readonly args?: readonly string[];
  /** Whether standard input, output and errors are a terminal to the guest (`isatty`); default false. */
  readonly terminal?: boolean;
}

/** What `instantiate` takes. Output that is not connected is dropped. */
export interface InstanceConfig extends RunConfig, WasiConfig, StdioConfig {}
