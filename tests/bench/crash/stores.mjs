// The stores of the crash table behind the same two functions: a write that was acknowledged, and a read.
import * as keyval from 'idb-keyval';

/** Sends a message to the driver and resolves to its answer. */
export async function post(name, body) {
  const response = await fetch(`/control/${name}`, { method: 'POST', body: JSON.stringify(body) });
  return response.json();
}

const below = (fs, dir) => ({
  write: (name, bytes) => fs.writeFile(`${dir}/${name}`, bytes),
  read: (name) => fs.readFile(`${dir}/${name}`),
});

async function ours(dir, options, kill) {
  const fs = await import('isolith/fs');
  await fs.mkdir(dir, { recursive: true });
  if (options) await fs.mount(dir, options);
  if (kill % 2 === 1) {
    // Once a worker uses files, the page leaves all commits to the store thread.
    const { createPool } = await import('isolith');
    await createPool(1).run((dir, { fs }) => fs.existsSync(dir), dir);
  }
  return { ...below(fs, dir), problems: () => fs.check() };
}

/** Every third time a file is written beside and renamed over the old one, as careful programs do. */
function renaming(store, fs, dir) {
  let turn = 0;
  return {
    ...store,
    async write(name, bytes) {
      if (++turn % 3 !== 0) return store.write(name, bytes);
      await fs.writeFile(`${dir}/new-${name}`, bytes);
      await fs.rename(`${dir}/new-${name}`, `${dir}/${name}`);
    },
  };
}

async function renamingOurs(dir, options, kill) {
  const store = await ours(dir, options, kill);
  return renaming(store, await import('isolith/fs'), dir);
}

export const stores = [
  { who: 'isolith, IndexedDB', open: (kill) => renamingOurs('/idb', undefined, kill) },
  { who: 'isolith, opfs', open: (kill) => renamingOurs('/opfs', { store: 'opfs', name: 'crash' }, kill) },
  {
    who: 'idb-keyval 6.3.0',
    async open() {
      const store = keyval.createStore('keyval', 'files');
      return { write: (name, bytes) => keyval.set(name, bytes, store), read: (name) => keyval.get(name, store) };
    },
  },
  {
    who: 'lightning-fs 4.10.3',
    async open() {
      const { default: LightningFS } = await import('@isomorphic-git/lightning-fs');
      const fs = new LightningFS('lightning').promises;
      await fs.mkdir('/files').catch(() => {});
      return below(fs, '/files');
    },
  },
  {
    who: '@zenfs/dom 1.2.14 IndexedDB',
    async open() {
      const [{ configureSingle, fs }, { IndexedDB }] = await Promise.all([import('@zenfs/core'), import('@zenfs/dom')]);
      await configureSingle({ backend: IndexedDB, storeName: 'zen' });
      await fs.promises.mkdir('/files').catch(() => {});
      return below(fs.promises, '/files');
    },
  },
];
