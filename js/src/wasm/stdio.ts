/** Standard input and output of programs: from what users give to what the process has, and the pumps between. */

import type { Kernel } from '../kernel.js';
import { KernelPipe } from './pipes.js';
import type { ProcessConfig } from './process.js';

/** What a program can read: a text, bytes, or a stream of either. */
export type Input = string | Uint8Array | ArrayBuffer | ReadableStream<Uint8Array | string>;

/** What takes a program's output: a stream, or a function that is called with each piece. */
export type Output = WritableStream<Uint8Array> | ((bytes: Uint8Array<ArrayBuffer>) => void);

/**
 * What a program is connected with.
 *
 * Each of the two outputs keeps its order; between them there is none. All of it has been handed over when
 * `runWasi`, `pipeline` or a process's `wait` resolves; of an instance, when `drop` does: what a call wrote may
 * come after the call's result. A target that is slower than the program makes the program wait.
 */
export interface StdioConfig {
  readonly stdin?: Input;
  readonly stdout?: Output;
  readonly stderr?: Output;
  /** Reads what `stdio.stdin` gives. */
  readonly inheritStdin?: boolean;
  /** Writes to `stdio.stdout`: to the console, line by line, unless the page has set another one. */
  readonly inheritStdout?: boolean;
  /** Writes to `stdio.stderr`: to the console as errors, unless the page has set another one. */
  readonly inheritStderr?: boolean;
}

/** What `inheritStdin`, `inheritStdout` and `inheritStderr` mean on this page: set its properties to change it. */
export const stdio: {
  /** Gives each program what it reads; default: nothing. */
  stdin: (() => Input) | undefined;
  /** Takes output; default: `console.log`, line by line. */
  stdout: ((bytes: Uint8Array<ArrayBuffer>) => void) | undefined;
  /** Takes errors; default: `console.error`, line by line. */
  stderr: ((bytes: Uint8Array<ArrayBuffer>) => void) | undefined;
} = { stdin: undefined, stdout: undefined, stderr: undefined };

/** How the output of a program that nobody takes is kept. */
export type Rest = 'capture' | 'discard';

/** The connections of one program. */
export class Stdio {
  readonly stdin: ProcessConfig['stdin'];
  readonly stdout: ProcessConfig['stdout'];
  readonly stderr: ProcessConfig['stdout'];
  readonly #kernel: Kernel;
  readonly #pipes: KernelPipe[] = [];
  readonly #pumps: Promise<void>[] = [];
  readonly #starts: (() => void)[] = [];
  readonly #ends: (() => void)[] = [];

  constructor(kernel: Kernel, config: StdioConfig, rest: Rest) {
    this.#kernel = kernel;
    const given = config.stdin ?? (config.inheritStdin ? stdio.stdin?.() : undefined);
    this.stdin = this.#input(given);
    this.stdout = this.#output(config.stdout ?? (config.inheritStdout ? (stdio.stdout ?? lines('log')) : undefined), rest);
    this.stderr = this.#output(config.stderr ?? (config.inheritStderr ? (stdio.stderr ?? lines('error')) : undefined), rest);
  }

  #pipe(): KernelPipe {
    const pipe = KernelPipe.create(this.#kernel);
    this.#pipes.push(pipe);
    return pipe;
  }

  #input(given: Input | undefined): ProcessConfig['stdin'] {
    if (given === undefined) return { kind: 'empty' };
    if (typeof given === 'string') return { kind: 'bytes', bytes: new TextEncoder().encode(given) };
    if (ArrayBuffer.isView(given)) return { kind: 'bytes', bytes: new Uint8Array(given.buffer, given.byteOffset, given.byteLength) };
    if (given instanceof ArrayBuffer) return { kind: 'bytes', bytes: new Uint8Array(given) };
    const pipe = this.#pipe();
    const reader = given.getReader();
    this.#starts.push(() => this.#pumps.push(feed(reader, pipe)));
    this.#ends.push(() => {
      // A stream that gives nothing must not keep us.
      reader.cancel().catch(() => {});
    });
    return { kind: 'pipe', pipe: pipe.id };
  }

  #output(target: Output | undefined, rest: Rest): ProcessConfig['stdout'] {
    if (target === undefined) return { kind: rest };
    const pipe = this.#pipe();
    this.#starts.push(() => this.#pumps.push(drain(pipe, target)));
    return { kind: 'pipe', pipe: pipe.id };
  }

  /** Starts the pumps, once the process is there. */
  start(): void {
    for (const start of this.#starts) start();
  }

  /** The process has ended, or never began: settles when all that it wrote is delivered. */
  async finish(): Promise<void> {
    for (const end of this.#ends) end();
    // Pipes are numbers that are used again: nobody may be at one when it is freed.
    await Promise.all(this.#pumps);
    for (const pipe of this.#pipes) pipe.free();
    this.#pipes.length = 0;
  }
}

/** Moves a stream into a pipe, until either ends. */
async function feed(reader: ReadableStreamDefaultReader<Uint8Array | string>, pipe: KernelPipe): Promise<void> {
  const encoder = new TextEncoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      await pipe.write(typeof value === 'string' ? encoder.encode(value) : value);
    }
  } catch (error) {
    // The program no longer reads, or the stream broke: to the program that is the end.
    reader.cancel(error).catch(() => {});
  }
  pipe.closeWrite();
}

/** Moves a pipe's bytes to who takes them, until it ends. */
async function drain(pipe: KernelPipe, target: Output): Promise<void> {
  try {
    if (typeof target === 'function') {
      for (let bytes = await pipe.read(); bytes; bytes = await pipe.read()) target(bytes as Uint8Array<ArrayBuffer>);
      target(new Uint8Array(0));
      return;
    }
    const writer = target.getWriter();
    try {
      for (let bytes = await pipe.read(); bytes; bytes = await pipe.read()) await writer.write(bytes);
      await writer.close();
    } finally {
      writer.releaseLock();
    }
  } catch {
    // Nobody takes it any more: the program learns it when it writes.
    pipe.closeRead();
  }
}

/** A function that prints whole lines; an empty piece ends the last one. */
function lines(level: 'log' | 'error'): (bytes: Uint8Array) => void {
  const decoder = new TextDecoder();
  let text = '';
  return (bytes) => {
    text += decoder.decode(bytes, { stream: bytes.length > 0 });
    const rows = text.split('\n');
    text = bytes.length > 0 ? rows.pop()! : '';
    for (const row of rows) if (bytes.length > 0 || row !== '') globalThis.console[level](row);
  };
}
