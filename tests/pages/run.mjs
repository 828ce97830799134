// Runs the page tests in real browsers: `node tests/pages/run.mjs [--browser name]… [--mode name] [--at-once n] [--serve] [filter]`.
import { parseArgs } from 'node:util';
import { ENGINES, possibleEngines } from '../../scripts/lib/browsers.mjs';
import { BROWSERS, startBrowser } from './driver/browser.mjs';
import { Runner } from './driver/runner.mjs';
import { startServer } from './driver/server.mjs';
import { findTests } from './driver/suite.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    browser: { type: 'string', multiple: true },
    mode: { type: 'string' },
    /** How many browsers run side by side: much of a page test is waiting. */
    'at-once': { type: 'string', default: '2' },
    /** Only serves the pages, for looking at them by hand. */
    serve: { type: 'boolean', default: false },
    headed: { type: 'boolean', default: false },
    /** More for Chromium's command line, as `--switch=--enable-features=…`. */
    switch: { type: 'string', multiple: true, default: [] },
  },
});

/** Browsers to run in: those asked for, or all that this platform can have. */
function chosenBrowsers() {
  if (values.browser) return values.browser.flatMap((names) => names.split(','));
  const engines = possibleEngines();
  for (const { name, onlyOn } of Object.values(ENGINES)) {
    if (onlyOn && onlyOn !== process.platform) console.log(`${name} is left out: it exists on ${onlyOn} only`);
  }
  return Object.keys(BROWSERS).filter((name) => engines.includes(BROWSERS[name].engine));
}

/** Runs `files` in one browser. */
async function runIn(name, files) {
  const here = files.filter(({ only }) => !only || only.includes(name));
  for (const { name: title, only, reason } of files) {
    if (only && !only.includes(name)) console.log(`   -   ${name}: ${title} (not here: ${reason})`);
  }
  if (here.length === 0) return { passed: 0, failed: 0 };
  let runner;
  const server = await startServer({ onMessage: (message, body) => runner.onMessage(message, body) });
  let browser;
  try {
    browser = await startBrowser(name, { headless: !values.headed, loadStrategy: 'none', switches: values.switch });
    runner = new Runner(browser, server, (line) => console.log(line));
    for (const file of here) {
      for (const mode of file.modes) {
        if (!values.mode || values.mode === mode) await runner.runFile(file, mode);
      }
    }
  } finally {
    await browser?.close();
    await server.close();
  }
  return runner;
}

async function serve() {
  const { origins } = await startServer();
  for (const [mode, origin] of Object.entries(origins)) console.log(`${mode}: ${origin}/page?mode=${mode}&file=/tests/pages/<area>/<name>.test.mjs`);
}

async function main() {
  const files = findTests(positionals[0]);
  for (const needs of new Set(files.flatMap(({ needs }) => needs ?? []))) (await import(new URL(`../../${needs}`, import.meta.url))).build();
  let passed = 0;
  let failed = 0;
  const names = chosenBrowsers();
  const lane = async () => {
    for (let name; (name = names.shift()); ) {
      try {
        const result = await runIn(name, files);
        passed += result.passed;
        failed += result.failed;
      } catch (error) {
        failed += 1;
        console.log(`FAILED ${name}: ${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: Number(values['at-once']) }, lane));
  if (passed + failed === 0) console.log('no test ran');
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}

await (values.serve ? serve() : main());
