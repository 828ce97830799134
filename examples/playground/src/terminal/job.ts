/** Runs one pipeline: programs joined by pipes, files where redirections say so, and the shell's own commands among them. */

import { createReadable, createWritable } from 'isolith/fs';
import { spawnWasi, type WasiProcess } from 'isolith/wasm';
import { BUILTINS, type State } from './builtins.js';
import { absolute } from './paths.js';
import { programOf } from './programs.js';
import { type Keyboard, screenStream } from './screen.js';
import type { Terminal } from '@xterm/xterm';

/** A command whose words have been expanded. */
export interface Ready {
  readonly args: readonly string[];
  readonly input: string | undefined;
  readonly output: Target | undefined;
  readonly errors: Target | undefined;
}

export interface Target {
  readonly path: string;
  readonly append: boolean;
}

/** The exit code of a program that was interrupted, as shells have it: 128 and the signal's number. */
const INTERRUPTED = 130;
const NOT_FOUND = 127;

/** A command that cannot be run, and what the shell exits with because of it. */
class Refusal extends Error {
  constructor(message: string, readonly code: number) {
    super(message);
  }
}

const encoder = new TextEncoder();

const textStream = (text: string): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      if (text) controller.enqueue(encoder.encode(text));
      controller.close();
    },
  });

const fileStream = (target: Target): Promise<WritableStream<Uint8Array>> =>
  createWritable(target.path, { flags: target.append ? 'a' : 'w' }) as Promise<WritableStream<Uint8Array>>;

/** A pipeline that runs. */
export class Job {
  readonly #terminal: Terminal;
  readonly #state: State;
  readonly #processes: WasiProcess[] = [];
  #interrupted = false;

  constructor(terminal: Terminal, state: State) {
    this.#terminal = terminal;
    this.#state = state;
  }

  /** Ends all its programs, whatever they do. */
  interrupt(): void {
    this.#interrupted = true;
    for (const process of this.#processes) process.kill();
  }

  /** Resolves to the exit code of the last command; says on the screen what went wrong. */
  async run(commands: readonly Ready[], keyboard: Keyboard): Promise<number> {
    try {
      const ends = await this.#start(commands, keyboard);
      const codes = await Promise.all(ends);
      return this.#interrupted ? INTERRUPTED : (codes.at(-1) ?? 0);
    } catch (error) {
      this.interrupt();
      this.#say(`${(error as Error).message}\n`);
      return error instanceof Refusal ? error.code : 1;
    } finally {
      keyboard.release();
    }
  }

  #say(text: string): void {
    this.#terminal.write(`\x1b[31m${text}\x1b[0m`);
  }

  /** Starts all commands; what each ends with. */
  async #start(commands: readonly Ready[], keyboard: Keyboard): Promise<Promise<number>[]> {
    const modules = await Promise.all(commands.map(({ args }) => this.#moduleOf(args[0]!)));
    const ends: Promise<number>[] = [];
    let flow: ReadableStream<Uint8Array> | undefined;
    for (const [at, command] of commands.entries()) {
      const last = at === commands.length - 1;
      const stdin = command.input ? await createReadable(command.input) : flow;
      const module = modules[at];
      const stage = module === undefined ? await this.#builtin(command) : this.#program(module, command, stdin, last && !command.output);
      if (module !== undefined && at === 0) keyboard.attach(stdin ? undefined : stage.stdin, () => this.interrupt());
      else if (at === 0) keyboard.attach(undefined, () => this.interrupt());
      const errors = stage.stderr.pipeTo(command.errors ? await fileStream(command.errors) : screenStream(this.#terminal, '31'), { preventCancel: false });
      const target = command.output ? await fileStream(command.output) : last ? screenStream(this.#terminal) : undefined;
      flow = target ? textStream('') : stage.stdout;
      const output = target ? stage.stdout.pipeTo(target) : Promise.resolve();
      ends.push(settled(stage.exit, output, errors));
    }
    // Of two failures one is told; the others have happened all the same.
    for (const end of ends) end.catch(() => {});
    return ends;
  }

  async #moduleOf(name: string): Promise<string | undefined> {
    if (Object.hasOwn(BUILTINS, name)) return undefined;
    const path = absolute(this.#state.cwd, name);
    const module = await programOf(name, path).catch((error: unknown) => {
      throw new Refusal(`${name}: ${(error as Error).message}`, 126);
    });
    if (module === undefined) throw new Refusal(`${name}: no such program (help lists them)`, NOT_FOUND);
    return module;
  }

  async #builtin({ args }: Ready): Promise<Stage> {
    const { out = '', err = '', code } = await BUILTINS[args[0]!]!(args.slice(1), this.#state);
    return { stdin: undefined, stdout: textStream(out), stderr: textStream(err), exit: Promise.resolve(code) };
  }

  #program(module: string, { args }: Ready, stdin: ReadableStream<Uint8Array> | undefined, onScreen: boolean): Stage {
    const { cwd, variables } = this.#state;
    const screen = onScreen ? { COLOR: '1', COLUMNS: String(this.#terminal.cols) } : {};
    const process = spawnWasi(module, {
      args,
      env: { ...Object.fromEntries(variables), ...screen, PWD: cwd },
      // A shell hands all its files on; a page would name the few directories that a program needs.
      preopens: { '/': '/' },
      ...(stdin ? { stdin } : {}),
    });
    this.#processes.push(process);
    if (this.#interrupted) process.kill();
    const exit = process.wait().then(({ exitCode }) => exitCode);
    return { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, exit };
  }
}

interface Stage {
  readonly stdin: WritableStream<Uint8Array | string> | undefined;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  readonly exit: Promise<number>;
}

/** The exit code, once all that was written has arrived. */
async function settled(exit: Promise<number>, output: Promise<void>, errors: Promise<void>): Promise<number> {
  const [code, written, complained] = await Promise.allSettled([exit, output, errors]);
  if (code.status === 'rejected') throw code.reason;
  if (written.status === 'rejected') throw written.reason;
  if (complained.status === 'rejected') throw complained.reason;
  return code.value;
}
