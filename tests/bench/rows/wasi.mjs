// Guests that read files through WASI: the same module on our kernel and on a shim whose files are arrays.
import { ConsoleStdout, File, OpenFile, PreopenDirectory, WASI } from '@bjorn3/browser_wasi_shim';
import reader from '../peers/reader.wat';

const SIZE = 16 * 2 ** 20;
const NAME = 'bytes';

const contents = () => Uint8Array.from({ length: SIZE }, (_, at) => at % 251);

/** Ours: the guest on the page's thread, as the shim's is, or in a worker, where guests are by default. */
const ours = (inline) => ({
  who: inline ? 'isolith' : 'isolith, in a worker',
  async open() {
    const [wasm, fs] = await Promise.all([import('isolith/wasm'), import('isolith/fs')]);
    await fs.mkdir('/bench-wasi', { recursive: true });
    await fs.writeFile(`/bench-wasi/${NAME}`, contents());
    const id = await wasm.compile(reader);
    const instance = await wasm.instantiate(id, { inline, preopens: { '/': '/bench-wasi' } });
    await instance.call('start');
    return {
      read: async (size, count) => Number((await instance.call('read', size, count))[0]),
      stride: async (count) => Number((await instance.call('stride', count))[0]),
      async close() {
        await instance.drop();
        await wasm.dropModule(id);
      },
    };
  },
});

const shim = {
  who: '@bjorn3/browser_wasi_shim 0.4.2',
  async open() {
    const root = new PreopenDirectory('/', new Map([[NAME, new File(contents())]]));
    const out = ConsoleStdout.lineBuffered(() => {});
    const wasi = new WASI([], [], [new OpenFile(new File([])), out, out, root]);
    const { instance } = await WebAssembly.instantiate(reader, { wasi_snapshot_preview1: wasi.wasiImport });
    wasi.inst = instance;
    instance.exports.start();
    return { read: async (size, count) => instance.exports.read(size, count), close: async () => {} };
  },
};

function measure(name, size, count, targets) {
  return [ours(true), ours(false), shim].map(({ who, open }) => ({
    group: 'wasi',
    name,
    who,
    unit: 'µs',
    better: 'lower',
    n: count,
    ...(who === 'isolith' && { targets }),
    async setup(env) {
      env.state.guest = await open();
    },
    async run({ state }, n) {
      const start = performance.now();
      const read = await state.guest.read(size, n);
      const time = performance.now() - start;
      if (read !== size * n) throw new Error(`read ${read} bytes instead of ${size * n}`);
      return (time * 1000) / n;
    },
    teardown: ({ state }) => state.guest?.close(),
  }));
}

/** Drops from memory what is durable: the next read of a page finds it in the store only. */
async function evict() {
  // Not part of the published API; by address, so that it is the copy that runs.
  const dist = '/pkg/dist';
  const { getKernel } = await import(`${dist}/runtime.js`);
  const { exports } = getKernel();
  exports.isolith_fs_budget(0);
  exports.isolith_fs_budget(256 * 2 ** 20);
}

const cold = {
  group: 'wasi',
  name: 'fd_read of 4 KiB that are not in memory',
  who: 'isolith, in a worker',
  unit: 'ms',
  better: 'lower',
  n: SIZE / 2 ** 18,
  targets: [{ most: 0.4, browsers: ['chromium'] }],
  caveat: 'one in each 256 KiB, which come with it',
  async setup(env) {
    env.state.guest = await ours(false).open();
    await (await import('isolith/fs')).sync();
  },
  async run({ state }, n) {
    await evict();
    const start = performance.now();
    const read = await state.guest.stride(n);
    const time = performance.now() - start;
    if (read !== n * 4096) throw new Error(`read ${read} bytes instead of ${n * 4096}`);
    return time / n;
  },
  teardown: ({ state }) => state.guest?.close(),
};

/** The raw platform: what one record costs of whoever keeps a file in records of that size. */
const record = (size) => {
  const ask = (worker, data) =>
    new Promise((resolve, reject) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage(data);
    });
  return {
    ...cold,
    who: `a get of ${size / 1024} KiB from IndexedDB`,
    reference: true,
    targets: undefined,
    caveat: undefined,
    async setup(env) {
      env.state.worker = new Worker(env.workerUrl('idb-get'), { type: 'module' });
      await ask(env.state.worker, { size, count: cold.n });
    },
    async run({ state }, n) {
      const { time, bytes } = await ask(state.worker, { count: n });
      if (bytes !== n * size) throw new Error(`got ${bytes} bytes instead of ${n * size}`);
      return time / n;
    },
    teardown: ({ state }) => state.worker?.terminate(),
  };
};

export default [
  ...measure('fd_read of 4 KiB, cached', 4096, 20_000, [{ than: '@bjorn3', times: 2 }, { most: 2, browsers: ['chromium'] }]),
  ...measure('fd_read of 1 MiB, cached', 2 ** 20, 200, [{ than: '@bjorn3', times: 1 }]),
  cold,
  record(256 * 1024),
  record(64 * 1024),
];
