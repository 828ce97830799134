// Every case of tests/conformance answers here as it does on wasmtime, and touches nothing outside its directories.
// browsers: chromium firefox webkit — without shared memory guests run on the page, where nothing can end them in time
import { assert, assertEqual, test } from '/tests/pages/lib/test.mjs';
import { fs } from 'isolith/fs';
import { compile, runWasi } from 'isolith/wasm';

const HERE = '/tests/conformance';
const MODULE = `${HERE}/guests/target/wasm32-wasip1/release/isolith-conformance-guests.wasm`;
const { promises } = fs;

const world = await (await fetch(`${HERE}/world.json`)).json();
const response = await fetch(MODULE);
if (!response.ok) throw new Error('the guests are not built: node tests/conformance/build.mjs');
const module = await compile(await response.arrayBuffer());

/** Makes the directories, files and links that every case finds. */
async function layOut(base) {
  for (const path of world.directories) await promises.mkdir(`${base}/${path}`, { recursive: true });
  for (const [path, text] of Object.entries(world.files)) await promises.writeFile(`${base}/${path}`, text);
  for (const [path, target] of Object.entries(world.links)) await promises.symlink(target, `${base}/${path}`);
}

async function report(base, args) {
  const preopens = Object.entries(world.preopens).map(([guest, path]) => [guest, { path: `${base}/${path}`, readOnly: world.readOnly.includes(guest) }]);
  const { exitCode, stdout, stderr } = await runWasi(module, {
    args: [...world.args, ...args], env: world.env, stdin: world.stdin, preopens: Object.fromEntries(preopens), timeout: 30_000,
  });
  assertEqual(stderr, '');
  return `${stdout}exit ${exitCode}\n`;
}

/** What lies outside the directories that may be changed: each path with what is there. */
async function outside(base) {
  const found = [];
  for (const top of ['ro', 'secret']) {
    for (const entry of await promises.readdir(`${base}/${top}`, { recursive: true, withFileTypes: true })) {
      const path = `${entry.parentPath}/${entry.name}`;
      found.push(`${path}: ${entry.isFile() ? await promises.readFile(path, 'utf8') : 'no file'}`);
    }
  }
  return [...found.sort(), ...(await promises.readdir(base)).sort()].join('\n');
}

await layOut('/conformance/names');
const names = (await report('/conformance/names', [])).trim().split('\n').slice(0, -1);

test('there are cases', () => assert(names.length > 50, `${names.length} cases`));

for (const name of names) {
  test(name, async () => {
    const base = `/conformance/${name}`;
    await layOut(base);
    const before = await outside(base);
    const golden = await (await fetch(`${HERE}/golden/${name}.txt`)).text();
    assertEqual(await report(base, [name]), golden);
    assertEqual(await outside(base), before);
  }, { timeout: 60_000 });
}

test('the filesystem is sound after all of it', async () => {
  assertEqual(await fs.check(), []);
});
