/** A WASI program that runs: its process, its threads, and the one end that all of them have. */

import { getClient } from '../fs/service.js';
import { getKernel } from '../runtime.js';
import { requireShared } from '../support.js';
import { after } from '../timer.js';
import type { RunConfig, WasiConfig } from './config.js';
import { WasmCode, WasmError } from './errors.js';
import { timedOut } from './instance.js';
import type { Compiled } from './modules.js';
import { Op } from './ops.js';
import { inlinePort, type Port, workerPort } from './ports.js';
import { needsThreads, prepare, type Prepared } from './prepare.js';
import { Process, type ProcessConfig } from './process.js';
import { wasiOf } from './wasi-here.js';

/** What a program's process is connected with. */
export type Connections = Pick<ProcessConfig, 'stdin' | 'stdout' | 'stderr'>;

/** The exit code of a program that was killed, as shells have it. */
export const KILLED = 137;
/** The exit code by which the process of a program that trapped is known. */
const ABORTED = 134;

/** The process for a module's WASI. Rejects with 5010. */
export function createProcess({ preopens = {}, env = {}, args = [], terminal = false }: WasiConfig, connections: Connections): Promise<Process> {
  const bad = (what: string): never => {
    throw new WasmError(WasmCode.wasi, what);
  };
  const texts = [...args, ...Object.keys(env), ...Object.values(env)];
  if (texts.some((text) => typeof text !== 'string' || text.includes('\0'))) bad('args and env are strings without null characters');
  const dirs = Object.entries(preopens).map(([guest, dir]) => {
    const { path, readOnly = false, create = false } = typeof dir === 'string' ? { path: dir } : dir;
    if (typeof path !== 'string' || path === '') bad(`the directory for ${guest} has no path`);
    return { guest, path: absolute(path), readOnly, create };
  });
  if (typeof terminal !== 'boolean') bad('terminal is true or false');
  return Process.create(getClient(), { args: args.map(String), env, preopens: dirs, terminal: [terminal, terminal, terminal], ...connections });
}

/** Our files have one root: what is relative begins there. */
function absolute(path: string): string {
  return path.startsWith('/') ? path : `/${path.replace(/^(\.\/)+/, '')}`;
}

/** A program from its start to its end. */
export class Program {
  readonly process: Process;
  /** The exit code; rejects with what the program trapped with, or why it was ended. */
  readonly exit: Promise<number>;
  readonly #prepared: Prepared;
  readonly #ports = new Set<Port>();
  #settle!: (code: number) => void;
  #fail!: (error: unknown) => void;
  #over = false;
  #threads = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Starts a program. Rejects with 5001 and 5010; then nothing is left of it. */
  static async start(compiled: Compiled, config: RunConfig & WasiConfig, connections: Connections): Promise<Program> {
    if (!compiled.shape.exports.some(({ name, kind }) => name === '_start' && kind === 'func')) {
      throw new WasmError(WasmCode.exportNotFound, 'the module exports no _start: it is no program but a library, to be instantiated');
    }
    // Without shared memory a guest has its files only where they are.
    const inline = config.inline ?? !getKernel().shared;
    if (needsThreads(compiled)) {
      requireShared('a program with threads');
      if (inline) throw new WasmError(WasmCode.instantiate, 'a program with threads cannot run on this thread');
    }
    if (inline && config.timeout !== undefined) requireShared('a timeout');
    const process = await createProcess(config, connections);
    try {
      const prepared = await prepare(compiled, { interruptible: true, ...config, inline }, process.pid);
      return new Program(process, prepared, config.timeout);
    } catch (error) {
      await process.free();
      throw error;
    }
  }

  private constructor(process: Process, prepared: Prepared, timeout: number | undefined) {
    this.process = process;
    this.#prepared = prepared;
    this.exit = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#fail = reject;
    });
    this.exit.catch(() => {});
    if (timeout !== undefined) this.#timer = after(timeout, () => this.#end(ABORTED, timedOut('the program', timeout)));
    void this.#main();
  }

  async #main(): Promise<void> {
    try {
      const port = this.#prepared.inline
        ? await inlinePort(this.#prepared, wasiOf(getKernel(), getClient))
        : await workerPort(this.#prepared, (argument) => this.#spawn(argument));
      await this.#run(port, undefined);
    } catch (error) {
      const { exitCode } = error as { exitCode?: number };
      if (exitCode === undefined) this.#end(ABORTED, error);
      else this.#end(exitCode);
    }
  }

  /** Runs the program or one of its threads to the end. */
  async #run(port: Port, thread: { tid: number; argument: number } | undefined): Promise<void> {
    if (this.#over) return port.kill(gone());
    this.#ports.add(port);
    port.onEnd = (error) => {
      this.#ports.delete(port);
      this.#end(ABORTED, error);
    };
    try {
      const code = (await port.request(Op.run, thread)) as number | undefined;
      this.#ports.delete(port);
      void port.release();
      // A thread that returned is no end, one that exited is everybody's.
      if (code !== undefined) this.#end(code);
    } catch (error) {
      if (this.#ports.delete(port)) void port.release();
      this.#end(ABORTED, error);
    }
  }

  /** A thread for the guest: its number, or a negative one if none can be had. */
  async #spawn(argument: number): Promise<number> {
    if (this.#over) return -1;
    const tid = ++this.#threads;
    try {
      const port = await workerPort(this.#prepared, (argument) => this.#spawn(argument));
      void this.#run(port, { tid, argument });
      return tid;
    } catch {
      return -1;
    }
  }

  /** Ends the program from outside. */
  kill(): void {
    this.#end(KILLED);
  }

  /** The first end counts, and is the end of all threads, whatever they do. */
  #end(code: number, error?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.process.end(code);
    for (const port of this.#ports) port.kill(gone());
    this.#ports.clear();
    if (error === undefined) this.#settle(code);
    else this.#fail(error);
  }
}

function gone(): WasmError {
  return new WasmError(WasmCode.instanceHandle, 'the program has ended');
}
