// Runs test files in one browser: opens each as a fresh page, takes its reports, answers its requests, replaces a browser that hangs.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../../scripts/lib/run.mjs';
import { MODES } from './server.mjs';

/** How long a page may take to load its test file and say so, in milliseconds. */
const LOAD = 30_000;

/** What a test gets beyond its own deadline before its page counts as hung. */
const GRACE = 10_000;

/** Runs pages in `browser` against `server`; `print` gets a line per test. */
export class Runner {
  #browser;
  #server;
  #print;
  #page;
  /** Commands to the driver one after another: a session takes one at a time. */
  #queue = Promise.resolve();

  constructor(browser, server, print) {
    this.#browser = browser;
    this.#server = server;
    this.#print = print;
    this.passed = 0;
    this.failed = 0;
  }

  /** Runs one file in one mode to its end, over as many pages as that takes. */
  async runFile({ file, name }, mode) {
    const title = mode === 'isolated' ? name : `${name} [${mode}]`;
    let from = { start: 0 };
    let finished = 0;
    while (from) {
      const page = { id: crypto.randomUUID(), title, mode, tabs: new Set(), finished: 0, ...from };
      from = await this.#runPage(page, file);
      finished += page.finished;
      if (from?.stop) break;
    }
    if (finished === 0) this.#result(false, `${title}: page`, 'no test of this file ran to its end');
  }

  /** Runs from test `page.start` on; resolves to where to go on after a crash or a hang, or undefined at the end. */
  async #runPage(page, file) {
    this.#page = page;
    this.#server.rules.clear();
    const next = new Promise((done) => (page.next = done));
    const query = new URLSearchParams({
      file,
      id: page.id,
      browser: this.#browser.name,
      mode: page.mode,
      shared: this.#browser.shares('cross-origin-embedder-policy' in MODES[page.mode]) ? '1' : '0',
      start: String(page.start),
      ...(process.env.ISOLITH_KILLS ? { kills: process.env.ISOLITH_KILLS } : {}),
      ...(page.phase === undefined ? {} : { phase: String(page.phase) }),
    });
    this.#expect(page, LOAD, 'the page did not load');
    try {
      await this.#drive((session) => session.navigate(`${this.#server.origins[page.mode]}/page?${query}`));
      return await next;
    } catch (error) {
      return this.#hung(page, `the browser failed: ${error.message}`);
    } finally {
      clearTimeout(page.timer);
      this.#page = undefined;
      await this.#closeTabs(page);
    }
  }

  /** Gives the page `ms` to report again; after that it counts as hung. */
  #expect(page, ms, problem) {
    clearTimeout(page.timer);
    page.timer = setTimeout(() => page.next(this.#hung(page, `${problem} within ${ms} ms`)), ms);
  }

  /**
   * A page that no longer answers: its test fails, the browser is replaced, the next test goes on. Where the
   * engine itself has crashed, which no page may make it do, the test has one more try, and the run says so.
   */
  async #hung(page, problem) {
    const name = page.current ?? 'page';
    const { hasCrashed } = this.#browser;
    if (hasCrashed && !page.again && page.phase === undefined) {
      this.#print(` crash ${this.#browser.name}: ${page.title}: ${name} (the browser's process died; once more)`);
      await this.#browser.restart();
      return { start: page.index, again: true };
    }
    if (hasCrashed) problem = `the browser's process died: ${problem}`;
    this.#result(false, `${page.title}: ${name}`, problem);
    page.finished += 1;
    await this.#browser.restart();
    return page.index === undefined ? { stop: true } : { start: page.index + 1 };
  }

  #drive(command) {
    const turn = this.#queue.then(() => command(this.#browser.session));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #closeTabs(page) {
    for (const handle of page.tabs) await this.#closeTab(handle).catch(() => {});
  }

  #closeTab(handle) {
    this.#page?.tabs.delete(handle);
    return this.#drive(async (session) => {
      const current = await session.window();
      await session.switchTo(handle);
      await session.closeWindow();
      await session.switchTo(current);
    });
  }

  #result(ok, name, problem) {
    if (ok) this.passed += 1;
    else this.failed += 1;
    this.#print(`${ok ? '  ok  ' : 'FAILED'} ${this.#browser.name}: ${name}`);
    if (problem) this.#print(problem.trim().replace(/^/gm, '         '));
  }

  /** Answers a message that a page POSTed to `/control/<name>`. */
  async onMessage(name, body) {
    const page = this.#page;
    if (!page) throw new Error('no test is running');
    if (body.id && body.id !== page.id) throw new Error('this page was given up');
    switch (name) {
      case 'report':
        return this.#onReport(page, body);
      case 'state':
        return page.state;
      case 'crash':
        return void this.#crash(page, body);
      case 'rule': {
        const { path, mode = page.mode, ...rule } = body;
        return void this.#server.rules.set(`${mode} ${path}`, rule);
      }
      case 'open-tab':
        return this.#openTab(page, body.name);
      case 'close-tab':
        return this.#closeTab(body.handle);
      case 'wat':
        return (await import('./wat.mjs')).assemble(body.text);
      case 'quota':
        return this.#quota(page, body.bytes);
      case 'clear':
        return this.#clear(page, body.kinds);
      case 'freeze':
        return this.#freeze(body.handle);
      case 'screenshot':
        return this.#screenshot(body.name);
      default:
        throw new Error(`there is no request ${name}`);
    }
  }

  #onReport(page, { outcome, index, name, problem, reason, timeout }) {
    if (outcome === 'started') {
      page.current = name;
      page.index = index;
      this.#expect(page, timeout + GRACE, 'the page gave no answer');
      return;
    }
    page.finished += 1;
    if (outcome === 'elsewhere') this.#print(`   -   ${this.#browser.name}: ${page.title}: ${name} (not here: ${reason})`);
    if (outcome === 'passed' || outcome === 'failed') this.#result(outcome === 'passed', `${page.title}: ${name}`, problem);
    if (outcome === 'broken') this.#result(false, `${page.title}: page`, problem);
    if (outcome === 'done' && problem) this.#result(false, `${page.title}: page`, problem);
    page.current = undefined;
    if (outcome === 'done' || outcome === 'broken') page.next(undefined);
    else this.#expect(page, LOAD, 'the page did not go on');
  }

  /** Kills and restarts the browser; the page is opened again at the next phase. */
  async #crash(page, { index, phase, state }) {
    clearTimeout(page.timer);
    try {
      await this.#browser.crash();
      page.tabs.clear();
      page.next({ start: index, phase, state, index, current: page.current });
    } catch (error) {
      page.next(this.#hung(page, `the browser did not restart: ${error.message}`));
    }
  }

  #openTab(page, name) {
    return this.#drive(async (session) => {
      const current = await session.window();
      const handle = await session.newTab();
      page.tabs.add(handle);
      await session.switchTo(handle);
      await session.navigate(`${this.#server.origins[page.mode]}/tab?${new URLSearchParams({ name })}`);
      await session.switchTo(current);
      return handle;
    });
  }

  /** What the page's origin may store, until its browser ends; Chromium only. */
  #quota(page, bytes) {
    const params = { origin: this.#server.origins[page.mode], ...(bytes === undefined ? {} : { quotaSize: bytes }) };
    return this.#drive((session) => session.devtools('Storage.overrideQuotaForOrigin', params));
  }

  /** Clears this origin's storage of some kinds, as its user would in the browser's settings; Chromium only. */
  #clear(page, kinds) {
    const params = { origin: this.#server.origins[page.mode], storageTypes: kinds };
    return this.#drive((session) => session.devtools('Storage.clearDataForOrigin', params));
  }

  /** Freezes another tab as a browser does that saves memory; Chromium only. */
  #freeze(handle) {
    return this.#drive(async (session) => {
      const current = await session.window();
      await session.switchTo(handle);
      await session.devtools('Page.setWebLifecycleState', { state: 'frozen' });
      await session.switchTo(current);
    });
  }

  async #screenshot(name) {
    const folder = join(ROOT, '.cache/screenshots', this.#browser.name);
    mkdirSync(folder, { recursive: true });
    const path = join(folder, `${name.replace(/[^\w.-]+/g, '-')}.png`);
    writeFileSync(path, await this.#drive(() => this.#browser.screenshot()));
    return path;
  }
}
