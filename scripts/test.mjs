// Runs all tests, phase after phase, up to the first that fails: `--quick` for native and Chromium only, `--only a,b` for chosen phases.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, run } from './lib/run.mjs';

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } } });

/** Test files for Node's own runner: those that no browser is needed for. */
function nodeTests() {
  return ['node', 'linker'].flatMap((folder) => {
    const path = join(ROOT, 'tests', folder);
    if (!existsSync(path)) return [];
    return readdirSync(path, { recursive: true })
      .filter((name) => name.endsWith('.test.mjs') && !name.includes('node_modules'))
      .map((name) => join('tests', folder, name));
  });
}

const node = (...args) => () => run(process.execPath, args);

/** Every phase: its name, what it does, whether `--quick` has it. */
const PHASES = [
  ['setup', node('scripts/setup.mjs'), true],
  ['build', node('scripts/build.mjs'), true],
  ['guests', node('tests/conformance/build.mjs'), true],
  ['native', () => run('cargo', ['test', '--all-features']), true],
  ['node', () => run(process.execPath, ['--test', ...nodeTests()]), false],
  ['loom', node('tests/loom/run.mjs'), false],
  ['browser', node('tests/browser/run.mjs'), false],
  ['pages', node('tests/pages/run.mjs', ...(values.quick ? ['--browser', 'chromium'] : [])), true],
  ['packaging', node('tests/packaging/run.mjs'), false],
];

function chosenPhases() {
  if (!values.only) return PHASES.filter(([, , quick]) => quick || !values.quick);
  const names = values.only.split(',');
  const unknown = names.find((name) => !PHASES.some(([one]) => one === name));
  if (unknown) throw new Error(`there is no phase ${unknown}, only ${PHASES.map(([name]) => name).join(', ')}`);
  return PHASES.filter(([name]) => names.includes(name));
}

/** Runs `phases` in order; resolves to a row for each: name, outcome, seconds. */
async function runPhases(phases) {
  const rows = [];
  let failed = false;
  for (const [name, start] of phases) {
    if (failed) {
      rows.push([name, 'not run', '']);
      continue;
    }
    console.log(`\ntest: ${name}`);
    const from = Date.now();
    try {
      await start();
    } catch (error) {
      console.error(`test: ${name}: ${error.message}`);
      failed = true;
    }
    rows.push([name, failed ? 'FAILED' : 'ok', `${((Date.now() - from) / 1000).toFixed(1)} s`]);
  }
  return rows;
}

const rows = await runPhases(chosenPhases());
console.log('\ntest: summary');
for (const [name, outcome, time] of rows) console.log(`  ${name.padEnd(12)}${outcome.padEnd(10)}${time.padStart(10)}`);
process.exitCode = rows.length > 0 && rows.every(([, outcome]) => outcome === 'ok') ? 0 : 1;
