// Figures of queues, rings and wake-ups beside ringbuf.js, MessagePort and bare Atomics, in one run.
//
// Each export is `(env) => ({ name, unit, better, run })`; `run()` resolves to one number.
// env = { sync: URL of isolith/sync, ringbuf: URL of ringbuf.js's module, isolith: the module itself }.

/** A worker that runs `fn(data, sync, peer)` once it is told to; resolves to a starter. */
function worker(env, fn, data) {
  const source = `
    import * as sync from ${JSON.stringify(env.sync)};
    ${env.ringbuf ? `import * as ringbuf from ${JSON.stringify(env.ringbuf)};` : 'const ringbuf = undefined;'}
    const fn = ${fn};
    onmessage = async ({ data, ports }) => postMessage({ value: await fn(data, sync, ringbuf, ports) });
    postMessage('ready');`;
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const it = new Worker(url, { type: 'module' });
  const next = () => new Promise((done, failed) => {
    it.onmessage = (event) => done(event.data);
    it.onerror = (event) => failed(new Error(event.message));
  });
  return next().then(() => {
    URL.revokeObjectURL(url);
    return {
      run: (ports = []) => {
        const answer = next().then((message) => message.value);
        it.postMessage(data, ports);
        return answer;
      },
      end: () => it.terminate(),
    };
  });
}

/** Runs all workers at once; items per microsecond, which is millions per second. */
async function rate(items, workers, ports = []) {
  const ready = await Promise.all(workers);
  const from = performance.now();
  await Promise.all(ready.map((it, i) => it.run(ports[i])));
  const ms = performance.now() - from;
  for (const it of ready) it.end();
  return items / ms / 1000;
}

const ROUNDS = { 1: 4e6, 128: 6e7, 1024: 1.5e8 };

// Both contestants nap after 200 vain attempts: on a busy machine a spinning end only keeps the other from running.

function ringPush({ handle, n, block, nap }, sync) {
  const ring = sync.Ring.attach(handle);
  const array = new Float32Array(block);
  for (let i = 0, vain = 0; i < n; ) {
    const pushed = block === 1 ? (ring.pushOne(i) ? 1 : 0) : ring.push(array);
    i += pushed;
    if (pushed > 0) vain = 0;
    else if (++vain % 200 === 0) Atomics.wait(nap, 0, 0, 0.05);
  }
}

function ringPop({ handle, n, block, nap }, sync) {
  const ring = sync.Ring.attach(handle);
  const array = new Float32Array(block);
  for (let i = 0, vain = 0; i < n; ) {
    const popped = block === 1 ? (ring.popOne() === undefined ? 0 : 1) : ring.pop(array);
    i += popped;
    if (popped > 0) vain = 0;
    else if (++vain % 200 === 0) Atomics.wait(nap, 0, 0, 0.05);
  }
}

function peerPush({ buffer, n, block, nap }, _sync, { RingBuffer }) {
  const ring = new RingBuffer(buffer, Float32Array);
  const array = new Float32Array(block);
  for (let i = 0, vain = 0; i < n; ) {
    const pushed = ring.push(array);
    i += pushed;
    if (pushed > 0) vain = 0;
    else if (++vain % 200 === 0) Atomics.wait(nap, 0, 0, 0.05);
  }
}

function peerPop({ buffer, n, block, nap }, _sync, { RingBuffer }) {
  const ring = new RingBuffer(buffer, Float32Array);
  const array = new Float32Array(block);
  for (let i = 0, vain = 0; i < n; ) {
    const popped = ring.pop(array);
    i += popped;
    if (popped > 0) vain = 0;
    else if (++vain % 200 === 0) Atomics.wait(nap, 0, 0, 0.05);
  }
}

const napWord = () => new Int32Array(new SharedArrayBuffer(4));

const spsc = (block) => [
  (env) => ({
    name: `ring, ${block} a call`, unit: 'M/s', better: 'more',
    run() {
      const n = ROUNDS[block];
      const data = { handle: env.isolith.createRing({ capacity: 4096, type: 'f32' }).handle, n, block, nap: napWord() };
      return rate(n, [worker(env, ringPush, data), worker(env, ringPop, data)]);
    },
  }),
  (env) => ({
    name: `ringbuf.js, ${block} a call`, unit: 'M/s', better: 'more',
    async run() {
      const n = ROUNDS[block] / (block === 1 ? 2 : 1);
      const { RingBuffer } = await import(env.ringbuf);
      const data = { buffer: RingBuffer.getStorageForCapacity(4096, Float32Array), n, block, nap: napWord() };
      return rate(n, [worker(env, peerPush, data), worker(env, peerPop, data)]);
    },
  }),
];

function queuePush({ handle, n, value }, sync) {
  const queue = sync.Queue.attach(handle);
  for (let i = 0; i < n; i++) queue.pushWait(value ?? i);
}

function queuePop({ handle, n }, sync) {
  const queue = sync.Queue.attach(handle);
  for (let i = 0; i < n; i++) queue.popWait();
}

const mpmc = (pairs, type, items, value) => (env) => ({
  name: `queue of ${type}, ${pairs}×${pairs}`, unit: 'M/s', better: 'more',
  run() {
    const data = { handle: env.isolith.createQueue({ capacity: 1024, type }).handle, n: items / pairs, value };
    const workers = [];
    for (let i = 0; i < pairs; i++) workers.push(worker(env, queuePush, data), worker(env, queuePop, data));
    return rate(items, workers);
  },
});

function portPush({ n }, _sync, _peer, [port]) {
  for (let i = 0; i < n; i++) port.postMessage(i);
}

function portPop({ n }, _sync, _peer, [port]) {
  return new Promise((done) => {
    let left = n;
    port.onmessage = () => {
      if (--left === 0) done();
    };
  });
}

const ports = (env) => ({
  name: 'MessagePort, 2×2', unit: 'M/s', better: 'more',
  run() {
    const n = 50_000;
    const channels = [new MessageChannel(), new MessageChannel()];
    const workers = channels.flatMap(() => [worker(env, portPush, { n }), worker(env, portPop, { n })]);
    return rate(2 * n, workers, channels.flatMap(({ port1, port2 }) => [[port1], [port2]]));
  },
});

/** Nanoseconds of one call of the loop body in a worker, the best of five. */
const alone = (name, body) => (env) => ({
  name, unit: 'ns', better: 'less',
  async run() {
    const it = await worker(env, body, {});
    const value = await it.run();
    it.end();
    return value;
  },
});

const twoAtomics = alone('two Atomics operations', () => {
  const words = new Int32Array(new SharedArrayBuffer(64));
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const from = performance.now();
    for (let i = 0; i < 3e6; i++) {
      Atomics.compareExchange(words, 0, i, i + 1);
      Atomics.store(words, 8, i);
    }
    best = Math.min(best, (performance.now() - from) / 3);
  }
  return best;
});

const uncontended = alone('push and pop of an i32, uncontended', (_data, sync) => {
  const queue = sync.createQueue({ capacity: 1024, type: 'i32' });
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const from = performance.now();
    for (let i = 0; i < 3e6; i++) {
      queue.push(i);
      queue.pop();
    }
    best = Math.min(best, (performance.now() - from) / 3);
  }
  return best;
});

function echo({ a, b, n }, sync) {
  const [from, to] = [sync.Queue.attach(a), sync.Queue.attach(b)];
  for (let i = 0; i < n; i++) to.pushWait(from.popWait());
}

function ask({ a, b, n }, sync) {
  const [to, from] = [sync.Queue.attach(a), sync.Queue.attach(b)];
  const start = performance.now();
  for (let i = 0; i < n; i++) {
    to.pushWait(i);
    from.popWait();
  }
  return ((performance.now() - start) * 1000) / n / 2;
}

function bareEcho({ words, n }) {
  for (let i = 0; i < n; i++) {
    Atomics.wait(words, 0, i);
    Atomics.store(words, 16, i + 1);
    Atomics.notify(words, 16);
  }
}

function bareAsk({ words, n }) {
  const start = performance.now();
  for (let i = 0; i < n; i++) {
    Atomics.store(words, 0, i + 1);
    Atomics.notify(words, 0);
    Atomics.wait(words, 16, i);
  }
  return ((performance.now() - start) * 1000) / n / 2;
}

const pair = (name, answer, question, data) => (env) => ({
  name, unit: 'µs', better: 'less',
  async run() {
    const shared = data(env);
    const [a, b] = await Promise.all([worker(env, answer, shared), worker(env, question, shared)]);
    const [, value] = await Promise.all([a.run(), b.run()]);
    a.end();
    b.end();
    return value;
  },
});

const WAKES = 20_000;
const wakeQueue = pair('wake-up by queue, worker to worker', echo, ask, (env) => {
  const [a, b] = [1, 2].map(() => env.isolith.createQueue({ capacity: 4, type: 'i32' }).handle);
  return { a, b, n: WAKES };
});
const wakeBare = pair('wake-up by Atomics.wait/notify', bareEcho, bareAsk, () => ({ words: new Int32Array(new SharedArrayBuffer(128)), n: WAKES }));

const PAYLOADS = { 'a number': 12345.5, 'a short string': 'hello world', 'a small object': { id: 7, name: 'task', tags: ['a', 'b'] } };

const codec = Object.entries(PAYLOADS).flatMap(([name, value]) => [
  (env) => ({
    name: `codec there and back, ${name}`, unit: 'ns', better: 'less',
    async run() {
      const { encode, decode } = env.isolith;
      const bytes = new Uint8Array(4096);
      let best = Infinity;
      for (let round = 0; round < 5; round++) {
        const from = performance.now();
        for (let i = 0; i < 2e5; i++) decode(bytes, 0, encode(value, bytes, 0));
        best = Math.min(best, ((performance.now() - from) * 1e6) / 2e5);
      }
      return best;
    },
  }),
  () => ({
    name: `structuredClone, ${name}`, unit: 'ns', better: 'less',
    async run() {
      let best = Infinity;
      for (let round = 0; round < 5; round++) {
        const from = performance.now();
        for (let i = 0; i < 4e4; i++) structuredClone(value);
        best = Math.min(best, ((performance.now() - from) * 1e6) / 4e4);
      }
      return best;
    },
  }),
]);

export const rows = [
  ...spsc(1), ...spsc(128), ...spsc(1024),
  mpmc(1, 'i32', 8e6), mpmc(2, 'i32', 8e6), mpmc(2, 'any', 1e6, { id: 7, name: 'task' }), ports,
  twoAtomics, uncontended, wakeQueue, wakeBare, ...codec,
];
