// Runs the wasm-bindgen-test suites in headless browsers, on shared memory: `node tests/browser/run.mjs [--browser name]… [filter]`.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { locate } from '../../scripts/lib/browsers.mjs';
import { ROOT } from '../../scripts/lib/run.mjs';
import { TOOL_PATH } from '../../scripts/lib/tools.mjs';
import { CARGO_ARGS, RUSTFLAGS } from '../../scripts/lib/wasm-flags.mjs';
import { runLeashed } from '../pages/driver/leashed.mjs';

/** Seconds that a whole suite may take in one browser. */
const DEADLINE = '300';

const unsafeSandbox = process.getuid?.() === 0 || process.env.CI ? ['--no-sandbox'] : [];

/** By browser: the variable that names its driver, and what its sessions are asked for. */
const DRIVERS = {
  chromium: {
    variable: 'CHROMEDRIVER',
    capabilities: (binary) => ({ 'goog:chromeOptions': { binary, args: ['--headless=new', '--disable-dev-shm-usage', ...unsafeSandbox] } }),
  },
  firefox: {
    variable: 'GECKODRIVER',
    capabilities: (binary) => ({ 'moz:firefoxOptions': { binary, args: ['-headless'] } }),
  },
};

async function runIn(name, filter) {
  const { variable, capabilities } = DRIVERS[name];
  const { binary, driver } = locate(name);
  const folder = join(ROOT, 'target/browser-tests');
  mkdirSync(folder, { recursive: true });
  const configuration = join(folder, `${name}.json`);
  writeFileSync(configuration, JSON.stringify(capabilities(binary)));
  const scratch = mkdtempSync(join(tmpdir(), 'isolith-suite-'));
  const others = Object.fromEntries(Object.values(DRIVERS).map((one) => [one.variable, undefined]));
  try {
    await runLeashed('cargo', ['test', ...CARGO_ARGS, '--test', 'browser', '--', ...filter], {
      cwd: ROOT,
      scratch,
      env: {
        ...others,
        PATH: TOOL_PATH,
        TMPDIR: scratch,
        RUSTFLAGS,
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER: 'wasm-bindgen-test-runner',
        WASM_BINDGEN_TEST_WEBDRIVER_JSON: configuration,
        WASM_BINDGEN_TEST_TIMEOUT: DEADLINE,
        [variable]: driver,
      },
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { browser: { type: 'string', multiple: true } } });
try {
  for (const name of values.browser ?? Object.keys(DRIVERS)) {
    console.log(`browser suites: ${name}`);
    await runIn(name, positionals);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
