// Shows what an idle pool costs, by the kernel's own account of every thread of the browser: `npm run idle -- --browser firefox`.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startBrowser } from '../tests/pages/driver/browser.mjs';
import { descendants } from '../tests/pages/driver/leash.mjs';
import { startServer } from '../tests/pages/driver/server.mjs';

const { values } = parseArgs({
  options: {
    browser: { type: 'string', multiple: true, default: ['chromium', 'firefox', 'webkit'] },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '2' },
  },
});
const [seconds, rounds] = [values.seconds, values.rounds].map(Number);
if (!(seconds > 0) || !(rounds >= 1)) throw new Error(`--seconds and --rounds are numbers above 0, not ${values.seconds} and ${values.rounds}`);
if (process.platform !== 'linux') throw new Error('times of threads are read from /proc: this runs on Linux only');

/** What the page has: in turns, so that what the browser does besides hits all alike. The first shows what workers are others'. */
const CONTESTANTS = ['nothing', 'bare', 'isolith'];

/**
 * A browser that has just opened a page is busy with itself for a while, in milliseconds; Firefox collects garbage in idle
 * workers, whoever made them, every second for their first five.
 */
const SETTLING = 10_000;

/** How long a page may take to get ready, in milliseconds. */
const PATIENCE = 60_000;

/** How the engines call the threads of workers. */
const WORKER = /^(DedicatedWorker|DOM Worker|WebCore: Worker)/;

/** Milliseconds on a core of every thread of the browser, by its number. */
function times() {
  const found = new Map();
  for (const pid of descendants(process.pid)) {
    try {
      for (const thread of readdirSync(`/proc/${pid}/task`)) {
        const folder = `/proc/${pid}/task/${thread}`;
        const spent = Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
        found.set(thread, { spent, worker: WORKER.test(readFileSync(`${folder}/comm`, 'utf8')) });
      }
    } catch (error) {
      // It ended while we read.
      if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
    }
  }
  return found;
}

/** Milliseconds of core per second that passed: of all threads, and of the workers' but for those in `others`. */
async function watch(others) {
  const before = times();
  const start = performance.now();
  await sleep(seconds * 1000);
  const after = times();
  const passed = (performance.now() - start) / 1000;
  const sum = { all: 0, workers: 0, threads: 0 };
  for (const [thread, { spent, worker }] of after) {
    const more = (spent - (before.get(thread)?.spent ?? 0)) / passed;
    sum.all += more;
    if (!worker || others.has(thread)) continue;
    sum.workers += more;
    sum.threads++;
  }
  return sum;
}

for (const name of values.browser) {
  let heard = () => {};
  const server = await startServer({ folders: ['pkg', 'tests'], modes: ['isolated'], onMessage: async (kind, body) => heard(kind, body) });
  const browser = await startBrowser(name);
  let others = new Set();
  try {
    for (let round = 0; round < rounds; round++) {
      for (const what of CONTESTANTS) {
        await new Promise((done, failed) => {
          const late = setTimeout(() => failed(new Error(`${what} was not ready within ${PATIENCE} ms`)), PATIENCE);
          heard = (kind, { why }) => {
            clearTimeout(late);
            if (kind === 'idle') done();
            else failed(new Error(`${what}: ${why}`));
          };
          browser.session.navigate(`${server.origins.isolated}/tests/bench/idle/?what=${what}`).catch(failed);
        });
        await sleep(SETTLING);
        if (what === 'nothing') others = new Set([...times()].filter(([, { worker }]) => worker).map(([thread]) => thread));
        const { all, workers, threads } = await watch(others);
        console.log(`${name.padEnd(9)} ${what.padEnd(8)} whole browser ${all.toFixed(2)} ms/s, ${threads} threads of workers ${workers.toFixed(3)} ms/s`);
      }
    }
  } finally {
    await browser.close();
    await server.close();
  }
}
