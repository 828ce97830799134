// What page tests import: test(), assertions, and the doors to the runner (tabs, crashes, server rules, screenshots).

export * from './assert.mjs';

const query = new URLSearchParams(location.search);

/** Which browser and header mode this page runs in; `shared`: whether shared memory must work here. */
export const context = Object.freeze({
  browser: query.get('browser') ?? 'unknown',
  mode: query.get('mode') ?? 'isolated',
  shared: query.get('shared') === '1',
});

/** Tests of this page in order of declaration; the page's driver runs them. */
export const tests = [];

/** How long a test may take when it does not say, in milliseconds. */
export const DEFAULT_TIMEOUT = 20_000;

/**
 * Declares a test. Options:
 * - `timeout`: deadline in ms;
 * - `only`: browsers it applies to, `modes`: header modes it applies to, `shared`: whether it applies
 *   where shared memory works (true) or where it does not (false); each needs a `reason`;
 * - `pageErrors`: a RegExp of page errors that the test provokes on purpose.
 */
export function test(name, fn, options = {}) {
  declare({ name, phases: [fn], ...options });
}

/**
 * Declares a test over crashes: after each phase but the last the browser is killed with SIGKILL and
 * started again on the same profile. Each phase gets what the one before returned (JSON), or what it
 * gave to `crash(state)`, which kills the browser in the middle of things.
 */
export function testAcrossCrashes(name, phases, options = {}) {
  declare({ name, phases, only: ['chromium', 'firefox'], reason: 'WebKit under automation keeps no profile', ...options });
}

function declare(entry) {
  const limited = entry.only || entry.modes || entry.shared !== undefined;
  if (limited && !entry.reason) throw new Error(`${entry.name}: "only", "modes" and "shared" need a reason`);
  if (tests.some(({ name }) => name === entry.name)) throw new Error(`two tests are called ${entry.name}`);
  tests.push({ timeout: DEFAULT_TIMEOUT, ...entry });
}

/** Sends a request to the runner; other modules use the functions below. */
export async function control(name, body = {}) {
  const response = await fetch(`/control/${name}`, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`the runner refused ${name}: ${await response.text()}`);
  return response.json();
}

let crashPoint;

/** Set by the page's driver: where the test stands that may crash the browser. */
export function setCrashPoint(point) {
  crashPoint = point;
}

/** Kills the browser now; the next phase of this test gets `state`. Never returns. */
export async function crash(state) {
  await control('crash', { ...crashPoint, state });
  return new Promise(() => {});
}

/** Origins by mode; `origins.cross` is the second origin with open headers. */
export const origins = () => fetch('/origins').then((response) => response.json());

/** Until the page ends the server answers `path` so: `{ status?, headers?, body?, delay? }`; `mode` names another origin than ours. */
export const respond = (path, rule) => control('rule', { path, ...rule });

/** Limits what this origin may store to so many bytes, or not any more; Chromium only. */
export const setQuota = (bytes) => control('quota', { bytes });

/** Clears what this origin has stored, such as `indexeddb`, as its user would in the browser's settings; Chromium only. */
export const clearStorage = (kinds) => control('clear', { kinds });

/** Saves a picture of this page as `.cache/screenshots/<browser>/<name>.png`. */
export const screenshot = (name) => control('screenshot', { name });

/** A promise that settles after `ms`; for giving others time, never for guessing how long they need. */
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Resolves as soon as `probe()` gives something truthy, to that; rejects after `timeout` ms. */
export async function until(probe, { timeout = 10_000, what = String(probe) } = {}) {
  for (const end = performance.now() + timeout; ; await sleep(5)) {
    const value = await probe();
    if (value) return value;
    if (performance.now() > end) throw new Error(`waited ${timeout} ms in vain for ${what}`);
  }
}

/** `promise`, or an error after `ms` that names `what`. */
export function within(ms, promise, what = 'a promise') {
  let timer;
  const late = new Promise((_, failed) => {
    timer = setTimeout(() => failed(new Error(`${what} did not settle within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Pseudo-random numbers in [0, 1) that are the same in every run: mulberry32. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A second tab of this page's origin, told what to do over a BroadcastChannel. */
class Tab {
  #channel;
  #handle;
  #calls = new Map();
  #ready;

  constructor(name) {
    this.#channel = new BroadcastChannel(`isolith-tab-${name}`);
    this.#ready = new Promise((done) => {
      this.#channel.onmessage = ({ data }) => {
        if (data.ready) return done();
        const call = this.#calls.get(data.call);
        if (!call || !('value' in data || 'error' in data)) return;
        this.#calls.delete(data.call);
        if ('error' in data) call.failed(data.error);
        else call.done(data.value);
      };
    });
  }

  static async open(name) {
    const tab = new Tab(name);
    tab.#handle = await control('open-tab', { name });
    await within(20_000, tab.#ready, 'the second tab');
    return tab;
  }

  /** Runs `fn` (shipped as source: no closures) in the tab with cloneable `args`; the answer is cloned back. */
  run(fn, ...args) {
    const call = crypto.randomUUID();
    const answer = new Promise((done, failed) => this.#calls.set(call, { done, failed }));
    this.#channel.postMessage({ call, source: String(fn), args });
    return within(DEFAULT_TIMEOUT, answer, 'a call in the second tab');
  }

  /** Freezes the tab as a browser does that saves memory: it neither runs nor answers any more. */
  freeze() {
    return control('freeze', { handle: this.#handle });
  }

  /** Closes the tab without asking it anything. */
  async drop() {
    this.#channel.close();
    await control('close-tab', { handle: this.#handle });
  }

  /** Closes the tab as its user would; throws if it had page errors. */
  async close() {
    const errors = await this.run(() => globalThis.__pageErrors);
    this.#channel.close();
    await control('close-tab', { handle: this.#handle });
    if (errors.length > 0) throw new Error(`in the second tab: ${errors.join('\n')}`);
  }
}

/** Opens a second tab of the same origin and browser; it has the same import map. */
export const openTab = () => Tab.open(crypto.randomUUID());
