// The file stores that are measured beside ours, each behind the same few functions.
// Those that are large or want more than a browser has are loaded when they are opened: their failure is theirs alone.
import * as keyval from 'idb-keyval';

const isolith = {
  who: 'isolith',
  async open() {
    const fs = await import('isolith/fs');
    await fs.mkdir('/bench', { recursive: true });
    return {
      write: (name, bytes) => fs.writeFile(`/bench/${name}`, bytes),
      read: (name) => fs.readFile(`/bench/${name}`),
      stat: (name) => fs.stat(`/bench/${name}`),
      list: async () => (await fs.readdir('/bench')).length,
      async overwrite(name, bytes, offset) {
        const file = await fs.open(`/bench/${name}`, 'r+');
        await file.write(bytes, 0, bytes.length, offset);
        await file.close();
      },
      async part(name, length, offset) {
        const file = await fs.open(`/bench/${name}`);
        const { buffer } = await file.read(new Uint8Array(length), 0, length, offset);
        await file.close();
        return buffer;
      },
      clear: () => fs.rm('/bench', { recursive: true, force: true }),
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

export { idbKeyval, isolith, lightning, zenfs };
