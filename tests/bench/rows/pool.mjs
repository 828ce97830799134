// Pool rows: latency, bursts, objects and shared memory, us beside every pool that the web has.
import { createPool, createPoolWasm, memory, createHeap } from 'isolith';
import { POOLS } from '../peers/pools.mjs';
import { flip, tenKilobytes, trivial, visit } from '../workers/tasks.mjs';

const BURST = 10_000;
const OBJECTS = 1_000;
const SHARED = 64 * 1024 * 1024;

/** Our pool behind the face of the others. */
const ours = {
  who: 'isolith',
  async open(_, size) {
    const pool = createPool(size);
    const functions = { trivial, visit };
    return { call: (task, data) => pool.run(functions[task], data), close: () => pool.destroy() };
  },
};

/**
 * What `flip` does, on our heap: the task gets the block instead of a buffer. As there, the range
 * is not taken apart in the parameters: WebKit runs a loop behind such a parameter six times slower.
 */
const flipHere = ({ ptr, HEAP }, range) => {
  const { from, to } = range;
  const words = new Int32Array(HEAP.buffer, ptr, to);
  for (let at = from; at < to; at++) {
    // Enough arithmetic per word that it is the cores that are measured, not the memory they share; all of it in
    // 32-bit integers, so that engines do not compile it anew when the words get larger.
    let word = words[at];
    for (let turn = 0; turn < 3; turn++) word = (Math.imul(word ^ (word >>> 15), 0x2c1b3c6d) + turn) | 0;
    words[at] = word;
  }
  return to - from;
};

const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Opens a pool in `env.state`, with one answer from each task to prove that it works. */
const opening = (pool) => ({
  async setup(env) {
    env.state.pool = await pool.open(env, env.workers);
    if ((await env.state.pool.call('trivial', 1)) !== 2) throw new Error('wrong answer');
  },
  teardown: (env) => env.state.pool?.close(),
});

function row(pool, name, run, more = {}) {
  const { who, reference, caveat } = pool;
  return { group: 'pool', name, who, unit: 'ms', better: 'lower', reference, caveat, ...opening(pool), run, ...more };
}

/** One task at a time, the worker still warm from the last. */
async function hot({ state }, n) {
  const start = performance.now();
  for (let i = 0; i < n; i++) if ((await state.pool.call('trivial', i)) !== i + 1) throw new Error('wrong answer');
  return (performance.now() - start) / n;
}

/** One task at a time, with a pause before each that puts the worker to sleep. */
async function asleep({ state }, n) {
  let spent = 0;
  for (let i = 0; i < n; i++) {
    await sleep(4);
    const start = performance.now();
    if ((await state.pool.call('trivial', i)) !== i + 1) throw new Error('wrong answer');
    spent += performance.now() - start;
  }
  return spent / n;
}

function sumOf(answers) {
  let sum = 0;
  for (const answer of answers) sum += answer;
  return sum;
}

/** All at once; `submitting` answers with the page's time until the last was handed over. */
const burst = (submitting) => async ({ state }, n) => {
  const start = performance.now();
  const answers = new Array(n);
  for (let i = 0; i < n; i++) answers[i] = state.pool.call('trivial', i);
  const submitted = performance.now();
  if (sumOf(await Promise.all(answers)) !== (n * (n + 1)) / 2) throw new Error('wrong answer');
  return (submitting ? submitted : performance.now()) - start;
};

async function objects({ state }, n) {
  state.objects ??= Array.from({ length: n }, (_, i) => tenKilobytes(i));
  state.sum ??= sumOf(state.objects.map(visit));
  const start = performance.now();
  const answers = await Promise.all(state.objects.map((object) => state.pool.call('visit', object)));
  const spent = performance.now() - start;
  if (sumOf(answers) !== state.sum) throw new Error('wrong answer');
  return spent;
}

async function shared({ state, workers }) {
  state.buffer ??= new SharedArrayBuffer(SHARED);
  const words = SHARED / 4;
  const parts = Array.from({ length: workers }, (_, i) => [Math.floor((i * words) / workers), Math.floor(((i + 1) * words) / workers)]);
  const start = performance.now();
  const answers = await Promise.all(parts.map(([from, to]) => state.pool.call('flip', state.buffer, from, to)));
  const spent = performance.now() - start;
  if (sumOf(answers) !== words) throw new Error('wrong answer');
  return spent;
}

/** Our own row for shared memory: a block of the heap and `runHeap`, on `size(env)` workers. */
const sharedHere = (who, size, more) => ({
  group: 'pool',
  name: '64 MiB shared, in place',
  who,
  unit: 'ms',
  better: 'lower',
  async setup(env) {
    env.state.heap = await createHeap();
    env.state.block = env.state.heap.alloc(SHARED);
    env.state.pool = await createPoolWasm(memory, size(env));
  },
  async run({ state, ...env }) {
    const words = SHARED / 4;
    const count = size(env);
    const parts = Array.from({ length: count }, (_, i) => ({ from: Math.floor((i * words) / count), to: Math.floor(((i + 1) * words) / count) }));
    const start = performance.now();
    const answers = await Promise.all(parts.map((part) => state.pool.runHeap(flipHere, state.block, part)));
    const spent = performance.now() - start;
    if (sumOf(answers) !== words) throw new Error('wrong answer');
    return spent;
  },
  teardown({ state }) {
    state.pool?.destroy();
    if (state.block) state.heap.free(state.block);
  },
  ...more,
});

/** From nothing to the first answer of one worker. */
const coldStart = [
  {
    group: 'pool',
    name: 'cold start of a worker',
    who: 'isolith',
    unit: 'ms',
    better: 'lower',
    async run() {
      const start = performance.now();
      const pool = createPool(1);
      if ((await pool.run(trivial, 1)) !== 2) throw new Error('wrong answer');
      const spent = performance.now() - start;
      pool.destroy();
      return spent;
    },
    targets: [{ than: 'bare worker', times: 1 / 1.3 }],
  },
  {
    group: 'pool',
    name: 'cold start of a worker',
    who: 'bare worker',
    unit: 'ms',
    better: 'lower',
    reference: true,
    async run(env) {
      const start = performance.now();
      const worker = new Worker(env.workerUrl('bare'), { type: 'module' });
      const answer = new Promise((done) => (worker.onmessage = done));
      worker.postMessage({ id: 1, message: { task: 'trivial', args: [1] } });
      await answer;
      const spent = performance.now() - start;
      worker.terminate();
      return spent;
    },
  },
];

const target = (...targets) => ({ targets });
const all = (name, run, n, forUs) => [
  row(ours, name, run, { n, ...forUs }),
  ...POOLS.map((pool) => row(pool, name, run, { n })),
];

export default [
  ...all('one task, worker asleep', asleep, 20, target({ than: 'best peer', times: 1 })),
  ...all('one task, worker hot', hot, 200, target({ than: 'best peer', times: { chromium: 4, firefox: 1, webkit: 1 } })),
  ...all('10,000 trivial tasks', burst(false), BURST, target({ than: 'best peer', times: { chromium: 12, firefox: 5, webkit: 8 } })),
  ...all('submitting 10,000 tasks (page time)', burst(true), BURST, target({ most: 10, browsers: ['chromium'] })),
  ...all('1,000 tasks with a 10 KiB object', objects, OBJECTS, target({ than: 'best peer', times: { chromium: 1, firefox: 1.5, webkit: 2 } })),
  sharedHere('isolith', ({ workers }) => workers, target({ than: '1 worker of isolith', times: 1.7 })),
  sharedHere('1 worker of isolith', () => 1, { reference: true }),
  ...POOLS.map((pool) => row(pool, '64 MiB shared, in place', shared)),
  {
    group: 'pool',
    name: '64 MiB shared, in place',
    who: 'the page itself',
    unit: 'ms',
    better: 'lower',
    reference: true,
    run({ state }) {
      state.buffer ??= new SharedArrayBuffer(SHARED);
      const start = performance.now();
      flip(state.buffer, 0, SHARED / 4);
      return performance.now() - start;
    },
  },
  ...coldStart,
];
