// Finds the browsers and their WebDriver programs; environment variables come before what is installed.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { which } from './tools.mjs';

const { env } = process;

/** Programs of each engine that pages can be driven in; a part that is missing is undefined. */
export const ENGINES = {
  chromium: {
    name: 'Chromium',
    parts: () => ({
      binary: which(
        env.CHROME_BIN,
        'chromium',
        'chromium-browser',
        'google-chrome',
        'google-chrome-stable',
        '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      ),
      driver: which(env.CHROMEDRIVER, 'chromedriver', inFolder(env.CHROMEWEBDRIVER, 'chromedriver'), '/usr/lib/chromium-browser/chromedriver'),
    }),
    packages: { binary: ['chromium', 'chromium-browser'], driver: ['chromium-driver', 'chromium-chromedriver'] },
    hint: 'install Chromium or Chrome and a chromedriver of the same version, or set CHROME_BIN and CHROMEDRIVER',
  },
  firefox: {
    name: 'Firefox',
    parts: () => ({
      binary: which(env.FIREFOX_BIN, 'firefox-esr', 'firefox', '/Applications/Firefox.app/Contents/MacOS/firefox'),
      driver: which(env.GECKODRIVER, 'geckodriver', inFolder(env.GECKOWEBDRIVER, 'geckodriver')),
    }),
    packages: { binary: ['firefox-esr', 'firefox'] },
    hint: 'install Firefox and geckodriver, or set FIREFOX_BIN and GECKODRIVER',
  },
  webkit: {
    name: 'WebKitGTK',
    parts: () => ({
      binary: which(env.WEBKIT_BIN, ...miniBrowsers()),
      driver: which(env.WEBKIT_DRIVER, 'WebKitWebDriver'),
      display: which('Xvfb'),
    }),
    packages: { binary: ['webkit2gtk-driver'], driver: ['webkit2gtk-driver'], display: ['xvfb'] },
    hint: 'install WebKitGTK’s MiniBrowser, WebKitWebDriver and Xvfb (Debian: webkit2gtk-driver xvfb), or set WEBKIT_BIN and WEBKIT_DRIVER',
    /** Only Linux has it: elsewhere WebKit is left out instead of missed. */
    onlyOn: 'linux',
  },
};

function inFolder(folder, name) {
  return folder ? join(folder, name) : undefined;
}

/** Places where distributions keep WebKitGTK's test browser, newest API first. */
function miniBrowsers() {
  const folders = ['/usr/libexec', '/usr/lib', '/usr/lib64'];
  if (existsSync('/usr/lib')) {
    for (const name of readdirSync('/usr/lib')) if (name.includes('-linux-gnu')) folders.push(`/usr/lib/${name}`);
  }
  return folders.flatMap((folder) => ['4.1', '4.0'].map((api) => `${folder}/webkit2gtk-${api}/MiniBrowser`));
}

/** Engines that this platform can have. */
export function possibleEngines() {
  return Object.keys(ENGINES).filter((id) => (ENGINES[id].onlyOn ?? process.platform) === process.platform);
}

/** Names of the parts of `engine` that are not there. */
export function missingParts(engine) {
  return Object.entries(ENGINES[engine].parts()).flatMap(([part, path]) => (path ? [] : [part]));
}

/** Programs of `engine`; throws a sentence that says what to install. */
export function locate(engine) {
  const missing = missingParts(engine);
  if (missing.length > 0) {
    throw new Error(`${ENGINES[engine].name}: no ${missing.join(', ')} found; run "npm run setup", or ${ENGINES[engine].hint}`);
  }
  return ENGINES[engine].parts();
}
