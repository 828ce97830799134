/** Edits one line on a terminal: cursor, history, completion, the keys that shells have taught everybody. */

import type { Terminal } from '@xterm/xterm';

/** Completes the text before the cursor: what it may become, from where on. */
export type Complete = (before: string) => Promise<{ readonly from: number; readonly choices: readonly string[] }>;

const WORD = /\S+\s*$/;

/** A line being typed; settles with it, or with `undefined` at Ctrl+D on an empty line. */
export class LineEditor {
  readonly #terminal: Terminal;
  readonly #complete: Complete;
  readonly #history: string[];
  #prompt = '';
  /** Columns that the prompt takes. */
  #lead = 0;
  #text = '';
  #cursor = 0;
  /** Row of the cursor below the prompt's first. */
  #row = 0;
  #past = 0;
  #draft = '';
  #done: ((line: string | undefined) => void) | undefined;

  constructor(terminal: Terminal, history: string[], complete: Complete) {
    this.#terminal = terminal;
    this.#history = history;
    this.#complete = complete;
  }

  /** Whether a line is being typed. */
  get active(): boolean {
    return this.#done !== undefined;
  }

  read(prompt: string): Promise<string | undefined> {
    this.#prompt = prompt;
    // Colours take no room.
    this.#lead = prompt.replace(/\x1b\[[0-9;]*m/g, '').length;
    [this.#text, this.#cursor, this.#row] = ['', 0, 0];
    this.#past = this.#history.length;
    this.#draw();
    return new Promise((resolve) => (this.#done = resolve));
  }

  /** Draws the line anew: after the screen was cleared, or its width changed. */
  redraw(): void {
    if (!this.active) return;
    this.#row = 0;
    this.#draw();
  }

  /** Takes what the terminal sent: a key, or pasted text. */
  type(data: string): void {
    if (!this.active) return;
    if (data.startsWith('\x1b')) return this.#escape(data.slice(1));
    for (const char of data) {
      if (char >= ' ' && char !== '\x7f') this.#insert(char);
      else this.#control(char);
      if (!this.active) return;
    }
    this.#draw();
  }

  #insert(text: string): void {
    this.#text = this.#text.slice(0, this.#cursor) + text + this.#text.slice(this.#cursor);
    this.#cursor += text.length;
  }

  #control(char: string): void {
    switch (char) {
      case '\r':
      case '\n':
        return this.#finish(this.#text);
      case '\x7f':
      case '\b':
        return this.#cut(this.#back(1), this.#cursor);
      case '\x01':
        this.#cursor = 0;
        return;
      case '\x02':
        this.#cursor = this.#back(1);
        return;
      case '\x05':
        this.#cursor = this.#text.length;
        return;
      case '\x06':
        this.#cursor = this.#forward();
        return;
      case '\x03':
        this.#terminal.write('^C');
        return this.#finish('');
      case '\x04':
        if (this.#text === '') return this.#finish(undefined);
        return this.#cut(this.#cursor, this.#forward());
      case '\x09':
        void this.#tab();
        return;
      case '\x0b':
        return this.#cut(this.#cursor, this.#text.length);
      case '\x0c':
        this.#terminal.write('\x1b[2J\x1b[H');
        this.#row = 0;
        return;
      case '\x0e':
        return this.#recall(1);
      case '\x10':
        return this.#recall(-1);
      case '\x15':
        return this.#cut(0, this.#cursor);
      case '\x17':
        return this.#cut(this.#cursor - (WORD.exec(this.#text.slice(0, this.#cursor))?.[0].length ?? 0), this.#cursor);
    }
  }

  #escape(sequence: string): void {
    switch (sequence) {
      case '[A':
      case 'OA':
        this.#recall(-1);
        break;
      case '[B':
      case 'OB':
        this.#recall(1);
        break;
      case '[C':
      case 'OC':
        this.#cursor = this.#forward();
        break;
      case '[D':
      case 'OD':
        this.#cursor = this.#back(1);
        break;
      case '[H':
      case 'OH':
        this.#cursor = 0;
        break;
      case '[F':
      case 'OF':
        this.#cursor = this.#text.length;
        break;
      case '[3~':
        this.#cut(this.#cursor, this.#forward());
        break;
      case 'b':
      case '[1;5D':
        this.#cursor -= WORD.exec(this.#text.slice(0, this.#cursor))?.[0].length ?? 0;
        break;
      case 'f':
      case '[1;5C':
        this.#cursor += /^\s*\S+/.exec(this.#text.slice(this.#cursor))?.[0].length ?? 0;
        break;
    }
    this.#draw();
  }

  /** Where the cursor is one character further left: both halves of a pair go together. */
  #back(by: number): number {
    return this.#cursor - ([...this.#text.slice(0, this.#cursor)].at(-by)?.length ?? 0);
  }

  #forward(): number {
    return this.#cursor + ([...this.#text.slice(this.#cursor)][0]?.length ?? 0);
  }

  #cut(from: number, to: number): void {
    this.#text = this.#text.slice(0, from) + this.#text.slice(to);
    this.#cursor = from;
  }

  #recall(by: 1 | -1): void {
    const to = this.#past + by;
    if (to < 0 || to > this.#history.length) return;
    if (this.#past === this.#history.length) this.#draft = this.#text;
    this.#past = to;
    this.#text = this.#history[to] ?? this.#draft;
    this.#cursor = this.#text.length;
  }

  async #tab(): Promise<void> {
    const before = this.#text.slice(0, this.#cursor);
    const { from, choices } = await this.#complete(before);
    // Whoever types on meanwhile means something else.
    if (!this.active || this.#text.slice(0, this.#cursor) !== before || choices.length === 0) return;
    const common = choices.reduce((a, b) => a.slice(0, [...a].findIndex((char, at) => char !== b[at]) >>> 0));
    const typed = before.slice(from);
    if (common.length > typed.length) {
      this.#cut(from, this.#cursor);
      this.#insert(common + (choices.length === 1 && !common.endsWith('/') ? ' ' : ''));
      return this.#draw();
    }
    if (choices.length === 1) return;
    this.#terminal.write(`\r\n${choices.map((one) => one.replace(/.*\/(?=.)/, '')).join('  ')}\r\n`);
    this.redraw();
  }

  #finish(line: string | undefined): void {
    this.#cursor = this.#text.length;
    if (line === this.#text) this.#draw();
    const done = this.#done;
    this.#done = undefined;
    this.#terminal.write('\r\n');
    const last = this.#history.at(-1);
    if (line?.trim() && line !== last) this.#history.push(line);
    done?.(line);
  }

  #draw(): void {
    const columns = this.#terminal.cols;
    const end = this.#lead + this.#text.length;
    const place = this.#lead + this.#cursor;
    let out = `${this.#row > 0 ? `\x1b[${this.#row}A` : ''}\r\x1b[J${this.#prompt}${this.#text}`;
    // At the right edge a terminal keeps the cursor in the last column until more comes.
    if (end % columns === 0) out += '\r\n';
    const [endRow, row] = [Math.floor(end / columns), Math.floor(place / columns)];
    if (endRow > row) out += `\x1b[${endRow - row}A`;
    out += '\r';
    if (place % columns > 0) out += `\x1b[${place % columns}C`;
    this.#row = row;
    this.#terminal.write(out);
  }
}
