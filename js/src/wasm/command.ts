/** Programs as users run them: to the end, as a process with streams, or several in a pipeline. */

import { getKernel } from '../runtime.js';
import type { RunConfig, WasiConfig } from './config.js';
import { WasmCode, WasmError } from './errors.js';
import { compiledOf, type Compiled, type ModuleBytes, moduleOf } from './modules.js';
import { KernelPipe } from './pipes.js';
import { type Connections, Program } from './program.js';
import { check } from './start.js';
import { Stdio, type StdioConfig } from './stdio.js';

/** A module by its id, or its bytes. */
export type Runnable = string | ModuleBytes;

/** How a program runs. */
export interface ProgramConfig extends RunConfig, WasiConfig, StdioConfig {}

/** How `runWasi` answers. */
export interface RunWasiConfig extends ProgramConfig {
  /** Output as text (default) or bytes. */
  readonly encoding?: 'utf8' | 'bytes';
}

/** What a program left behind; output that went elsewhere is empty. */
export interface RunResult<T = string> {
  readonly exitCode: number;
  readonly stdout: T;
  readonly stderr: T;
}

async function found(module: Runnable): Promise<Compiled> {
  return typeof module === 'string' ? moduleOf(module) : compiledOf(module);
}

/**
 * Runs a program to its end. `args[0]` is its name.
 *
 * Rejects with 5002 if it traps or takes too long, 5011 if its fuel is spent (the error has the
 * `stdout` and `stderr` so far), 5001, 5003 and 5010 if it cannot be started.
 */
export function runWasi(module: Runnable, config: RunWasiConfig & { readonly encoding: 'bytes' }): Promise<RunResult<Uint8Array>>;
export function runWasi(module: Runnable, config?: RunWasiConfig): Promise<RunResult>;
export async function runWasi(module: Runnable, config: RunWasiConfig = {}): Promise<RunResult<string | Uint8Array>> {
  check(config);
  const compiled = await found(module);
  const connected = new Stdio(getKernel(), config, 'capture');
  let program: Program | undefined;
  try {
    program = await Program.start(compiled, config, connected);
    connected.start();
    const exitCode = await program.exit;
    return { exitCode, ...(await output(program, connected, config.encoding)) };
  } catch (error) {
    const left = program ? await output(program, connected, config.encoding) : undefined;
    if (!program) await connected.finish();
    throw left && error instanceof Error ? Object.assign(error, left) : error;
  } finally {
    await program?.process.free();
  }
}

async function output(program: Program, connected: Stdio, encoding: RunWasiConfig['encoding']): Promise<Omit<RunResult<string | Uint8Array>, 'exitCode'>> {
  await connected.finish();
  const of = (fd: 1 | 2): string | Uint8Array => {
    const bytes = (fd === 1 ? connected.stdout : connected.stderr).kind === 'capture' ? program.process.captured(fd) : new Uint8Array(0);
    return encoding === 'bytes' ? bytes : new TextDecoder().decode(bytes);
  };
  return { stdout: of(1), stderr: of(2) };
}

/** A program that runs. */
export class WasiProcess {
  /** What it reads; closed if `stdin` was given otherwise. */
  readonly stdin: WritableStream<Uint8Array | string>;
  /** What it writes; empty if `stdout` was given otherwise. Who does not read it makes the program wait. */
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly #exit: Promise<number>;
  #program: Program | undefined;
  #killed = false;
  #closeInput: () => Promise<void>;

  constructor(module: Runnable, config: ProgramConfig) {
    check(config);
    const kernel = getKernel();
    const input = config.stdin === undefined && !config.inheritStdin ? KernelPipe.create(kernel) : undefined;
    const out = config.stdout === undefined && !config.inheritStdout ? KernelPipe.create(kernel) : undefined;
    const err = config.stderr === undefined && !config.inheritStderr ? KernelPipe.create(kernel) : undefined;
    const stdin = writing(input);
    this.stdin = stdin.stream;
    this.#closeInput = stdin.end;
    this.stdout = reading(out);
    this.stderr = reading(err);
    const connected = new Stdio(kernel, config, 'discard');
    const piped = (pipe: KernelPipe | undefined): { kind: 'pipe'; pipe: number } | undefined => pipe && { kind: 'pipe', pipe: pipe.id };
    this.#exit = this.#run(module, config, connected, {
      stdin: piped(input) ?? connected.stdin,
      stdout: piped(out) ?? connected.stdout,
      stderr: piped(err) ?? connected.stderr,
    }, [out, err]);
    this.#exit.catch(() => {});
  }

  async #run(module: Runnable, config: ProgramConfig, connected: Stdio, connections: Connections, pipes: (KernelPipe | undefined)[]): Promise<number> {
    const [out, err] = pipes;
    try {
      const program = await Program.start(await found(module), config, connections);
      this.#program = program;
      connected.start();
      if (this.#killed) program.kill();
      try {
        return await program.exit;
      } finally {
        await connected.finish();
        await program.process.free();
      }
    } catch (error) {
      // Nobody reads and writes there: who waits at the other end is told.
      out?.closeWrite();
      err?.closeWrite();
      throw error;
    } finally {
      await this.#closeInput();
    }
  }

  /** Ends it, whatever it does; it exits with 137. */
  kill(): void {
    this.#killed = true;
    this.#program?.kill();
  }

  /** Its end. Rejects as `runWasi` does. */
  async wait(): Promise<{ readonly exitCode: number }> {
    return { exitCode: await this.#exit };
  }
}

/** Starts a program; its streams are there at once, why it could not be started is told by `wait()`. */
export const spawnWasi = (module: Runnable, config: ProgramConfig = {}): WasiProcess => new WasiProcess(module, config);

/** The stream into a program, and what to do when it has ended. */
function writing(pipe: KernelPipe | undefined): { readonly stream: WritableStream<Uint8Array | string>; end(): Promise<void> } {
  const encoder = new TextEncoder();
  let control: WritableStreamDefaultController | undefined;
  let live = pipe;
  const stream = new WritableStream<Uint8Array | string>({
    start: (controller) => {
      control = controller;
      if (!pipe) controller.error(new TypeError('stdin was given otherwise'));
    },
    write: (chunk) => live?.write(typeof chunk === 'string' ? encoder.encode(chunk) : chunk),
    close: () => live?.closeWrite(),
    abort: () => live?.closeWrite(),
  });
  const end = async (): Promise<void> => {
    const ended = live;
    if (!ended) return;
    live = undefined;
    control?.error(new WasmError(WasmCode.io, 'the program has ended'));
    ended.closeRead();
    // Pipes are numbers that are used again: a write that waits must be through before it is freed.
    await ended.write(new Uint8Array(0)).catch(() => {});
    ended.free();
  };
  return { stream, end };
}

function reading(pipe: KernelPipe | undefined): ReadableStream<Uint8Array> {
  return new ReadableStream(
    {
      start: (controller) => {
        if (!pipe) controller.close();
      },
      pull: async (controller) => {
        const bytes = await pipe?.read();
        if (bytes) return controller.enqueue(bytes);
        controller.close();
        pipe?.free();
      },
      cancel: () => pipe?.free(),
    },
    // Nothing is read ahead: the pipe is the buffer.
    { highWaterMark: 0 },
  );
}

/** One program of a pipeline. */
export type Stage = ({ readonly module: Runnable } & ProgramConfig) | readonly [Runnable, ProgramConfig?];

/** What a pipeline left behind: the last program's exit code and output, and the errors of all. */
export interface PipelineResult<T = string> extends RunResult<T> {
  /** Of each program. */
  readonly exitCodes: readonly number[];
}

/**
 * Runs programs at once, each reading what the one before it writes, like `a | b | c` in a shell.
 *
 * Rejects if one of them cannot be started or traps; then the others are ended.
 */
export function pipeline(stages: readonly Stage[], options: { readonly encoding: 'bytes' }): Promise<PipelineResult<Uint8Array>>;
export function pipeline(stages: readonly Stage[], options?: { readonly encoding?: 'utf8' | 'bytes' }): Promise<PipelineResult>;
export async function pipeline(
  stages: readonly Stage[],
  { encoding }: { readonly encoding?: 'utf8' | 'bytes' } = {},
): Promise<PipelineResult<string | Uint8Array>> {
  const kernel = getKernel();
  const runs = stages.map((stage) => {
    const [module, config = {}] = 'module' in stage ? ([stage.module, stage] as const) : stage;
    check(config);
    return { module, config };
  });
  if (runs.length === 0) throw new TypeError('a pipeline has at least one program');
  const compiled = await Promise.all(runs.map(({ module }) => found(module)));
  const between = runs.slice(1).map(() => KernelPipe.create(kernel));
  const connected = runs.map(({ config }) => new Stdio(kernel, config, 'capture'));
  const programs: Program[] = [];
  try {
    for (const [at, { config }] of runs.entries()) {
      const { stdin, stdout, stderr } = connected[at]!;
      programs.push(
        await Program.start(compiled[at]!, config, {
          stdin: at > 0 ? { kind: 'pipe', pipe: between[at - 1]!.id } : stdin,
          stdout: at < between.length ? { kind: 'pipe', pipe: between[at]!.id } : stdout,
          stderr,
        }),
      );
      connected[at]!.start();
    }
    const exitCodes = await Promise.all(programs.map(({ exit }) => exit));
    const outputs = await Promise.all(programs.map((program, at) => output(program, connected[at]!, 'bytes') as Promise<Omit<RunResult<Uint8Array>, 'exitCode'>>));
    const text = (parts: Uint8Array[]): string | Uint8Array => {
      const bytes = joined(parts);
      return encoding === 'bytes' ? bytes : new TextDecoder().decode(bytes);
    };
    return {
      exitCode: exitCodes.at(-1)!,
      exitCodes,
      stdout: text([outputs.at(-1)!.stdout]),
      stderr: text(outputs.map(({ stderr }) => stderr)),
    };
  } finally {
    for (const program of programs) program.kill();
    await Promise.all(programs.map(({ exit }) => exit.catch(() => {})));
    await Promise.all(connected.map((one) => one.finish()));
    await Promise.all(programs.map(({ process }) => process.free()));
    for (const pipe of between) pipe.free();
  }
}

function joined(parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
