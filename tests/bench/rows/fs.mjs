// Files: a thousand small ones, one large one, parts of it, names; beside the stores that people use today.
import { idbKeyval, isolith, lightning, zenfs } from '../peers/files.mjs';

const COUNT = 1000;
const names = Array.from({ length: COUNT }, (_, at) => `file-${at}`);
const small = () => crypto.getRandomValues(new Uint8Array(1024));
const large = () => new Uint8Array(64 * 2 ** 20).map((_, at) => at);
const PART = 4096;

const timed = async (fn) => {
  const start = performance.now();
  await fn();
  return performance.now() - start;
};

/** Rows of one measure for all contestants. */
function measure(name, { prepare, run, targets, deadline = 60_000, contestants = [isolith, idbKeyval, lightning, zenfs] }) {
  return contestants.map(({ who, caveat, open }) => ({
    group: 'files',
    name,
    who,
    unit: 'ms',
    better: 'lower',
    deadline,
    ...(caveat && { caveat }),
    ...(who === 'isolith' && { targets }),
    async setup(env) {
      env.state.store = await open();
      await env.state.store.clear();
      env.state.store = await open();
      await prepare?.(env.state.store, env.state);
    },
    run: ({ state }) => timed(() => run(state.store, state)),
    teardown: ({ state }) => state.store?.clear(),
  }));
}

const fill = async (store) => {
  const bytes = small();
  if (store.writeMany) await store.writeMany(names.map((name) => [name, bytes]));
  else await Promise.all(names.map((name) => store.write(name, bytes)));
};

const fillLarge = async (store, state) => {
  state.large = large();
  await store.write('large', state.large);
};

const right = (found, wanted) => {
  if (!found || found.length !== wanted) throw new Error(`read ${found?.length} bytes instead of ${wanted}`);
};

/** One transaction with all thousand records: what the platform can do. */
const raw = {
  who: 'raw IndexedDB, one transaction',
  async open() {
    const db = await new Promise((done, failed) => {
      const request = indexedDB.open('bench-raw', 1);
      request.onupgradeneeded = () => request.result.createObjectStore('files');
      request.onsuccess = () => done(request.result);
      request.onerror = () => failed(request.error);
    });
    const within = (mode, act) => new Promise((done, failed) => {
      const tx = db.transaction('files', mode, { durability: 'relaxed' });
      const value = act(tx.objectStore('files'));
      tx.oncomplete = () => done(value);
      tx.onabort = () => failed(tx.error);
    });
    return {
      writeMany: (entries) => within('readwrite', (store) => entries.forEach(([name, bytes]) => store.put(bytes, name))),
      clear: () => within('readwrite', (store) => store.clear()),
    };
  },
};

export default [
  ...measure('1,000 files of 1 KiB, written one by one', {
    targets: [{ than: 'idb-keyval', times: 1 }, { than: '@zenfs', times: 8 }],
    async run(store) {
      const bytes = small();
      for (const name of names) await store.write(name, bytes);
    },
  }),
  ...measure('1,000 files of 1 KiB, written all in flight', {
    targets: [{ than: 'idb-keyval', times: 3 }, { than: 'lightning', times: 3 }, { than: '@zenfs', times: 40 }, { than: 'raw', times: 1 / 1.2 }],
    async run(store) {
      const bytes = small();
      await Promise.all(names.map((name) => store.write(name, bytes)));
    },
  }),
  ...measure('1,000 files of 1 KiB, written all in flight', {
    contestants: [raw],
    async run(store) {
      const bytes = small();
      await store.writeMany(names.map((name) => [name, bytes]));
    },
  }).map((row) => ({ ...row, reference: true })),
  ...measure('1,000 files read, one by one', {
    targets: [{ than: 'best peer', times: 20 }],
    prepare: fill,
    async run(store) {
      for (const name of names) right(await store.read(name), 1024);
    },
  }),
  ...measure('1,000 files read, all in flight', {
    targets: [{ than: 'best peer', times: 20 }],
    prepare: fill,
    run: (store) => Promise.all(names.map(async (name) => right(await store.read(name), 1024))),
  }),
  ...measure('1,000 stats', {
    targets: [{ than: '@zenfs', times: 50 }, { than: 'lightning', times: 1 }],
    prepare: fill,
    async run(store) {
      for (const name of names) await store.stat(name);
    },
  }),
  ...measure('a directory of 1,000 read', {
    prepare: fill,
    async run(store) {
      const found = await store.list();
      if (found !== COUNT) throw new Error(`${found} entries instead of ${COUNT}`);
    },
  }),
  ...measure('64 MiB written', {
    targets: [{ than: 'idb-keyval', times: 1 / 1.5 }],
    prepare: fillLarge,
    run: (store, state) => store.write('large', state.large),
  }),
  ...measure('64 MiB read', {
    targets: [{ than: 'best peer', times: 2 }],
    prepare: fillLarge,
    run: async (store) => right(await store.read('large'), 64 * 2 ** 20),
  }),
  ...measure('4 KiB written into 64 MiB', {
    targets: [{ than: 'best peer', times: 150 }],
    prepare: fillLarge,
    run: (store) => store.overwrite('large', small(), 30 * 2 ** 20 + 512),
  }),
  ...measure('4 KiB read from 64 MiB', {
    targets: [{ than: 'best peer', times: 100 }],
    prepare: fillLarge,
    run: async (store) => right(await store.part('large', PART, 30 * 2 ** 20 + 512), PART),
  }),
];
