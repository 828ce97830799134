// The page of the crash table: looks at what each store kept, then writes to all of them until its browser is killed.
import { post, stores } from './stores.mjs';

const FILES = 16;
const LANES = 4;
const SMALLEST = 8;
const LARGEST = 40_000;

/** How long a store may take to open or to read a file, in milliseconds: one that hangs is one that lost its files. */
const PATIENCE = 30_000;

/** More versions than are written between the last report and the death of the browser. */
const MORE = 100_000;

/** Bytes that say which file and version they are, in every word: a mixture shows. */
function content(name, version) {
  const length = SMALLEST + 4 * (((name * 7919 + version * 104_729) >>> 0) % (LARGEST / 4));
  const words = new Uint32Array(length / 4).fill((version * 2_654_435_761 + name) >>> 0);
  words[0] = version;
  return new Uint8Array(words.buffer);
}

const same = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);

function within(promise, what) {
  let timer;
  const late = new Promise((_, failed) => {
    timer = setTimeout(() => failed(new Error(`${what} took more than ${PATIENCE} ms`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Compares a store with what it had acknowledged; `files` then says what it has. */
async function verify(store, files, tally) {
  for (let name = 0; name < FILES; name++) {
    const file = files[name];
    if (file.attempted === 0) continue;
    const bytes = await within(store.read(name), 'reading').catch(() => undefined);
    const found = bytes ? new Uint8Array(bytes) : new Uint8Array(0);
    const version = found.length >= SMALLEST ? new DataView(found.buffer, found.byteOffset).getUint32(0, true) : 0;
    const whole = version > 0 && version <= file.attempted && same(found, content(name, version));
    if (file.acknowledged > 0) {
      tally.looked++;
      if (bytes && !whole) tally.torn++;
      else if (version < file.acknowledged) tally.lost++;
    } else if (bytes && !whole) tally.torn++;
    file.acknowledged = whole ? version : 0;
  }
  tally.unsound += (await store.problems?.())?.length ?? 0;
}

async function write(store, files, random) {
  const lane = async (first) => {
    for (;;) {
      const name = first + LANES * Math.floor(random() * (FILES / LANES));
      const file = files[name];
      const version = ++file.attempted;
      await store.write(name, content(name, version));
      file.acknowledged = version;
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, first) => lane(first)));
}

const fresh = () => Array.from({ length: FILES }, () => ({ acknowledged: 0, attempted: 0 }));

async function main() {
  const { kill, last, states, wait } = await post('begin', {});
  const opened = {};
  const tallies = {};
  const now = {};
  for (const { who, open } of stores) {
    const tally = (tallies[who] = { looked: 0, torn: 0, lost: 0, unsound: 0, unopened: 0 });
    now[who] = states[who] ?? fresh();
    try {
      opened[who] = await within(open(kill), 'opening');
      await verify(opened[who], now[who], tally);
    } catch (error) {
      tally.unopened++;
      tally.why = String(error);
    }
  }
  await post('looked', { tallies });
  if (last) return;
  for (const [who, store] of Object.entries(opened)) {
    write(store, now[who], Math.random).catch((error) => post('refused', { who, why: String(error) }));
  }
  await new Promise((done) => setTimeout(done, wait));
  // What is under way goes on while the browser dies.
  const state = Object.fromEntries(Object.entries(now).map(([who, files]) => [who, files.map(({ acknowledged, attempted }) => ({ acknowledged, attempted: attempted + MORE }))]));
  await post('kill', { states: state });
}

main().catch((error) => post('failed', { why: String(error?.stack ?? error) }));
