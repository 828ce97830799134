// A browser killed at any moment has lost nothing that was acknowledged, and nothing is torn.
// modes: isolated
import { assert, assertEqual, context, crash, random, testAcrossCrashes } from '/tests/pages/lib/test.mjs';
import { createPool } from 'isolith';
import fs from 'isolith/fs';

const COUNT = 24;
/** More versions of a file than can be written until the browser has died, however long that takes. */
const MORE = 100_000;
/** A file that is too short to say its version is compared with so many. */
const TRIED = 500;
const content = (name, version) => {
  const next = random(name * 1000 + version);
  const bytes = new Uint8Array(Math.floor(next() * 90_000) + 1);
  // Every page of the file says which version it is: a mixture shows.
  bytes.fill(version % 251);
  new DataView(bytes.buffer).setUint32(0, bytes.length > 3 ? version : 0);
  return bytes;
};

/** Takes the store at `dir` into use: the opfs store is mounted, of `/` there is nothing to do. */
async function opened(dir) {
  await fs.mkdir(dir, { recursive: true });
  if (dir === '/crash-opfs') await fs.mount(dir, { store: 'opfs', name: 'crash' });
}

/** Writes versions of files, several at a time, until a random moment; then the browser dies. */
function phase(dir, seed) {
  return async (state) => {
    const acknowledged = state?.acknowledged ?? Array.from({ length: COUNT }, () => 0);
    const attempted = state?.attempted ?? acknowledged.slice();
    await opened(dir);
    await verify(dir, acknowledged, attempted);
    const next = random(seed);
    if (seed % 2 === 0 && context.shared) {
      // Once a worker uses files, the page leaves all commits to the store thread.
      await createPool(1).run((dir, { fs }) => fs.existsSync(dir), dir);
    }
    let alive = true;
    const worker = async (lane) => {
      for (let turn = 0; alive; turn++) {
        const name = lane + 4 * Math.floor(next() * (COUNT / 4));
        const version = Math.max(attempted[name], acknowledged[name]) + 1;
        attempted[name] = version;
        const bytes = content(name, version);
        if (turn % 3 === 0) {
          await fs.writeFile(`${dir}/tmp-${lane}`, bytes);
          await fs.rename(`${dir}/tmp-${lane}`, `${dir}/${name}`);
        } else await fs.writeFile(`${dir}/${name}`, bytes);
        if (alive) acknowledged[name] = version;
      }
    };
    const lanes = [0, 1, 2, 3].map(worker);
    await Promise.race([...lanes, new Promise((done) => setTimeout(done, 30 + next() * 400))]);
    // What is under way goes on while the browser dies.
    await crash({ acknowledged: acknowledged.slice(), attempted: attempted.map((version) => version + MORE) });
  };
}

async function verify(dir, acknowledged, attempted) {
  assertEqual(await fs.check(), []);
  for (let name = 0; name < COUNT; name++) {
    if (attempted[name] === 0) continue;
    const found = await fs.readFile(`${dir}/${name}`).catch((error) => {
      assert(error.code === 'ENOENT' && acknowledged[name] === 0, `${name} is gone: ${error}`);
    });
    if (!found) continue;
    const [least, most] = [acknowledged[name], attempted[name]];
    const match = claims(found, least, most).find((version) => version > 0 && same(found, content(name, version)));
    assert(match !== undefined, `${name} has ${found.length} bytes (${found.slice(0, 8)}) of no version between ${least} and ${most}`);
    acknowledged[name] = match;
    attempted[name] = match;
  }
}

/** Versions that the file may be, by what it says of itself. */
function claims(found, least, most) {
  if (found.length <= 3) return Array.from({ length: Math.min(TRIED, most - least + 1) }, (_, at) => least + at);
  const version = new DataView(found.buffer, found.byteOffset).getUint32(0);
  return version >= least && version <= most ? [version] : [];
}

const same = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);

// `npm run crash` kills more often, and our peers too.
for (const [dir, kills] of [['/crash', 8], ['/crash-opfs', 4]]) {
  testAcrossCrashes(`files in ${dir} outlive a browser that is killed over and over`, [
    ...Array.from({ length: kills }, (_, at) => phase(dir, at + 1)),
    async ({ acknowledged, attempted }) => {
      await opened(dir);
      await verify(dir, acknowledged, attempted);
    },
  ], { timeout: 60_000 });
}

testAcrossCrashes('what nobody waits for is written back all the same', [
  async () => {
    await fs.mkdir('/unasked', { recursive: true });
    await fs.writeFile('/unasked/file', 'not flushed', { flush: false });
    const handle = await fs.open('/unasked/handle', 'w');
    await handle.write('never closed');
    // Longer than the second after which it is written, by far; nothing else may stir the store meanwhile.
    await new Promise((done) => setTimeout(done, 5000));
    await crash();
  },
  async () => {
    assertEqual(await fs.readFile('/unasked/file', 'utf8'), 'not flushed');
    assertEqual(await fs.readFile('/unasked/handle', 'utf8'), 'never closed');
  },
], { timeout: 60_000 });
