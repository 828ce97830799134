// Drives the benchmark page in each browser, survives contestants that hang it, and writes what it reports.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../../scripts/lib/run.mjs';
import { startBrowser } from '../../pages/driver/browser.mjs';
import { startServer } from '../../pages/driver/server.mjs';
import { chart } from './chart.mjs';
import { fromCsv, merge, toCsv } from './csv.mjs';
import { PAGE, prepare } from './prepare.mjs';
import { advantage, bestPeer, isOurs, judge } from './stats.mjs';

const RESULTS = join(ROOT, 'tests/bench/results');

/** How long the page may be silent before it counts as hung: longer than all deadlines of one contestant. */
const SILENCE = 240_000;

/** How often a page that hung is opened again, each time without the contestant that hung it. */
const RESTARTS = 6;

/** Runs everything and writes `results/<label>.csv` and `.html`. */
export async function bench({ browsers, only, who, rounds, workers, label }) {
  await prepare();
  await mkdir(RESULTS, { recursive: true });
  const file = join(RESULTS, `${label}.csv`);
  const before = existsSync(file) ? fromCsv(readFileSync(file, 'utf8')) : [];
  const fresh = [];
  /** Written after each measure: a run that is cut short keeps what it has. */
  const take = async (lines) => {
    fresh.push(...lines);
    await writeFile(file, toCsv(merge(before, fresh)));
    await writeFile(join(RESULTS, `${label}.html`), chart(fromCsv(readFileSync(file, 'utf8')), 'isolith beside its peers'));
  };
  for (const browser of browsers) await inBrowser({ browser, only, who, rounds, workers, take });
  const judged = fresh.filter(({ met }) => met);
  console.log(`bench: ${judged.filter(({ met }) => met === 'yes').length} of ${judged.length} targets met; ${file}`);
}

async function inBrowser({ browser, only, who, rounds, workers, take }) {
  console.log(`bench: ${browser}`);
  let heard = () => {};
  const server = await startServer({ folders: ['pkg', 'target'], modes: ['isolated'], onMessage: async (name, body) => heard(name, body) });
  const started = await startBrowser(browser);
  const facts = circumstances(browser, started.session.capabilities);
  /** Contestants that hung the page, as lines for their measures. */
  const hung = [];
  const skip = [];
  let from = 0;
  try {
    for (let attempt = 0; attempt <= RESTARTS; attempt++) {
      let at = {};
      const query = new URLSearchParams([['rounds', rounds], ['workers', workers], ['browser', browser], ['from', from], ...only.map((text) => ['only', text]), ...who.map((text) => ['who', text]), ...skip.map((text) => ['skip', text])]);
      const outcome = await new Promise((resolve) => {
        let timer;
        const alive = () => {
          clearTimeout(timer);
          timer = setTimeout(() => resolve('hung'), SILENCE);
        };
        heard = async (name, body) => {
          alive();
          if (name === 'at') at = body;
          else if (name === 'measure') {
            from = body.index + 1;
            const missing = hung.filter(({ group, name }) => `${group}: ${name}` === body.title);
            await take([...linesOf(body, browser, facts), ...missing]);
          } else {
            clearTimeout(timer);
            resolve(name === 'done' ? 'done' : `failed: ${body.message}`);
          }
        };
        alive();
        started.session.navigate(`${server.origins.isolated}/${PAGE}/index.html?${query}`).catch((error) => resolve(`failed: ${error.message}`));
      });
      if (outcome === 'done') return;
      if (outcome !== 'hung') throw new Error(`the page ${outcome}`);
      console.log(`  ${at.title}: the page hung${at.who ? ` with ${at.who}` : ''}; going on without`);
      skip.push(at.who ? `${at.title}\n${at.who}` : at.title);
      const [group, ...name] = (at.title ?? '').split(': ');
      if (at.who) hung.push({ ...facts, browser, group, name: name.join(': '), who: at.who, status: 'failed: it hung the page' });
      await started.restart();
    }
    throw new Error(`the page hung ${RESTARTS + 1} times`);
  } finally {
    await started.close();
    await server.close();
  }
}

/** CSV lines of one measure, shown as they come. */
function linesOf({ title, results, errors }, browser, facts) {
  console.log(`  ${title}`);
  const peer = bestPeer(results);
  return results.map((result) => {
    const ours = isOurs(result) && result.status === 'ok';
    const { target, met } = isOurs(result) ? judge(result, results, browser) : { target: '', met: '' };
    const times = ours && peer ? advantage(result.median, peer.median, result.better) : undefined;
    const figure = result.status === 'ok' ? `${Number(result.median.toPrecision(3))} ${result.unit} ± ${(result.spread * 100).toFixed(0)} %` : result.status;
    console.log(`    ${result.who.padEnd(40)} ${figure}${target ? `   [${met || '?'}] ${target}` : ''}`);
    const caveat = [result.caveat, ...(ours && errors.length ? [`page errors meanwhile: ${errors.slice(0, 2).join(' | ')}`] : [])].filter(Boolean).join('; ');
    return { ...facts, load: loadavg()[0].toFixed(1), browser, ...result, ours_times_better: times, target, met, caveat, reference: result.reference ? 'true' : '' };
  });
}

function circumstances(browser, capabilities) {
  const git = (...args) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--', 'src', 'js', 'tests/bench/rows', 'tests/bench/peers') === '' ? '' : '+';
  const [cpu] = cpus();
  return {
    browser_version: `${capabilities.browserName ?? browser} ${capabilities.browserVersion ?? ''}`.trim(),
    machine: `${cpus().length} × ${cpu?.model?.trim() ?? 'cpu'}, ${process.platform} ${process.arch}`,
    commit: git('rev-parse', '--short', 'HEAD') + changed,
    date: new Date().toISOString().slice(0, 10),
  };
}
