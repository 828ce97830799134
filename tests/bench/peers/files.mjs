// The file stores that are measured beside ours, each behind the same few functions.
// Those that are large or want more than a browser has are loaded when they are opened: their failure is theirs alone.
import * as keyval from 'idb-keyval';

/** Our files below `dir`. */
function ours(fs, dir) {
  return {
    fs,
    dir,
    write: (name, bytes) => fs.writeFile(`${dir}/${name}`, bytes),
    read: (name) => fs.readFile(`${dir}/${name}`),
    stat: (name) => fs.stat(`${dir}/${name}`),
    list: async () => (await fs.readdir(dir)).length,
    async overwrite(name, bytes, offset) {
      const file = await fs.open(`${dir}/${name}`, 'r+');
      await file.write(bytes, 0, bytes.length, offset);
      await file.close();
    },
    async part(name, length, offset) {
      const file = await fs.open(`${dir}/${name}`);
      const { buffer } = await file.read(new Uint8Array(length), 0, length, offset);
      await file.close();
      return buffer;
    },
  };
}

const isolith = {
  who: 'isolith',
  caveat: 'waits for the commit',
  async open() {
    const fs = await import('isolith/fs');
    await fs.mkdir('/bench', { recursive: true });
    return { ...ours(fs, '/bench'), clear: () => fs.rm('/bench', { recursive: true, force: true }) };
  },
};

/** A store of its own, which can be taken away and mounted again: then it is cold. */
function mounted(who, store, caveat) {
  const dir = `/bench-${store}`;
  return {
    who,
    caveat,
    async open() {
      const fs = await import('isolith/fs');
      await fs.mkdir(dir, { recursive: true });
      const mount = () => fs.mount(dir, { store, name: `bench-${store}` });
      await mount().catch((error) => {
        if (!/mounted|another tab/.test(error.message)) throw error;
      });
      return {
        ...ours(fs, dir),
        async again() {
          await fs.unmount(dir);
          await mount();
        },
        async clear() {
          for (const name of await fs.readdir(dir)) await fs.rm(`${dir}/${name}`, { recursive: true });
          await fs.unmount(dir);
        },
      };
    },
  };
}

const idb = mounted('isolith, idb store', 'idb', 'waits for the commit');
const opfs = mounted('isolith, opfs store', 'opfs', 'waits for the write into the container');

/** A worker that has said that it is ready, and how to have its next answer. */
async function ready(url, name = '') {
  const worker = new Worker(url, { type: 'module', name });
  const answer = () => new Promise((done, failed) => {
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = (event) => failed(new Error(event.message));
  });
  await answer();
  return { worker, answer };
}

/** One sync access handle in a worker: the platform at its barest. */
const bare = {
  who: 'bare OPFS handle',
  caveat: 'one file, bytes appended: no names, no journal; the thread that writes owns the handle',
  async open(env, name) {
    const { worker, answer } = await ready(env.workerUrl('opfs'), name);
    return {
      write(_name, bytes) {
        worker.postMessage(bytes);
        return answer();
      },
      within(count, bytes) {
        worker.postMessage({ count, bytes });
        return answer();
      },
      serve: (order) => worker.postMessage(order),
      async clear() {
        worker.postMessage('close');
        await answer();
        worker.terminate();
      },
    };
  },
};

/** The same, asked by another worker through shared memory, as files that all threads share must be. */
const asked = {
  who: 'bare OPFS handle, asked by another worker',
  caveat: 'one file, bytes appended: no names, no journal; a word in shared memory asks, another answers',
  async open(env) {
    const owner = await bare.open(env, 'asked');
    const { worker, answer } = await ready(env.workerUrl('opfs-caller'));
    return {
      within(count, bytes) {
        const order = { shared: new SharedArrayBuffer(64 + bytes), count, bytes };
        owner.serve(order);
        worker.postMessage(order);
        return answer();
      },
      async clear() {
        worker.terminate();
        await owner.clear();
      },
    };
  },
};

/** Peers rewrite the whole file to change a part of it, and read it whole. */
const byWhole = (store) => ({
  ...store,
  async overwrite(name, bytes, offset) {
    const whole = new Uint8Array(await store.read(name));
    whole.set(bytes, offset);
    await store.write(name, whole);
  },
  part: async (name, length, offset) => (await store.read(name)).subarray(offset, offset + length),
});

const idbKeyval = {
  who: 'idb-keyval 6.3.0',
  caveat: 'waits for the commit; no directories or sizes: stat is a get, list is all keys',
  async open() {
    const store = keyval.createStore('bench-keyval', 'files');
    return byWhole({
      write: (name, bytes) => keyval.set(name, bytes, store),
      read: (name) => keyval.get(name, store),
      stat: (name) => keyval.get(name, store),
      list: async () => (await keyval.keys(store)).length,
      writeMany: (entries) => keyval.setMany(entries, store),
      readMany: (names) => keyval.getMany(names, store),
      clear: () => keyval.clear(store),
    });
  },
};

const dexie = {
  who: 'dexie 4',
  caveat: 'waits for the commit; no directories or sizes: stat is a get, list is all keys',
  async open() {
    const { Dexie } = await import('dexie');
    const db = new Dexie('bench-dexie');
    db.version(1).stores({ files: '' });
    return byWhole({
      write: (name, bytes) => db.files.put(bytes, name),
      read: (name) => db.files.get(name),
      stat: (name) => db.files.get(name),
      list: async () => (await db.files.toCollection().primaryKeys()).length,
      writeMany: (entries) => db.files.bulkPut(entries.map(([, bytes]) => bytes), entries.map(([name]) => name)),
      readMany: (names) => db.files.bulkGet(names),
      clear: () => db.files.clear(),
    });
  },
};

const lightning = {
  who: 'lightning-fs 4.10.3',
  caveat: 'directories are saved half a second later, without being waited for',
  async open() {
    const { default: LightningFS } = await import('@isomorphic-git/lightning-fs');
    const fs = new LightningFS('bench-lightning', { wipe: true }).promises;
    await fs.mkdir('/bench').catch(() => {});
    return byWhole({
      write: (name, bytes) => fs.writeFile(`/bench/${name}`, bytes),
      read: (name) => fs.readFile(`/bench/${name}`),
      stat: (name) => fs.stat(`/bench/${name}`),
      list: async () => (await fs.readdir('/bench')).length,
      async clear() {
        for (const name of await fs.readdir('/bench')) await fs.unlink(`/bench/${name}`);
      },
    });
  },
};

const zenfs = {
  who: '@zenfs/dom 1.2.14 IndexedDB',
  caveat: 'answers before its transaction has completed',
  async open() {
    const [{ configureSingle, fs: zen }, { IndexedDB: ZenIndexedDB }] = await Promise.all([import('@zenfs/core'), import('@zenfs/dom')]);
    await configureSingle({ backend: ZenIndexedDB, storeName: 'bench-zen' });
    const fs = zen.promises;
    await fs.mkdir('/bench').catch(() => {});
    return byWhole({
      write: (name, bytes) => fs.writeFile(`/bench/${name}`, bytes),
      read: (name) => fs.readFile(`/bench/${name}`),
      stat: (name) => fs.stat(`/bench/${name}`),
      list: async () => (await fs.readdir('/bench')).length,
      async clear() {
        for (const name of await fs.readdir('/bench')) await fs.unlink(`/bench/${name}`);
      },
    });
  },
};

export { asked, bare, dexie, idb, idbKeyval, isolith, lightning, opfs, zenfs };
