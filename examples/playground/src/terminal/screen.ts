/** The terminal as programs see it: writes that wait until they are on the screen, and lines typed while a program reads. */

import type { Terminal } from '@xterm/xterm';

/** What a person types to a program: whole lines, as a terminal in its usual mode sends them. */
export class Keyboard {
  readonly #terminal: Terminal;
  readonly #encoder = new TextEncoder();
  #line = '';
  #writer: WritableStreamDefaultWriter<Uint8Array | string> | undefined;
  #interrupt: (() => void) | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Sends what is typed to `stdin`, and Ctrl+C to `interrupt`, until `release`. */
  attach(stdin: WritableStream<Uint8Array | string> | undefined, interrupt: () => void): void {
    this.#line = '';
    this.#writer = stdin?.getWriter();
    // A program that ends closes it from its side.
    this.#writer?.closed.catch(() => {});
    this.#interrupt = interrupt;
  }

  release(): void {
    this.#writer?.releaseLock();
    this.#writer = undefined;
    this.#interrupt = undefined;
  }

  /** Takes what the terminal sent. */
  type(data: string): void {
    // Keys that move have no meaning here.
    if (data.startsWith('\x1b')) return;
    for (const char of data) this.#key(char);
  }

  #key(char: string): void {
    switch (char) {
      case '\x03':
        this.#terminal.write('^C\r\n');
        this.#interrupt?.();
        return;
      case '\x04':
        if (this.#line === '') this.#writer?.close().catch(() => {});
        else this.#send('');
        return;
      case '\r':
      case '\n':
        this.#terminal.write('\r\n');
        this.#send('\n');
        return;
      case '\x7f':
        if (this.#line !== '') this.#terminal.write('\b \b');
        this.#line = [...this.#line].slice(0, -1).join('');
        return;
      default:
        if (char < ' ' || !this.#writer) return;
        this.#line += char;
        this.#terminal.write(char);
    }
  }

  #send(end: string): void {
    const line = this.#encoder.encode(this.#line + end);
    this.#line = '';
    this.#writer?.write(line).catch(() => {});
  }
}

/** A stream onto the screen: each write waits until the terminal has taken it, so a flood waits too. */
export function screenStream(terminal: Terminal, colour = ''): WritableStream<Uint8Array> {
  const put = (data: string | Uint8Array): Promise<void> => new Promise((resolve) => terminal.write(data, resolve));
  return new WritableStream({
    async write(bytes) {
      if (!colour) return put(bytes);
      await put(`\x1b[${colour}m`);
      await put(bytes);
      await put('\x1b[0m');
    },
  });
}
