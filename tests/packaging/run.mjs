// Installs the packed package into fresh apps and runs them in headless browsers: `node tests/packaging/run.mjs [filter]`.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { run } from '../../scripts/lib/run.mjs';
import { TOOL_PATH } from '../../scripts/lib/tools.mjs';
import { startBrowser } from '../pages/driver/browser.mjs';
import { Leashed } from '../pages/driver/leashed.mjs';
import { startServer } from '../pages/driver/server.mjs';
import { freePort } from '../pages/driver/webdriver.mjs';
import { APPS } from './apps.mjs';
import { checkFiles, checkServerImport, checkTypes } from './checks.mjs';
import { installApp, pack } from './install.mjs';

/** How long a development server may take to answer, and a page to report, in milliseconds. */
const DEADLINE = 60_000;

const filter = process.argv[2] ?? '';
let passed = 0;
let failed = 0;

async function test(name, body) {
  if (!name.includes(filter)) return;
  try {
    await body();
    passed += 1;
    console.log(`  ok   packaging: ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED packaging: ${name}\n${error.message.replace(/^/gm, '         ')}`);
  }
}

/** Runs `use` with the address of the app, served as its run says. */
async function served(home, { serve, root, page, env }, use) {
  if (!serve) {
    const server = await startServer({ root: join(home, root), modes: ['isolated'] });
    try {
      return await use(`${server.origins.isolated}${page}`);
    } finally {
      await server.close();
    }
  }
  const port = await freePort();
  const [command, ...rest] = serve;
  const program = new Leashed(join(home, 'node_modules/.bin', command), [...rest, '--port', String(port), '--host', '127.0.0.1'], { cwd: home, env });
  try {
    const address = `http://127.0.0.1:${port}/`;
    for (const end = Date.now() + DEADLINE; !(await fetch(address).then(({ ok }) => ok, () => false)); ) {
      if (!program.running || Date.now() > end) throw new Error(`${serve.join(' ')} does not answer:\n${program.output}`);
      await new Promise((done) => setTimeout(done, 50));
    }
    return await use(address);
  } finally {
    await program.stop();
  }
}

/** Opens the page and compares what it reports. */
async function visit({ name, session }, address, { startedBy, parts, more }) {
  await session.navigate(address);
  const seen = await session.waitFor(
    () => globalThis.problems?.length > 0 ? { problems: globalThis.problems } : globalThis.report,
    { timeout: DEADLINE, what: `the report of the page in ${name}` },
  );
  const whole = {
    isolated: true, sum: 7 * 1024, answer: 42, startedBy, file: 'FROM THE PAGE', queued: [1, 2, 3], guest: 42, exports: ['add'], exitCode: 7, ...more,
  };
  const expected = parts ? Object.fromEntries(parts.map((part) => [part, whole[part]])) : whole;
  if (!isDeepStrictEqual(seen, expected)) throw new Error(`the page says in ${name} ${JSON.stringify(seen)}, expected ${JSON.stringify(expected)}`);
}

async function runApp(browsers, name, app, tarball) {
  const chosen = app.runs.filter((one) => `${name}: ${one.name}`.includes(filter));
  if (chosen.length === 0) return;
  const home = await installApp(name, app, tarball);
  for (const one of chosen) {
    await test(`${name}: ${one.name}`, async () => {
      rmSync(join(home, 'dist'), { recursive: true, force: true });
      if (one.build) await run(one.build[0], one.build.slice(1), { cwd: home, env: { ...one.env, PATH: `${join(home, 'node_modules/.bin')}:${TOOL_PATH}` }, quiet: true });
      await served(home, one, async (address) => {
        for (const browser of browsers) await visit(browser, address, one);
      });
    });
  }
}

const packed = await pack();
await test('the tarball holds what it must, and nothing else', () => checkFiles(packed));
const bare = await installApp('types', { packages: {} }, packed.tarball);
await test('every entry can be imported on a server', () => checkServerImport(bare, packed));
await test('every entry has whole types', () => checkTypes(bare, packed));
const browsers = [];
try {
  for (const engine of ['chromium', 'firefox', 'webkit']) browsers.push(await startBrowser(engine));
  for (const [name, app] of Object.entries(APPS)) await runApp(browsers, name, app, packed.tarball);
} finally {
  for (const browser of browsers) await browser.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
