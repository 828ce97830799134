// A small W3C WebDriver client: starts a driver program on a leash and talks to it over HTTP.
import { createServer } from 'node:net';
import { Leashed } from './leashed.mjs';

/** How long a driver may take to answer its first status request, in milliseconds. */
const DRIVER_START = 30_000;

/** How long any single command may take. */
const COMMAND = 60_000;

const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

const givenPorts = new Set();

/** A port that was free a moment ago, and that nobody else of this process was given: browsers start side by side. */
export async function freePort() {
  const port = await new Promise((done, failed) => {
    const server = createServer().on('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
  if (givenPorts.has(port)) return freePort();
  givenPorts.add(port);
  return port;
}

/** An error that the driver answered with; `code` is WebDriver's error string. */
export class WebDriverError extends Error {
  constructor(code, message) {
    super(`${code}: ${message}`);
    this.name = 'WebDriverError';
    this.code = code;
  }
}

async function request(base, method, path, body, timeout) {
  const response = await fetch(base + path, {
    method,
    signal: AbortSignal.timeout(timeout),
    headers: { 'content-type': 'application/json; charset=utf-8' },
    ...(method === 'POST' ? { body: JSON.stringify(body ?? {}) } : {}),
  });
  const { value } = await response.json();
  if (!response.ok || value?.error) throw new WebDriverError(value?.error ?? `status ${response.status}`, value?.message ?? path);
  return value;
}

/** One browser session: a driver program, its browser, and the commands that tests need. */
export class Session {
  #program;
  #base;
  #id;

  constructor(program, base, id, capabilities) {
    this.#program = program;
    this.#base = base;
    this.#id = id;
    this.capabilities = capabilities;
  }

  /** Starts `command` (told its port by `portArgs`) and opens a session with `capabilities`. */
  static async open({ command, args, env, capabilities, port, scratch }) {
    const program = new Leashed(command, args, { env, scratch });
    const base = `http://127.0.0.1:${port}`;
    try {
      await waitForStatus(program, base);
      const { sessionId, capabilities: got } = await request(base, 'POST', '/session', { capabilities: { alwaysMatch: capabilities } }, COMMAND);
      return new Session(program, base, sessionId, got);
    } catch (cause) {
      await program.stop();
      throw new Error(`${command} gave no session: ${cause.message}\n${program.output}`, { cause });
    }
  }

  command(method, path, body, timeout = COMMAND) {
    return request(this.#base, method, `/session/${this.#id}${path}`, body, timeout);
  }

  navigate(url) {
    return this.command('POST', '/url', { url });
  }

  url() {
    return this.command('GET', '/url');
  }

  /** Runs `script` (a function body or a function) in the page with `args`; a promise is awaited. */
  execute(script, ...args) {
    const body = typeof script === 'function' ? `return (${script}).apply(null, arguments);` : script;
    return this.command('POST', '/execute/sync', { script: body, args });
  }

  /** Waits until `script` answers something true and resolves to it. */
  async waitFor(script, { timeout = 30_000, args = [], what = String(script) } = {}) {
    const end = Date.now() + timeout;
    for (;;) {
      const value = await this.execute(script, ...args);
      if (value) return value;
      if (Date.now() > end) throw new Error(`waited ${timeout} ms in vain for ${what}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  async find(selector) {
    const element = await this.command('POST', '/element', { using: 'css selector', value: selector });
    return element[ELEMENT];
  }

  async click(selector) {
    await this.command('POST', `/element/${await this.find(selector)}/click`);
  }

  /** Types into an element; for a file input the text is the path of the file. */
  async type(selector, text) {
    await this.command('POST', `/element/${await this.find(selector)}/value`, { text });
  }

  /** Presses keys, one after another, on whatever has the focus. */
  async press(...keys) {
    const actions = keys.flatMap((value) => [
      { type: 'keyDown', value },
      { type: 'keyUp', value },
    ]);
    await this.command('POST', '/actions', { actions: [{ type: 'key', id: 'keyboard', actions }] });
  }

  windows() {
    return this.command('GET', '/window/handles');
  }

  window() {
    return this.command('GET', '/window');
  }

  switchTo(handle) {
    return this.command('POST', '/window', { handle });
  }

  /** Opens a tab (or, with `window`, a window) and resolves to its handle; the current one stays current. */
  async newTab(type = 'tab') {
    return (await this.command('POST', '/window/new', { type })).handle;
  }

  closeWindow() {
    return this.command('DELETE', '/window');
  }

  /** Sends a command of the DevTools protocol; Chromium only. */
  devtools(cmd, params) {
    return this.command('POST', '/goog/cdp/execute', { cmd, params });
  }

  setSize(width, height) {
    return this.command('POST', '/window/rect', { width, height });
  }

  /** The page as PNG bytes. */
  async screenshot() {
    return Buffer.from(await this.command('GET', '/screenshot'), 'base64');
  }

  /** The last words of the driver and the browser. */
  get output() {
    return this.#program.output;
  }

  /** Kills the browser's processes with SIGKILL, as a crash would, then the driver. */
  async kill() {
    this.#program.killChildren();
    await this.#program.stop();
  }

  /** Ends the session, the browser and the driver; never throws. */
  async close() {
    if (this.#program.running) await this.command('DELETE', '', undefined, 5000).catch(() => {});
    await this.#program.stop();
  }
}

async function waitForStatus(program, base) {
  const end = Date.now() + DRIVER_START;
  while (program.running) {
    const ready = await request(base, 'GET', '/status', undefined, 2000).then(
      (value) => value.ready,
      () => false,
    );
    if (ready) return;
    if (Date.now() > end) throw new Error(`no answer within ${DRIVER_START} ms`);
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('it ended at once');
}
