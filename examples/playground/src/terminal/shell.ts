/** The shell: prompts, reads a line, runs what it says, and says how it went. */

import { readdir } from 'isolith/fs';
import type { Terminal } from '@xterm/xterm';
import { BUILTINS, type State } from './builtins.js';
import { expand, expandTarget } from './expand.js';
import { Job, type Ready } from './job.js';
import { LineEditor } from './line-editor.js';
import { type Command, parse, type Pipeline, SyntaxFault } from './parse.js';
import { absolute, short } from './paths.js';
import { isDirectory, PROGRAMS } from './programs.js';
import { Keyboard } from './screen.js';

/** What the shell tells whoever shows it. */
export interface Watcher {
  busy(line: string): void;
  idle(code: number, milliseconds: number): void;
}

export class Shell {
  readonly #terminal: Terminal;
  readonly #watcher: Watcher;
  readonly #editor: LineEditor;
  readonly #keyboard: Keyboard;
  readonly #state: State;
  #code = 0;

  constructor(terminal: Terminal, home: string, watcher: Watcher) {
    this.#terminal = terminal;
    this.#watcher = watcher;
    this.#state = { cwd: home, home, variables: new Map([['HOME', home]]), history: [] };
    this.#keyboard = new Keyboard(terminal);
    this.#editor = new LineEditor(terminal, this.#state.history, (before) => this.#complete(before));
    terminal.onData((data) => (this.#editor.active ? this.#editor : this.#keyboard).type(data));
    terminal.onResize(() => this.#editor.redraw());
  }

  /** Prompts and runs for as long as the page lives. */
  async live(): Promise<never> {
    for (;;) {
      const line = await this.#editor.read(this.#prompt());
      if (line === undefined) {
        this.#terminal.write('This shell stays: it is the page. Close the tab to leave.\r\n');
        continue;
      }
      if (line.trim() === '') continue;
      this.#watcher.busy(line);
      const began = performance.now();
      this.#code = await this.#run(line);
      this.#watcher.idle(this.#code, performance.now() - began);
      // What a program left without a line's end stays on the screen.
      if (this.#terminal.buffer.active.cursorX > 0) this.#terminal.write('\x1b[2m⏎\x1b[0m\r\n');
    }
  }

  /** Types a line as a person would, with Enter; only while the shell waits for one. */
  enter(line: string): void {
    if (this.#editor.active) this.#editor.type(`\x15${line}\r`);
  }

  #prompt(): string {
    const sign = this.#code === 0 ? '\x1b[32m❯\x1b[0m' : `\x1b[31m${this.#code} ❯\x1b[0m`;
    return `\x1b[1m${short(this.#state.cwd, this.#state.home)}\x1b[0m ${sign} `;
  }

  async #run(line: string): Promise<number> {
    let code = 0;
    try {
      for (const { after, commands } of parse(line)) {
        if ((after === '&&' && code !== 0) || (after === '||' && code === 0)) continue;
        code = await this.#pipeline(commands);
        this.#code = code;
        // An interrupted list does not go on.
        if (code === 130) break;
      }
      return code;
    } catch (error) {
      this.#terminal.write(`\x1b[31m${(error as Error).message}\x1b[0m\r\n`);
      return error instanceof SyntaxFault ? 2 : 1;
    }
  }

  async #pipeline(commands: Pipeline['commands']): Promise<number> {
    const ready = await Promise.all(commands.map((command) => this.#ready(command)));
    return new Job(this.#terminal, this.#state).run(ready, this.#keyboard);
  }

  async #ready({ words, redirects }: Command): Promise<Ready> {
    const { cwd, home, variables } = this.#state;
    const around = { cwd, home, variable: (name: string) => (name === '?' ? String(this.#code) : name === 'PWD' ? cwd : variables.get(name)) };
    const args = await expand(words, around);
    if (args.length === 0) throw new Error('there is no command');
    const targets: { input?: string; output?: Ready['output']; errors?: Ready['errors'] } = {};
    for (const { how, fd, target } of redirects) {
      const path = await expandTarget(target, around);
      if (how === '<') targets.input = path;
      else targets[fd === 2 ? 'errors' : 'output'] = { path, append: how === '>>' };
    }
    return { args, input: targets.input, output: targets.output, errors: targets.errors };
  }

  /** Programs where a command begins, files everywhere else. */
  async #complete(before: string): Promise<{ from: number; choices: string[] }> {
    const typed = /[^\s|;&<>]*$/.exec(before)?.[0] ?? '';
    const from = before.length - typed.length;
    const first = /(^|[|;&])\s*$/.test(before.slice(0, from));
    if (first && !typed.includes('/')) {
      return { from, choices: [...PROGRAMS, ...Object.keys(BUILTINS)].filter((name) => name.startsWith(typed)).sort() };
    }
    const { cwd, home } = this.#state;
    const folder = typed.slice(0, typed.lastIndexOf('/') + 1);
    const where = absolute(cwd, folder.replace(/^~/, home) || '.');
    const name = typed.slice(folder.length);
    const names = await readdir(where).catch(() => [] as string[]);
    const fitting = names.filter((one) => one.startsWith(name) && (name !== '' || !one.startsWith('.'))).sort();
    const choices = await Promise.all(fitting.map(async (one) => folder + one + ((await isDirectory(absolute(where, one))) ? '/' : '')));
    return { from, choices };
  }
}
