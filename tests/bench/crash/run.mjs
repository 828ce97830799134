// Kills a browser with SIGKILL over and over while it writes to our stores and their peers, and prints what each one lost.
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ROOT } from '../../../scripts/lib/run.mjs';
import { startBrowser } from '../../pages/driver/browser.mjs';
import { importMap, startServer } from '../../pages/driver/server.mjs';
import { BUNDLING, installPeers } from '../lib/prepare.mjs';

const PAGE = 'target/crash';

/** How long a page may take from its start to its death, in milliseconds. */
const ROUND = 300_000;

/** The browser dies so long after the page began to write: at least, and at most that much more, in milliseconds. */
const [SOONEST, SPAN] = [20, 500];

/** A store that lost, tore or could not open anything of ours is a defect: resolves to how many there were. */
export async function crash({ browser: name, kills }) {
  await prepare();
  const totals = new Map();
  let states = {};
  let heard = async () => {};
  const server = await startServer({ folders: ['pkg', 'target'], modes: ['isolated'], onMessage: (name, body) => heard(name, body) });
  const browser = await startBrowser(name, { loadStrategy: 'none' });
  try {
    for (let kill = 0; kill <= kills; kill++) {
      await new Promise((done, failed) => {
        const timer = setTimeout(() => failed(new Error(`kill ${kill}: the page gave no answer within ${ROUND} ms`)), ROUND);
        heard = async (name, body) => {
          if (name === 'begin') return { kill, last: kill === kills, states, wait: SOONEST + Math.random() * SPAN };
          if (name === 'looked') add(totals, body.tallies);
          if (name === 'refused') console.log(`  kill ${kill}: ${body.who} refused a write: ${body.why}`);
          if (name === 'failed') failed(new Error(body.why));
          if (name === 'kill') states = body.states;
          if (name === 'kill' || (name === 'looked' && kill === kills)) {
            clearTimeout(timer);
            done();
          }
          return {};
        };
        browser.session.navigate(`${server.origins.isolated}/${PAGE}/index.html`).catch(failed);
      });
      if (kill < kills) await browser.crash();
      if (kill % 20 === 19) console.log(`${kill + 1} kills`);
    }
  } finally {
    await browser.close();
    await server.close();
  }
  return table(totals, `${kills} kills of ${name}`);
}

async function prepare() {
  await installPeers();
  const out = join(ROOT, PAGE);
  await mkdir(out, { recursive: true });
  await build({ ...BUNDLING, entryPoints: [join(ROOT, 'tests/bench/crash/page.mjs')], outfile: join(out, 'main.js'), external: ['isolith', 'isolith/*'] });
  const map = JSON.stringify(importMap(JSON.parse(readFileSync(join(ROOT, 'pkg/package.json'), 'utf8'))));
  await writeFile(join(out, 'index.html'), `<!doctype html><meta charset="utf-8"><title>crash</title><link rel="icon" href="data:,"><script type="importmap">${map}</script><script type="module" src="./main.js"></script>`);
}

function add(totals, tallies) {
  for (const [who, tally] of Object.entries(tallies)) {
    const total = totals.get(who) ?? { looked: 0, lost: 0, torn: 0, unsound: 0, unopened: 0, kills: 0 };
    totals.set(who, total);
    const { why, ...counts } = tally;
    for (const [name, count] of Object.entries(counts)) total[name] += count;
    if (tally.lost + tally.torn + tally.unsound + tally.unopened > 0) total.kills++;
    if (why) console.log(`  ${who}: ${why}`);
  }
}

/** Prints a line per store; resolves to the damage that ours have. */
function table(totals, title) {
  console.log(`\n${title}\n| store | acknowledged files looked at | lost or old | torn | did not open | problems of \`check\` | kills that did harm |\n|---|---|---|---|---|---|---|`);
  let ours = 0;
  for (const [who, { looked, lost, torn, unopened, unsound, kills }] of totals) {
    const isOurs = who.startsWith('isolith');
    if (isOurs) ours += kills + (looked === 0 ? 1 : 0);
    console.log(`| ${who} | ${looked} | ${lost} | ${torn} | ${unopened} | ${isOurs ? unsound : '–'} | ${kills} |`);
  }
  return ours;
}
