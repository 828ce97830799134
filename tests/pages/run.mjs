// Runs the page tests in real browsers: `node tests/pages/run.mjs [--browser name]… [--mode name] [--serve] [filter]`.
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

/**
 * Tests that may fail once in a run and pass the second time, each in a fresh browser: engines have accidents
 * of their own. They are named at the end; one more is a failure of all.
 */
const ACCIDENTS = 2;
const accidents = [];

/** Runs again what failed, if that is little; resolves to what failed for good. */
async function runAgain(failures, run) {
  if (failures.length === 0 || accidents.length + failures.length > ACCIDENTS) return failures;
  const places = new Map(failures.map(({ test, mode }) => [`${test.file} ${mode}`, { test, mode }]));
  console.log(`again, in a fresh browser: ${[...places.keys()].join(', ')}`);
  const again = await run([...places.values()]);
  if (again.length > 0) return failures;
  accidents.push(...failures.map(({ title }) => title));
  return [];
}

/** Runs `files` in one browser. */
async function runIn(name, files) {
  const here = files.filter(({ only }) => !only || only.includes(name));
  for (const { name: title, only, reason } of files) {
    if (only && !only.includes(name)) console.log(`   -   ${name}: ${title} (not here: ${reason})`);
  }
  if (here.length === 0) return { passed: 0, failures: [] };
  const places = here.flatMap((test) => test.modes.filter((mode) => !values.mode || values.mode === mode).map((mode) => ({ test, mode })));
  const { passed, failures } = await runPlaces(name, places);
  const again = async (some) => (await runPlaces(name, some)).failures;
  const left = await runAgain(failures, again);
  return { passed: passed + failures.length - left.length, failures: left };
}

/** Runs files, each in its mode, in a browser of their own. */
async function runPlaces(name, places) {
  let runner;
  const server = await startServer({ onMessage: (message, body) => runner.onMessage(message, body) });
  let browser;
  try {
    browser = await startBrowser(name, { headless: !values.headed, loadStrategy: 'none', switches: values.switch });
    runner = new Runner(browser, server, (line) => console.log(line));
    for (const { test, mode } of places) await runner.runFile(test, mode);
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
  for (const name of chosenBrowsers()) {
    try {
      const result = await runIn(name, files);
      passed += result.passed;
      failed += result.failures.length;
    } catch (error) {
      failed += 1;
      console.log(`FAILED ${name}: ${error.message}`);
    }
  }
  if (passed + failed === 0) console.log('no test ran');
  console.log(`${passed} passed, ${failed} failed`);
  if (accidents.length > 0) console.log(`passed only the second time:\n  ${accidents.join('\n  ')}`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
}

await (values.serve ? serve() : main());
