// Guests: what a call costs in a worker and here, what fuel costs, how soon a runaway stops, how fast a second start is.
import * as comlink from 'comlink';
import { createPool } from 'isolith';
import { compile, dropModule, instantiate } from 'isolith/wasm';
import { trivial } from '../workers/tasks.mjs';

const bytesOf = async (name) => new Uint8Array(await (await fetch(new URL(`./${name}.wasm`, location.href))).arrayBuffer());

const group = 'wasm';

/** Opens an instance in `env.state`. */
const guest = (config) => ({
  async setup({ state }) {
    state.id = await compile(await bytesOf('interpreter'));
    state.instance = await instantiate(state.id, config);
    if ((await state.instance.call('add', 40, 2))[0] !== 42) throw new Error('wrong answer');
  },
  async teardown({ state }) {
    await state.instance?.drop();
  },
});

/** The module here, without us. */
const bare = {
  async setup({ state }) {
    state.exports = (await WebAssembly.instantiate(await bytesOf('interpreter'))).instance.exports;
  },
};

const wrong = () => {
  throw new Error('wrong answer');
};

/** One call at a time, each awaited; in ms. */
const oneByOne = (call) => async (env, n) => {
  const start = performance.now();
  for (let i = 0; i < n; i++) if ((await call(env, i)) !== i + 1) wrong();
  return (performance.now() - start) / n;
};

const hot = { group, name: 'call of a trivial export, hot', unit: 'ms', better: 'lower', n: 200 };
const inWorker = [
  {
    ...hot,
    who: 'isolith',
    ...guest({}),
    run: oneByOne(async ({ state }, i) => (await state.instance.call('add', i, 1))[0]),
    targets: [{ than: 'isolith pool', times: 1 / 1.2 }],
  },
  {
    ...hot,
    who: 'isolith pool, one task',
    reference: true,
    setup: ({ state }) => void (state.pool = createPool(1)),
    run: oneByOne(({ state }, i) => state.pool.run(trivial, i)),
    teardown: ({ state }) => state.pool?.destroy(),
  },
  {
    ...hot,
    who: 'comlink 4.4.2',
    async setup(env) {
      env.state.worker = new Worker(env.workerUrl('guest-comlink'), { type: 'module' });
      env.state.api = comlink.wrap(env.state.worker);
      await env.state.api.load(await bytesOf('interpreter'));
    },
    run: oneByOne(({ state }, i) => state.api.call('add', i, 1)),
    teardown: ({ state }) => state.worker?.terminate(),
  },
];

/** Many calls here; in ns each. */
const sync = (call) => (env, n) => {
  const start = performance.now();
  let sum = 0;
  for (let i = 0; i < n; i++) sum = (sum + call(env, i)) | 0;
  if (sum === 1) wrong();
  return ((performance.now() - start) * 1e6) / n;
};

const awaited = (call) => async (env, n) => {
  const start = performance.now();
  let sum = 0;
  for (let i = 0; i < n; i++) sum = (sum + (await call(env, i))) | 0;
  if (sum === 1) wrong();
  return ((performance.now() - start) * 1e6) / n;
};

const here = [
  {
    group, name: 'call here, at once', unit: 'ns', better: 'lower', n: 200_000, who: 'isolith callSync',
    ...guest({ inline: true }),
    run: sync(({ state }, i) => state.instance.callSync('add', i, 1)[0]),
    targets: [{ than: 'the export itself', times: 1 / 3 }],
  },
  {
    group, name: 'call here, at once', unit: 'ns', better: 'lower', n: 200_000, who: 'the export itself', reference: true,
    ...bare,
    run: sync(({ state }, i) => state.exports.add(i, 1)),
  },
  {
    group, name: 'call here, awaited', unit: 'ns', better: 'lower', n: 50_000, who: 'isolith call',
    ...guest({ inline: true }),
    run: awaited(async ({ state }, i) => (await state.instance.call('add', i, 1))[0]),
    targets: [{ than: 'the export itself', times: 1 / 3 }],
  },
  {
    group, name: 'call here, awaited', unit: 'ns', better: 'lower', n: 50_000, who: 'the export itself', reference: true,
    ...bare,
    async setup(env) {
      await bare.setup(env);
      const { add } = env.state.exports;
      env.state.call = async (a, b) => [add(a, b)];
    },
    run: awaited(async ({ state }, i) => (await state.call(i, 1))[0]),
  },
];

const ROUNDS = 100_000;
const interprets = (who, config, more) => ({
  group, name: 'an interpreter, metered', unit: 'ms', better: 'lower', who,
  ...guest({ inline: true, ...config }),
  run({ state }) {
    const start = performance.now();
    const [sum] = state.instance.callSync('run', ROUNDS);
    const spent = performance.now() - start;
    if (sum !== (state.sum ??= sum)) wrong();
    return spent;
  },
  ...more,
});
const PLENTY = 2n ** 60n;
const fuel = [
  interprets('isolith, coarse', { fuel: PLENTY }, { targets: [{ than: 'without fuel', times: 1 / 1.15 }] }),
  interprets('isolith, exact', { fuel: PLENTY, meter: 'exact' }, { targets: [{ than: 'without fuel', times: 1 / 1.4 }] }),
  interprets('without fuel', {}, { reference: true }),
];

const TIMEOUT = 50;
const runaway = {
  group, name: 'a runaway guest, after its deadline', unit: 'ms', better: 'lower', who: 'isolith',
  async setup({ state }) {
    state.id = await compile(await bytesOf('interpreter'));
  },
  async run({ state }) {
    const instance = await instantiate(state.id, { timeout: TIMEOUT });
    await instance.call('add', 1, 1);
    const start = performance.now();
    await instance.call('run', 2 ** 31 - 1).then(wrong, (error) => {
      if (error.code !== 5002) throw error;
    });
    return performance.now() - start - TIMEOUT;
  },
  targets: [{ most: 50 }],
};

/** A module of about 5 MB: 20,000 functions that differ from each other, and `add`. */
function large(seed) {
  const leb = (n) => {
    const bytes = [];
    for (; n > 127; n >>>= 7) bytes.push((n & 127) | 128);
    return [...bytes, n];
  };
  const count = 20_000;
  const section = (id, body) => [new Uint8Array([id, ...leb(body.reduce((sum, { length }) => sum + length, 0))]), ...body];
  const part = (...bytes) => new Uint8Array(bytes);
  const bodies = Array.from({ length: count }, (_, f) => {
    const code = [0];
    for (let i = 0; i < 30; i++) code.push(0x20, 0, 0x41, ...leb(((f * 31 + i * 7 + seed) & 0xfffff) + 0x100000).slice(0, 3).map((b, at) => (at === 2 ? b & 0x3f : b)), 0x6a, 0x21, 0);
    code.push(0x20, 0, 0x20, 1, 0x6a, 0x0b);
    return new Uint8Array([...leb(code.length), ...code]);
  });
  const parts = [
    part(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
    ...section(1, [part(1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f)]),
    ...section(3, [part(...leb(count)), new Uint8Array(count)]),
    ...section(7, [part(1, 3, 0x61, 0x64, 0x64, 0, 0)]),
    ...section(10, [part(...leb(count)), ...bodies]),
  ];
  return new Blob(parts).arrayBuffer();
}

async function begin(bytes) {
  const start = performance.now();
  const id = await compile(bytes);
  const instance = await instantiate(id);
  await instance.call('add', 1, 1);
  const spent = performance.now() - start;
  await instance.drop();
  return { spent, id };
}

const starts = [
  {
    group, name: 'start of a 5 MB guest', unit: 'ms', better: 'lower', who: 'isolith, second time', deadline: 60_000,
    async setup({ state }) {
      state.bytes = await large(1);
      state.id = (await begin(state.bytes)).id;
    },
    async run({ state }) {
      const { spent, id } = await begin(state.bytes);
      await dropModule(id);
      return spent;
    },
    targets: [{ than: 'isolith, first time', times: 3 }],
  },
  {
    group, name: 'start of a 5 MB guest', unit: 'ms', better: 'lower', who: 'isolith, first time', reference: true, deadline: 60_000,
    setup: ({ state }) => void (state.seed = 1000),
    async run({ state }) {
      const { spent, id } = await begin(await large((state.seed += 13)));
      await dropModule(id);
      return spent;
    },
  },
];

export default [...inWorker, ...here, ...fuel, runaway, ...starts];
