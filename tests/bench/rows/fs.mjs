// Files: a thousand small ones, one large one, parts of it, names; beside the stores that people use today.
import { asked, bare, dexie, idb, idbKeyval, isolith, lightning, opfs, zenfs } from '../peers/files.mjs';

const COUNT = 1000;
const names = Array.from({ length: COUNT }, (_, at) => `file-${at}`);
const small = () => crypto.getRandomValues(new Uint8Array(1024));
const large = () => new Uint8Array(64 * 2 ** 20).map((_, at) => at);
const PART = 4096;
const part = () => crypto.getRandomValues(new Uint8Array(PART));

const timed = async (fn) => {
  const start = performance.now();
  await fn();
  return performance.now() - start;
};

/**
 * A sample of calls that take less than the clock can tell: the time of one, of as many as 10 ms hold. Who needs longer
 * is called once.
 */
const repeated = (fn) => async (store) => {
  const start = performance.now();
  let calls = 0;
  let now;
  do {
    await fn(store);
    calls++;
    now = performance.now();
  } while (now - start < 10);
  return (now - start) / calls;
};

/** Rows of one measure for all contestants: `run` is timed, `sample` answers a time of its own. */
function measure(name, { prepare, run, sample, targets, deadline = 60_000, contestants = [isolith, idbKeyval, dexie, lightning, zenfs] }) {
  return contestants.map(({ who, caveat, open }) => ({
    group: 'files',
    name,
    who,
    unit: 'ms',
    better: 'lower',
    deadline,
    ...(caveat && { caveat }),
    ...(who.startsWith('isolith') && targets && { targets }),
    async setup(env) {
      env.state.store = await open(env);
      await env.state.store.clear();
      env.state.store = await open(env);
      await prepare?.(env.state.store, env.state);
    },
    run: ({ state }) => sample?.(state.store) ?? timed(() => run(state.store, state)),
    async teardown({ state }) {
      await state.store?.pool?.destroy();
      await state.store?.clear();
    },
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
      overwrite: (name, bytes) => within('readwrite', (store) => store.put(bytes, name)),
      writeMany: (entries) => within('readwrite', (store) => entries.forEach(([name, bytes]) => store.put(bytes, name))),
      clear: () => within('readwrite', (store) => store.clear()),
    };
  },
};

const OPFS_TARGETS = [{ than: 'isolith, idb', times: 10 }, { than: 'bare', times: 1 / 2 }];

/** Only the opfs store is measured against these; a bare handle is no peer. */
const against = (targets) => (row) => ({ ...row, ...(row.who === opfs.who && { targets }), ...(row.who.startsWith(bare.who) && { reference: true }) });

/** Milliseconds that as many blocking writes take in a worker of a pool, the same for all samples as others' workers are. */
async function inWorker(store) {
  const { createPool } = await import('isolith');
  store.pool ??= createPool(1);
  const task = ({ dir, count }, { fs }) => {
    const bytes = new Uint8Array(1024).fill(7);
    const start = performance.now();
    for (let at = 0; at < count; at++) fs.writeFileSync(`${dir}/file-${at}`, bytes);
    return performance.now() - start;
  };
  return store.pool.run(task, { dir: store.dir, count: COUNT });
}

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
  ...measure('1,000 files opened anew and read, one by one', {
    contestants: [idb, idbKeyval],
    targets: [{ than: 'idb-keyval', times: 1 }],
    prepare: fill,
    async run(store) {
      await store.again?.();
      for (const name of names) right(await store.read(name), 1024);
    },
  }),
  ...measure('1,000 files opened anew and read, all in flight', {
    contestants: [idb, idbKeyval],
    targets: [{ than: 'idb-keyval', times: 1 }],
    prepare: fill,
    async run(store) {
      await store.again?.();
      if (store.readMany) for (const bytes of await store.readMany(names)) right(bytes, 1024);
      else await Promise.all(names.map(async (name) => right(await store.read(name), 1024)));
    },
  }),
  ...measure('a tree of 10,000 files mounted', {
    contestants: [idb],
    targets: [{ most: 100 }],
    async prepare({ fs }) {
      for (let dir = 0; dir < 100; dir++) {
        await fs.mkdir(`/bench-idb/${dir}`);
        await Promise.all(Array.from({ length: 100 }, (_, at) => fs.writeFile(`/bench-idb/${dir}/${at}`, small())));
      }
    },
    run: (store) => store.again(),
  }),
  ...measure('1,000 awaited writes of 1 KiB, from the page', {
    contestants: [opfs, idb, bare],
    async run(store) {
      const bytes = small();
      for (const name of names) await store.write(name, bytes);
    },
  }).map(against(OPFS_TARGETS)),
  ...measure('1,000 stats', {
    targets: [{ than: '@zenfs', times: 50 }, { than: 'lightning', times: 1 }],
    prepare: fill,
    async run(store) {
      for (const name of names) await store.stat(name);
    },
  }),
  ...measure('a directory of 1,000 read', {
    targets: [{ than: '@zenfs', times: 50 }, { than: 'lightning', times: 1 }],
    prepare: fill,
    sample: repeated(async (store) => {
      const found = await store.list();
      if (found !== COUNT) throw new Error(`${found} entries instead of ${COUNT}`);
    }),
  }),
  ...measure('64 MiB written', {
    targets: [{ than: 'idb-keyval', times: 1 / 1.5 }, { than: '@zenfs', times: 1 }],
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
    sample: repeated((store) => store.overwrite('large', part(), 30 * 2 ** 20 + 512)),
  }),
  // As much as any store that waits for its commit must take.
  ...measure('4 KiB written into 64 MiB', {
    contestants: [{ ...raw, who: 'raw IndexedDB, a record of 4 KiB', caveat: 'no file: one put in a transaction of its own' }],
    sample: repeated((store) => store.overwrite('part', part())),
  }).map((row) => ({ ...row, reference: true })),
  ...measure('4 KiB read from 64 MiB', {
    targets: [{ than: 'best peer', times: 100 }],
    prepare: fillLarge,
    sample: repeated(async (store) => right(await store.part('large', PART, 30 * 2 ** 20 + 512), PART)),
  }),
  // The last, for once a worker uses files the page leaves its commits to the store thread.
  ...measure('1,000 awaited writes of 1 KiB, in a worker', {
    contestants: [opfs, idb, bare, asked],
    sample: (store) => store.within?.(COUNT, 1024) ?? inWorker(store),
  }).map(against([...OPFS_TARGETS, { than: asked.who, times: 1 / 2 }])),
];
