/** A WASI process as the kernel keeps it: started, ended and taken apart from the page or a worker. */

import { type Client, step } from '../fs/client.js';
import { lastError } from '../kernel.js';
import { WasmCode, WasmError } from './errors.js';
import { type RuntimeExports, runtimeExports } from './kernel-wasi.js';

/** A directory that a process may use. */
export interface ProcessPreopen {
  /** What the guest calls it. */
  readonly guest: string;
  /** Where it is, from the root of the filesystem. */
  readonly path: string;
  /** Nothing in it may be changed. */
  readonly readOnly: boolean;
  /** It is made if it is missing. */
  readonly create: boolean;
}

/** Where a process's output goes: nowhere, kept for `captured`, or into a pipe. */
export type ProcessOutput = { readonly kind: 'discard' } | { readonly kind: 'capture' } | { readonly kind: 'pipe'; readonly pipe: number };

/** How a process starts. */
export interface ProcessConfig {
  /** The arguments, the program's name first. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly preopens: readonly ProcessPreopen[];
  readonly stdin: { readonly kind: 'empty' } | { readonly kind: 'bytes'; readonly bytes: Uint8Array } | { readonly kind: 'pipe'; readonly pipe: number };
  readonly stdout: ProcessOutput;
  readonly stderr: ProcessOutput;
  /** Which of descriptors 0 to 2 are a terminal to the guest; default none. */
  readonly terminal?: readonly [stdin: boolean, stdout: boolean, stderr: boolean];
}

/** What the records of a configuration are; see `runtime/export/start.rs`. */
const enum Tag {
  argument,
  variable,
  preopen,
  path,
  stdinBytes,
  stdinPipe,
  stdout,
  stderr,
  terminal,
}

/** Puts records one after the other. */
class Records {
  readonly #parts: Uint8Array[] = [];
  readonly #encoder = new TextEncoder();

  add(tag: Tag, number: number, value: string | Uint8Array = ''): void {
    const bytes = typeof value === 'string' ? this.#encoder.encode(value) : value;
    const head = new DataView(new ArrayBuffer(12));
    head.setUint32(0, tag, true);
    head.setUint32(4, number, true);
    head.setUint32(8, bytes.length, true);
    this.#parts.push(new Uint8Array(head.buffer), bytes);
  }

  get parts(): readonly Uint8Array[] {
    return this.#parts;
  }
}

function without(what: string, text: string): string {
  if (text.includes('\0')) throw new WasmError(WasmCode.wasi, `${what} must not contain a zero character: ${JSON.stringify(text)}`);
  return text;
}

function records(config: ProcessConfig): Records {
  const all = new Records();
  for (const arg of config.args) all.add(Tag.argument, 0, without('an argument', arg));
  for (const [name, value] of Object.entries(config.env)) {
    if (name === '' || name.includes('=')) throw new WasmError(WasmCode.wasi, `a variable cannot be called ${JSON.stringify(name)}`);
    all.add(Tag.variable, 0, without('a variable', `${name}=${value}`));
  }
  for (const { guest, path, readOnly, create } of config.preopens) {
    all.add(Tag.preopen, Number(readOnly) | (Number(create) << 1), without('a preopen', guest));
    all.add(Tag.path, 0, without('a path', path));
  }
  if (config.stdin.kind === 'bytes') all.add(Tag.stdinBytes, 0, config.stdin.bytes);
  if (config.stdin.kind === 'pipe') all.add(Tag.stdinPipe, config.stdin.pipe);
  for (const [tag, output] of [[Tag.stdout, config.stdout], [Tag.stderr, config.stderr]] as const) {
    if (output.kind !== 'discard') all.add(tag, output.kind === 'pipe' ? output.pipe : 0);
  }
  const [stdin, stdout, stderr] = config.terminal ?? [false, false, false];
  all.add(Tag.terminal, Number(stdin) | (Number(stdout) << 1) | (Number(stderr) << 2));
  return all;
}

/** A process in the kernel. The threads of its guest call WASI with its `pid`. */
export class Process {
  readonly pid: number;
  readonly #client: Client;
  readonly #exports: RuntimeExports;
  #freed: Promise<void> | undefined;

  /** Starts a process; rejects with 5010 for what is wrong with its configuration, a missing directory by name. */
  static async create(client: Client, config: ProcessConfig): Promise<Process> {
    const exports = runtimeExports(client.door.kernel);
    const { parts } = records(config);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    let wrong: WasmError | undefined;
    const pid = await client.run(
      (function* () {
        return yield* step({
          syscall: 'start',
          attempt: (door) => {
            door.put(...parts);
            const status = exports.isolith_process_start(length);
            if (status !== 0 && status < 0x1_0000) wrong = refusal(client, config, door.number(0));
            return wrong ? 0 : status;
          },
          answer: (door) => door.number(0),
        });
      })(),
    );
    client.door.trim();
    if (wrong) throw wrong;
    return new Process(client, exports, pid);
  }

  private constructor(client: Client, exports: RuntimeExports, pid: number) {
    this.pid = pid;
    this.#client = client;
    this.#exports = exports;
  }

  /** Takes what descriptor 1 or 2 has captured so far. */
  captured(fd: 1 | 2): Uint8Array<ArrayBuffer> {
    this.#exports.isolith_process_captured(this.pid, fd);
    return this.#client.door.output();
  }

  /** Marks the process dead, closes its ends of pipes, and wakes what sleeps for it; the first code counts. */
  end(code: number): void {
    this.#exports.isolith_process_end(this.pid, code);
  }

  /** Ends it, closes its files, forgets it; resolves when what it has changed is durable. */
  free(): Promise<void> {
    return (this.#freed ??= (async () => {
      this.#exports.isolith_process_free(this.pid);
      await this.#client.bell.control({ name: 'flush' });
    })());
  }
}

/** Why a process could not be started. */
function refusal(client: Client, config: ProcessConfig, at: number): WasmError {
  const cause = lastError(client.door.kernel);
  const preopen = config.preopens[at];
  const about = preopen ? `the directory ${JSON.stringify(preopen.path)} for ${JSON.stringify(preopen.guest)}` : 'the process';
  return new WasmError(WasmCode.wasi, `${about} cannot be had: ${cause.code}: ${cause.message}`, { cause });
}
