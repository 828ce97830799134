// A browser killed at any moment has lost nothing that was acknowledged, and nothing is torn.
// modes: isolated
import { assert, assertEqual, crash, random, testAcrossCrashes } from '/tests/pages/lib/test.mjs';
import fs from 'isolith/fs';

const COUNT = 24;
const content = (name, version) => {
  const next = random(name * 1000 + version);
  const bytes = new Uint8Array(Math.floor(next() * 90_000) + 1);
  // Every page of the file says which version it is: a mixture shows.
  bytes.fill(version % 251);
  new DataView(bytes.buffer).setUint32(0, bytes.length > 3 ? version : 0);
  return bytes;
};

/** Writes versions of files, several at a time, until a random moment; then the browser dies. */
function phase(seed) {
  return async (state) => {
    const acknowledged = state?.acknowledged ?? Array.from({ length: COUNT }, () => 0);
    const attempted = state?.attempted ?? acknowledged.slice();
    await verify(acknowledged, attempted);
    const next = random(seed);
    let alive = true;
    const worker = async (lane) => {
      for (let turn = 0; alive; turn++) {
        const name = lane + 4 * Math.floor(next() * (COUNT / 4));
        const version = Math.max(attempted[name], acknowledged[name]) + 1;
        attempted[name] = version;
        const bytes = content(name, version);
        if (turn % 3 === 0) {
          await fs.writeFile(`/crash/tmp-${lane}`, bytes);
          await fs.rename(`/crash/tmp-${lane}`, `/crash/${name}`);
        } else await fs.writeFile(`/crash/${name}`, bytes);
        if (alive) acknowledged[name] = version;
      }
    };
    await fs.mkdir('/crash', { recursive: true });
    const lanes = [0, 1, 2, 3].map(worker);
    await Promise.race([...lanes, new Promise((done) => setTimeout(done, 30 + next() * 400))]);
    alive = false;
    await crash({ acknowledged, attempted });
  };
}

async function verify(acknowledged, attempted) {
  assertEqual(await fs.check(), []);
  for (let name = 0; name < COUNT; name++) {
    if (attempted[name] === 0) continue;
    const found = await fs.readFile(`/crash/${name}`).catch((error) => {
      assert(error.code === 'ENOENT' && acknowledged[name] === 0, `${name} is gone: ${error}`);
    });
    if (!found) continue;
    const versions = Array.from({ length: attempted[name] - acknowledged[name] + 1 }, (_, at) => acknowledged[name] + at);
    const match = versions.find((version) => version > 0 && same(found, content(name, version)));
    assert(match !== undefined, `${name} has ${found.length} bytes of no version between ${acknowledged[name]} and ${attempted[name]}`);
    acknowledged[name] = match;
    attempted[name] = match;
  }
}

const same = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);

const KILLS = 8;
testAcrossCrashes('files outlive a browser that is killed over and over', [
  ...Array.from({ length: KILLS }, (_, at) => phase(at + 1)),
  async ({ acknowledged, attempted }) => {
    await verify(acknowledged, attempted);
  },
], { timeout: 60_000 });
