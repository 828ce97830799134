// Sync rows: rings, queues, channels and wake-ups beside ringbuf.js, ports, multithreading and bare Atomics.
import { createQueue, createRing, decode, encode } from 'isolith/sync';
import * as multithreading from 'multithreading';
import { RingBuffer } from 'ringbuf.js';
import { initMultithreading } from '../peers/pools.mjs';

const CAPACITY = 1024;
const RING = 4096;

/** A worker in one of the roles of `workers/sync.mjs`; `tell(n)` resolves to what its work answers. */
async function player(env, role, data, port) {
  const worker = new Worker(env.workerUrl('sync'), { type: 'module' });
  const answer = () =>
    new Promise((done, failed) => {
      worker.onmessage = ({ data: { value, error } }) => (error === undefined ? done(value) : failed(new Error(error)));
      worker.onerror = ({ message }) => failed(new Error(message));
    });
  const ready = answer();
  worker.postMessage({ role, sync: import.meta.resolve('isolith/sync'), data }, port ? [port] : []);
  await ready;
  return {
    tell(n) {
      const answered = answer();
      worker.postMessage({ n });
      return answered;
    },
    end: () => worker.terminate(),
  };
}

/** `cast(env)` names the roles: `[role, data, port?]`, each a worker that lives as long as the contestant. */
const playing = (cast) => ({
  async setup(env) {
    env.state.players = await Promise.all(cast(env).map(([role, data, port]) => player(env, role, data, port)));
  },
  teardown({ state }) {
    for (const one of state.players ?? []) one.end();
  },
});

/** Million items per second when each worker moves its part of `n`; `check(answers, part)` throws if some went astray. */
const flow = (check) => async ({ state: { players } }, n) => {
  const part = n / (players.length / 2);
  const start = performance.now();
  const answers = await Promise.all(players.map((one) => one.tell(part)));
  const spent = performance.now() - start;
  check(answers, part);
  return n / spent / 1000;
};

function sums(answers, part) {
  const sum = answers.reduce((all, one) => all + (one ?? 0), 0);
  if (sum !== (answers.length / 2) * ((part * (part - 1)) / 2)) throw new Error('wrong answer');
}

const floats = (answers, n) => {
  if (answers[1] !== ((n / 1024) * 1023 * 1024) / 2) throw new Error('wrong answer');
};
const blocks = (block) => (answers, n) => {
  if (answers[1] !== n - block) throw new Error('wrong answer');
};

const row = (name, who, unit, more) => ({ group: 'sync', name, who, unit, better: unit === 'M/s' ? 'higher' : 'lower', ...more });

const ringRows = [1, 128, 1024].flatMap((block) => {
  const name = block === 1 ? 'ring, one float a call' : `ring, floats by ${block}`;
  const one = block === 1 ? 'One' : '';
  const check = block === 1 ? floats : blocks(block);
  const n = { 1: 1 << 20, 128: 1 << 23, 1024: 1 << 24 }[block];
  return [
    row(name, 'isolith', 'M/s', {
      n, run: flow(check), targets: [{ than: 'ringbuf.js', times: block === 1 ? 2 : 1 }],
      ...playing(() => {
        const { handle } = createRing({ capacity: RING, type: 'f32' });
        return [[`ringPush${one}`, { handle, block }], [`ringPop${one}`, { handle, block }]];
      }),
    }),
    row(name, 'ringbuf.js 0.4.0', 'M/s', {
      n, run: flow(check),
      ...playing(() => {
        const buffer = RingBuffer.getStorageForCapacity(RING, Float32Array);
        return [[`peerPush${one}`, { buffer, block }], [`peerPop${one}`, { buffer, block }]];
      }),
    }),
  ];
});

/** As many producers as consumers, all on one queue. */
const pairs = (count, push, pop, data) => Array.from({ length: 2 * count }, (_, i) => [i % 2 === 0 ? push : pop, data]);
/** A port of its own for each producer and its consumer. */
const ports = (count, push, pop) =>
  Array.from({ length: count }, () => new MessageChannel()).flatMap(({ port1, port2 }) => [[push, undefined, port1], [pop, undefined, port2]]);

/** Vyukov's layout: two positions on lines of their own, then a sequence and a value per slot. */
function vyukovBuffer() {
  const buffer = new SharedArrayBuffer(4 * (64 + 2 * CAPACITY));
  const words = new Int32Array(buffer);
  for (let i = 0; i < CAPACITY; i++) words[64 + 2 * i] = i;
  return buffer;
}

/** Its own channel between two tasks of its own pool; items are numbers or objects. */
const multithreadingRow = (name, objects) =>
  row(name, 'multithreading 0.3.52', 'M/s', {
    n: 2e4,
    setup: ({ workers }) => initMultithreading(workers),
    async run(_, n) {
      const [tx, rx] = multithreading.channel(64);
      const start = performance.now();
      const sender = multithreading.spawn(multithreading.move(tx, n, objects), (sender, n, objects) => {
        for (let id = 0; id < n; id++) sender.blockingSend(objects ? { id, name: 'task' } : id);
      });
      const receiver = multithreading.spawn(multithreading.move(rx, n, objects), (receiver, n, objects) => {
        let sum = 0;
        for (let i = 0; i < n; i++) {
          const { value } = receiver.blockingRecv();
          sum += objects ? value.id : value;
        }
        return sum;
      });
      const { ok, value, error } = await receiver.join();
      if (!ok) throw error;
      await sender.join();
      const spent = performance.now() - start;
      if (value !== (n * (n - 1)) / 2) throw new Error(`wrong answer: the sum of ${n} items is ${value}`);
      return n / spent / 1000;
    },
  });

const queueRows = [1, 2].flatMap((count) => {
  const name = `queue of i32, ${count} × ${count}`;
  const targets = [
    { least: count === 1 ? 15 : 8 },
    ...(count === 2 ? [{ than: 'ports', times: 3 }] : []),
  ];
  return [
    row(name, 'isolith', 'M/s', {
      n: 1e6, run: flow(sums), targets,
      ...playing(() => pairs(count, 'queuePush', 'queuePop', { handle: createQueue({ capacity: CAPACITY, type: 'i32' }).handle })),
    }),
    row(name, 'ports, a message an item', 'M/s', {
      n: 4e4, run: flow(sums), ...playing(() => ports(count, 'portPush', 'portPop')),
    }),
    ...(count === 1 ? [multithreadingRow(name, false)] : []),
    row(name, 'Vyukov in JavaScript', 'M/s', {
      n: 1e6, run: flow(sums), reference: true, caveat: 'hand-made: spins, cannot close, a killed thread wedges it',
      ...playing(() => pairs(count, 'vyukovPush', 'vyukovPop', { buffer: vyukovBuffer(), size: CAPACITY })),
    }),
  ];
});

const objectRows = [
  row('channel of small objects, 2 × 2', 'isolith', 'M/s', {
    n: 1e5, run: flow(sums), targets: [{ than: 'ports', times: 3 }],
    ...playing(() => pairs(2, 'queuePushObjects', 'queuePopObjects', { handle: createQueue({ capacity: CAPACITY }).handle })),
  }),
  row('channel of small objects, 2 × 2', 'ports, a message an item', 'M/s', {
    n: 4e4, run: flow(sums), ...playing(() => ports(2, 'portPushObjects', 'portPopObjects')),
  }),
  row('channel of small objects, 1 × 1', 'isolith', 'M/s', {
    n: 1e5, run: flow(sums), targets: [{ than: 'best peer', times: 1 }],
    ...playing(() => pairs(1, 'queuePushObjects', 'queuePopObjects', { handle: createQueue({ capacity: CAPACITY }).handle })),
  }),
  row('channel of small objects, 1 × 1', 'ports, a message an item', 'M/s', {
    n: 4e4, run: flow(sums), ...playing(() => ports(1, 'portPushObjects', 'portPopObjects')),
  }),
  multithreadingRow('channel of small objects, 1 × 1', true),
];

/** A row whose second worker, or only one, answers with the figure itself. */
const told = (name, who, unit, n, cast, more) => row(name, who, unit, {
  n, ...playing(cast), ...more,
  run: async ({ state: { players } }, n) => (await Promise.all(players.map((one) => one.tell(n)))).at(-1),
});

const ALONE = 'an item in and out, uncontended';
const LOCK = 'a lock taken and given back, uncontended';
const HOT = 'wake-up, worker to worker, back and forth';
const COLD = 'wake-up, worker to worker, asleep for 1 ms';
const queuePair = () => {
  const [there, back] = [1, 2].map(() => createQueue({ capacity: 4, type: 'i32' }).handle);
  return { there, back };
};
const bareWords = (slice) => () => ({ words: new Int32Array(new SharedArrayBuffer(512)), slice });
const SLICED = 'the same, in slices of a second';
const sliced = { reference: true, caveat: 'as who must not sleep for ever if the other side is killed' };
const asked = (echo, ask, data) => () => {
  const shared = data();
  return [[echo, shared], [ask, shared]];
};

const wakeRows = [
  told(ALONE, 'isolith, queue of i32', 'ns', 3e5, () => [['queueAlone']], { targets: [{ than: 'two Atomics operations', times: 1 / 3 }] }),
  told(ALONE, 'two Atomics operations', 'ns', 3e5, () => [['atomicsAlone']], { reference: true }),
  told(LOCK, 'isolith, Mutex', 'ns', 3e5, () => [['mutexAlone']], {}),
  told(LOCK, 'two Atomics operations', 'ns', 3e5, () => [['atomicsAlone']], { reference: true }),
  told(HOT, 'isolith, queues of i32', 'µs', 2e3, asked('queueEcho', 'queueAsk', queuePair), { targets: [{ than: 'Atomics.wait', times: 1 / 1.3 }] }),
  told(HOT, 'Atomics.wait and notify alone', 'µs', 2e3, asked('bareEcho', 'bareAsk', bareWords(Infinity)), { reference: true }),
  told(HOT, SLICED, 'µs', 2e3, asked('bareEcho', 'bareAsk', bareWords(1000)), sliced),
  told(COLD, 'isolith, queues of i32', 'µs', 50, asked('queueEcho', 'queueSleepyAsk', queuePair), { targets: [{ than: 'Atomics.wait', times: 1 / 1.3 }] }),
  told(COLD, 'Atomics.wait and notify alone', 'µs', 50, asked('bareEcho', 'bareSleepyAsk', bareWords(Infinity)), { reference: true }),
  told(COLD, SLICED, 'µs', 50, asked('bareEcho', 'bareSleepyAsk', bareWords(1000)), sliced),
];

const PAYLOADS = { 'a number': 12345.5, 'a short string': 'hello world', 'a small object': { id: 7, name: 'task', tags: ['a', 'b'] } };
const bytes = new Uint8Array(4096);

/** Nanoseconds a turn of `body`. */
const timed = (body) => (_, n) => {
  const start = performance.now();
  for (let i = 0; i < n; i++) body();
  return ((performance.now() - start) * 1e6) / n;
};

const codecRows = Object.entries(PAYLOADS).flatMap(([what, value]) => [
  row(`codec there and back, ${what}`, 'isolith', 'ns', {
    n: 5e4, run: timed(() => decode(bytes, 0, encode(value, bytes, 0))), targets: [{ than: 'structuredClone', times: 1 }],
  }),
  row(`codec there and back, ${what}`, 'structuredClone', 'ns', { n: 1e4, run: timed(() => structuredClone(value)) }),
]);

export default [...ringRows, ...queueRows, ...objectRows, ...wakeRows, ...codecRows];
