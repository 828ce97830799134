// Every pool behind one small face: open(env, size) → { call(task, ...args), close() }; call's tasks are in workers/tasks.mjs.
import coincident from 'coincident/main';
import * as comlink from 'comlink';
import * as multithreading from 'multithreading';
import { ThreadPool as NanoPool } from 'nanothreads';
import { FixedThreadPool } from 'poolifier-web-worker';
import { Pool as ThreadsPool, Worker as ThreadsWorker, spawn } from 'threads';
import workerpool from 'workerpool';
import { flip, trivial, visit } from '../workers/tasks.mjs';

/** Workers made by `make`, used in turn. */
async function roundRobin(size, make, end) {
  const all = [];
  for (let i = 0; i < size; i++) all.push(await make());
  let turn = 0;
  return { next: () => all[turn++ % size], close: () => all.forEach(end) };
}

/** Workers that answer `{ id, value }`, and who waits for the answers. */
function answering(size, url) {
  const waiting = new Map();
  const take = ({ id, value }) => {
    waiting.get(id)(value);
    waiting.delete(id);
  };
  const workers = Array.from({ length: size }, () => {
    const worker = new Worker(url, { type: 'module' });
    worker.onmessage = ({ data }) => (Array.isArray(data) ? data.forEach(take) : take(data));
    return worker;
  });
  let ids = 0;
  const expect = (resolve) => {
    waiting.set(++ids, resolve);
    return ids;
  };
  return { workers, expect, close: () => workers.forEach((worker) => worker.terminate()) };
}

/** Functions for pools that are sent their source: they use nothing but their arguments. */
const SOURCES = { trivial, visit, flip };

let multithreadingSize = 0;

/** Starts multithreading's pool, of which a page has one. */
export function initMultithreading(size) {
  if (!multithreadingSize) multithreading.initRuntime({ maxWorkers: (multithreadingSize = size) });
  if (multithreadingSize !== size) throw new Error('its pool has another size already');
}

export const POOLS = [
  {
    who: 'comlink 4.4.2',
    async open(env, size) {
      const pool = await roundRobin(
        size,
        () => {
          const worker = new Worker(env.workerUrl('comlink'), { type: 'module' });
          return { worker, api: comlink.wrap(worker) };
        },
        ({ worker }) => worker.terminate(),
      );
      return { call: (task, ...args) => pool.next().api[task](...args), close: pool.close };
    },
  },
  {
    who: 'coincident 4.1.1',
    async open(env, size) {
      const { Worker: Coincident } = coincident();
      const make = async () => {
        const worker = new Coincident(env.workerUrl('coincident'));
        await worker.proxy.ready();
        return worker;
      };
      const pool = await roundRobin(size, make, (worker) => worker.terminate());
      return { call: (task, ...args) => pool.next().proxy[task](...args), close: pool.close };
    },
  },
  {
    who: 'poolifier-web-worker 0.5.15',
    caveat: 'its worker needs a global called window',
    async open(env, size) {
      const pool = new FixedThreadPool(size, new URL(env.workerUrl('poolifier')), { workerOptions: { type: 'module' } });
      return { call: (task, ...args) => pool.execute({ task, args }), close: () => pool.destroy() };
    },
  },
  {
    who: 'multithreading 0.3.52',
    caveat: 'one pool per page, of which the first size counts',
    async open(env, size) {
      initMultithreading(size);
      const call = async (task, ...args) => {
        const result = await multithreading.spawn(multithreading.move(...args), SOURCES[task]).join();
        if (!result.ok) throw result.error;
        return result.value;
      };
      return { call, close() {} };
    },
  },
  {
    who: 'nanothreads 0.3.9',
    caveat: 'one function per pool: each of its pools has its own workers',
    async open(_, size) {
      const pools = new Map();
      const poolOf = (task) => {
        if (!pools.has(task)) pools.set(task, new NanoPool({ task: SOURCES[task], count: size }));
        return pools.get(task);
      };
      return { call: (task, ...args) => poolOf(task).exec(...args), close: () => Promise.all([...pools.values()].map((pool) => pool.terminate())) };
    },
  },
  {
    who: 'threads 1.7.0',
    async open(env, size) {
      const pool = ThreadsPool(() => spawn(new ThreadsWorker(env.workerUrl('threads'), { type: 'module', CORSWorkaround: false })), { size });
      const call = (task, ...args) => new Promise((resolve, reject) => void pool.queue((worker) => worker[task](...args)).then(resolve, reject));
      return { call, close: () => pool.terminate(true) };
    },
  },
  {
    who: 'workerpool 10.0.3',
    async open(env, size) {
      const pool = workerpool.pool(env.workerUrl('workerpool'), { minWorkers: size, maxWorkers: size, workerOpts: { type: 'module' } });
      return { call: (task, ...args) => pool.exec(task, args), close: () => pool.terminate(true) };
    },
  },
  {
    who: 'function source per task',
    reference: true,
    caveat: 'hand-made, the way of the forge-runtime document',
    async open(env, size) {
      const { workers, expect, close } = answering(size, env.workerUrl('source'));
      const sources = Object.fromEntries(Object.entries(SOURCES).map(([name, fn]) => [name, `(args) => (${fn})(...args)`]));
      const call = (task, ...args) =>
        new Promise((resolve) => {
          const id = expect(resolve);
          workers[id % size].postMessage({ id, source: sources[task], data: args });
        });
      return { call, close };
    },
  },
  {
    who: 'bare postMessage, all in flight',
    reference: true,
    caveat: 'hand-made',
    async open(env, size) {
      const { workers, expect, close } = answering(size, env.workerUrl('bare'));
      const call = (task, ...args) =>
        new Promise((resolve) => {
          const id = expect(resolve);
          workers[id % size].postMessage({ id, message: { task, args } });
        });
      return { call, close };
    },
  },
  {
    who: 'bare postMessage, batched per microtask',
    reference: true,
    caveat: 'hand-made',
    async open(env, size) {
      const { workers, expect, close } = answering(size, env.workerUrl('bare'));
      const batches = workers.map(() => []);
      const call = (task, ...args) =>
        new Promise((resolve) => {
          const id = expect(resolve);
          const batch = batches[id % size];
          if (batch.push({ id, message: { task, args } }) > 1) return;
          queueMicrotask(() => workers[id % size].postMessage(batch.splice(0)));
        });
      return { call, close };
    },
  },
];
