// Starts programs on a leash: they and all they start end with us, whatever happens to us.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { descendants, signalAll } from './leash.mjs';

const LEASH = fileURLToPath(new URL('./leash.mjs', import.meta.url));

/** Starts `command` through the leash; its standard input is the leash's end. */
function start(command, args, { env = {}, cwd, scratch, output }) {
  const child = spawn(process.execPath, [LEASH, ...(scratch ? [`--scratch=${scratch}`] : []), command, ...args], {
    stdio: ['pipe', output, output],
    cwd,
    // A group of its own: what is sent to ours (Ctrl-C, a time limit's SIGKILL) must not end the leash first.
    detached: true,
    env: { ...process.env, ...env },
  });
  child.stdin.on('error', () => {});
  return child;
}

/** Runs `command` with its output shown and resolves when it has ended well, like `run`, but on a leash. */
export function runLeashed(command, args, options = {}) {
  return new Promise((done, failed) => {
    const child = start(command, args, { ...options, output: 'inherit' });
    child.on('error', failed);
    child.on('close', (code) => (code === 0 ? done() : failed(new Error(`${command} ${args.join(' ')} ended with ${code}`))));
  });
}

/** A program that ends with us, whatever happens to us. Its last words are kept for error messages. */
export class Leashed {
  #child;
  #ended;
  #output = '';

  /** `scratch` is a folder to remove if we die without calling `stop`. */
  constructor(command, args, { env = {}, cwd, scratch } = {}) {
    this.name = command;
    this.#child = start(command, args, { env, cwd, scratch, output: 'pipe' });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (this.#output = (this.#output + text).slice(-4000)));
    }
    this.#ended = new Promise((done) => this.#child.on('close', done));
  }

  get running() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get output() {
    return this.#output;
  }

  /** Kills with SIGKILL what the program started (a driver's browser), but not the program itself. */
  killChildren() {
    const [own, ...rest] = descendants(this.#child.pid);
    signalAll(rest, 'SIGKILL');
    return own;
  }

  /** Ends the program and everything it started; resolves when all of it is gone. */
  async stop() {
    this.#child.stdin.end('stop');
    await this.#ended;
  }
}
