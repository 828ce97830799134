// Opens headless Chromium, Firefox and WebKit sessions, each with a profile folder that outlives a killed browser.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { locate } from '../../../scripts/lib/browsers.mjs';
import { framebufferToPng } from './framebuffer.mjs';
import { Leashed } from './leashed.mjs';
import { Session, freePort } from './webdriver.mjs';

const isRoot = process.getuid?.() === 0;

/**
 * What tests may be run in: an engine and how it is set up. `shared`: where shared memory can reach
 * other threads; `crash`: whether it can be killed and started again on the same profile.
 */
export const BROWSERS = {
  chromium: { engine: 'chromium', shared: 'isolated', crash: true, start: startChromium },
  firefox: { engine: 'firefox', shared: 'isolated', crash: true, start: startFirefox },
  /** WebKit with SharedArrayBuffer switched on. */
  webkit: { engine: 'webkit', shared: 'always', crash: false, start: startWebKit },
  /** WebKit as WebKitGTK ships it: no shared memory even where a page is isolated. */
  'webkit-unshared': { engine: 'webkit', shared: 'never', crash: false, start: startWebKit },
};

/**
 * Starts `name` and resolves to a {@link Browser}. Options: `headless` (default true), `loadStrategy`,
 * and for Chromium `switches` of its command line.
 */
export async function startBrowser(name, options = {}) {
  if (!BROWSERS[name]) throw new Error(`no browser is called ${name}: there are ${Object.keys(BROWSERS).join(', ')}`);
  const browser = new Browser(name, { headless: true, loadStrategy: 'normal', ...options });
  try {
    await browser.start();
  } catch (error) {
    await browser.close();
    throw error;
  }
  return browser;
}

/** A browser with a profile folder of its own, which `crash` and `restart` keep. */
export class Browser {
  #helpers = [];

  constructor(name, options) {
    this.name = name;
    this.options = { switches: [], ...options };
    /** Everything that the browser and its driver write: the profile and their temporary files. */
    this.scratch = mkdtempSync(join(tmpdir(), 'isolith-browser-'));
    this.profile = join(this.scratch, 'profile');
    this.temporary = join(this.scratch, 'tmp');
    for (const folder of [this.profile, this.temporary]) mkdirSync(folder);
    /** @type {Session} */
    this.session = undefined;
  }

  /** Whether shared memory works in pages that are (or are not) cross-origin isolated. */
  shares(isolated) {
    const { shared } = BROWSERS[this.name];
    return shared === 'always' || (shared === 'isolated' && isolated);
  }

  /** Starts the processes; a machine under load sometimes fails the first try, so there are two. */
  async start(tries = 2) {
    const { engine, start } = BROWSERS[this.name];
    const parts = locate(engine);
    try {
      this.session = await start({ ...parts, port: await freePort(), browser: this, ...this.options });
    } catch (error) {
      await this.#stop(() => {});
      if (tries === 1) throw error;
      await this.start(tries - 1);
    }
  }

  /** The page as PNG bytes; for WebKit the whole virtual display, as its driver answers no screenshots. */
  async screenshot() {
    if (BROWSERS[this.name].engine !== 'webkit') return this.session.screenshot();
    const frame = join(this.temporary, 'Xvfb_screen0');
    if (!existsSync(frame)) throw new Error('WebKit gives pictures on its own virtual display only');
    return framebufferToPng(frame);
  }

  /** Whether the browser has said that the process of a page has crashed; WebKit does. */
  get hasCrashed() {
    return this.session.output.includes('WebProcess CRASHED');
  }

  /** Keeps `program` until this browser is closed. */
  helper(program) {
    this.#helpers.push(program);
  }

  /** Kills the browser with SIGKILL and starts it again on the same profile. */
  async crash() {
    if (!BROWSERS[this.name].crash) throw new Error(`${this.name} keeps no profile under automation: it cannot be restarted on it`);
    await this.session.kill();
    await this.start();
  }

  /** Starts afresh after trouble: the profile is kept, the processes are not. */
  async restart() {
    await this.#stop(() => this.session?.kill());
    await this.start();
  }

  /** Ends everything and removes the profile. */
  async close() {
    await this.#stop(() => this.session?.close());
    rmSync(this.scratch, { recursive: true, force: true, maxRetries: 5 });
  }

  async #stop(how) {
    await how();
    await Promise.all(this.#helpers.splice(0).map((program) => program.stop()));
  }
}

function startChromium({ binary, driver, port, browser, headless, loadStrategy }) {
  const { profile, scratch, temporary } = browser;
  // A killed browser leaves its lock behind; nobody else uses this profile.
  for (const name of ['SingletonLock', 'SingletonSocket', 'SingletonCookie']) rmSync(join(profile, name), { force: true });
  const args = [
    `--user-data-dir=${profile}`,
    '--no-first-run',
    '--disable-dev-shm-usage',
    '--disable-background-timer-throttling',
    '--disable-backgrounding-occluded-windows',
    '--disable-renderer-backgrounding',
    ...(headless ? ['--headless=new'] : []),
    ...browser.options.switches,
    ...(isRoot || process.env.CI ? ['--no-sandbox'] : []),
  ];
  return Session.open({
    command: driver,
    args: [`--port=${port}`],
    port,
    scratch,
    env: { TMPDIR: temporary },
    capabilities: {
      browserName: 'chrome',
      pageLoadStrategy: loadStrategy,
      'goog:chromeOptions': { binary, args },
    },
  });
}

async function startFirefox({ binary, driver, port, browser, headless, loadStrategy }) {
  const { profile, scratch, temporary } = browser;
  const marionette = await freePort();
  const prefs = {
    'marionette.port': marionette,
    'browser.sessionstore.resume_from_crash': false,
    'toolkit.startup.max_resumed_crashes': -1,
    'datareporting.policy.dataSubmissionEnabled': false,
    'browser.shell.checkDefaultBrowser': false,
    'browser.aboutwelcome.enabled': false,
    'app.update.disabledForTesting': true,
    'dom.max_script_run_time': 0,
  };
  writeFileSync(
    join(profile, 'user.js'),
    Object.entries(prefs).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`).join(''),
  );
  for (const name of ['lock', '.parentlock']) rmSync(join(profile, name), { force: true });
  return Session.open({
    command: driver,
    args: ['--port', String(port), '--marionette-port', String(marionette), '--binary', binary],
    port,
    scratch,
    env: { TMPDIR: temporary, MOZ_DISABLE_AUTO_SAFE_MODE: '1' },
    capabilities: {
      browserName: 'firefox',
      pageLoadStrategy: loadStrategy,
      'moz:firefoxOptions': { binary, args: [...(headless ? ['-headless'] : []), '-profile', profile] },
    },
  });
}

async function startWebKit({ binary, driver, display, port, browser, headless, loadStrategy }) {
  const env = {
    TMPDIR: browser.temporary,
    WEBKIT_DISABLE_COMPOSITING_MODE: '1',
    WEBKIT_DISABLE_DMABUF_RENDERER: '1',
    LIBGL_ALWAYS_SOFTWARE: '1',
    ...(isRoot ? { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' } : {}),
    ...(browser.shares(true) ? { JSC_useSharedArrayBuffer: '1' } : {}),
  };
  if (headless) env.DISPLAY = await startXvfb(display, browser);
  return Session.open({
    command: driver,
    args: [`--port=${port}`],
    port,
    scratch: browser.scratch,
    env,
    capabilities: {
      browserName: 'MiniBrowser',
      pageLoadStrategy: loadStrategy,
      'webkitgtk:browserOptions': { binary, args: ['--automation'] },
    },
  });
}

/** Starts a display on a number that the server chooses and resolves to its name. */
async function startXvfb(command, browser) {
  const program = new Leashed(command, ['-displayfd', '1', '-fbdir', browser.temporary, '-screen', '0', '1280x1024x24', '-nolisten', 'tcp']);
  browser.helper(program);
  for (let waited = 0; waited < 15_000; waited += 50) {
    const number = /^(\d+)\s*$/m.exec(program.output)?.[1];
    if (number) return `:${number}`;
    if (!program.running) break;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`Xvfb did not start: ${program.output}`);
}
