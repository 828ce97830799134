// Runs every fixture under wasmtime, alone and at each place beside others: `--bless` records what they answer alone.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { combine } from '../../pkg/dist/link.js';
import { build, OUT } from './build.mjs';
import { answers, ANSWERS, EXACT, fixture, neighbours } from './support.mjs';

const crate = new URL('wasmtime/', import.meta.url).pathname;
const TEMPORARY = join(OUT, 'wasmtime');
/** Pages that a memory may grow to: what the modules alone declare, at the most. */
const MAXIMUM = 1024;

build();
mkdirSync(TEMPORARY, { recursive: true });
execFileSync('cargo', ['build', '--quiet'], { cwd: crate, stdio: 'inherit', env: { ...process.env, RUSTFLAGS: '' } });

/** What the modules of each group answer, seed by seed. */
function run(groups) {
  const input = groups.map(({ pages, maximum, shared, files }) => [pages, maximum, Number(shared), ...files].join(' ')).join('\n');
  const output = execFileSync(join(crate, 'target/debug/linker-wasmtime'), { input, encoding: 'utf8' });
  const lines = output.split('\x1e').map((record) => record.split('\x1f'));
  const seeds = answers.seeds.length;
  return groups.map(({ files }, group) => files.map((_, at) => lines.slice(group * seeds, (group + 1) * seeds).map((line) => line[at])));
}

/** A memory that fits any fixture alone; one that brings its own does not look at it. */
const limits = (name) => ({ pages: 40, maximum: MAXIMUM, shared: name.endsWith('-threads') });

const alone = run(EXACT.map((name) => ({ ...limits(name), files: [join(OUT, `${name}.wasm`)] })));
const found = { seeds: answers.seeds, ...Object.fromEntries(EXACT.map((name, index) => [name, alone[index][0]])) };
if (process.argv.includes('--bless')) writeFileSync(ANSWERS, `${JSON.stringify(found, undefined, 1)}\n`);

const groups = [];
const expected = [];
for (const name of EXACT) {
  for (const place of [0, 1, 2]) {
    const names = neighbours(name, place);
    const { modules, neededPages } = await combine(names.map(fixture), { shared: false });
    const files = modules.map((bytes, at) => join(TEMPORARY, `${groups.length}-${at}.wasm`));
    files.forEach((file, at) => writeFileSync(file, modules[at]));
    groups.push({ pages: neededPages, maximum: neededPages + MAXIMUM, shared: false, files });
    expected.push(names.map((name) => found[name]));
  }
}
const seen = run(groups);
const wrong = groups.filter((_, at) => JSON.stringify(seen[at]) !== JSON.stringify(expected[at])).length;
process.stdout.write(`${EXACT.length} fixtures alone, ${groups.length} groups of three under wasmtime: ${wrong} differ\n`);
process.exitCode = wrong === 0 ? 0 : 1;
