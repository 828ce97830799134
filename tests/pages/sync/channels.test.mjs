// Channels without room and with codecs of their own, between the page and the tasks of a pool.
import { assertEqual, assertRejects, sleep, test } from '/tests/pages/lib/test.mjs';
import { createPool } from 'isolith';
import { createSharedChannel, select } from 'isolith/sync';

const shared = { shared: true, reason: 'channels need shared memory' };

test('without room the page and workers hand over value by value', async () => {
  const pool = createPool(2);
  const [there, back] = [1, 2].map(() => createSharedChannel({ capacity: 0 }));
  const work = async ({ there, back, blocking }) => {
    for (let n = 0; n < 50; n++) {
      const value = blocking ? there.recvSync({ timeout: 10_000 }) : await there.recv({ timeout: 10_000 });
      if (blocking) back.sendSync({ value, blocking }, { timeout: 10_000 });
      else await back.send({ value, blocking }, { timeout: 10_000 });
    }
  };
  const tasks = [true, false].map((blocking) => pool.run(work, { there, back, blocking }));
  const got = [];
  const receive = (async () => { while (got.length < 100) got.push(await back.recv({ timeout: 10_000 })); })();
  for (let n = 0; n < 100; n++) await there.send(n, { timeout: 10_000 });
  await Promise.all([receive, ...tasks]);
  assertEqual(got.map(({ value }) => value).sort((a, b) => a - b), Array.from({ length: 100 }, (_, n) => n));
  assertEqual(got.filter(({ blocking }) => blocking).length, 50);
  await assertRejects(there.send('nobody comes', { timeout: 20 }), { code: 'ETIMEDOUT' });
  assertEqual(there.tryRecv(), undefined);
  pool.destroy();
}, { ...shared, timeout: 40_000 });

test('without room a select in a worker meets a select of the page', async () => {
  const pool = createPool(1);
  const [a, b, never] = [1, 2, 3].map(() => createSharedChannel({ capacity: 0 }));
  const loop = pool.run(async ({ a, b }) => {
    for (let count = 0; ; count++) {
      const value = await b.recv();
      if (value === 'end') return count;
      await a.send(value + 1);
    }
  }, { a, b });
  for (let n = 0; n < 20; n++) {
    assertEqual(await select([{ recv: a }, { send: b, value: n }], { timeout: 10_000 }), { index: 1 });
    assertEqual(await select([{ recv: a }, { recv: never }], { timeout: 10_000 }), { index: 0, value: n + 1 });
  }
  await b.send('end');
  assertEqual(await loop, 20);
  pool.destroy();
}, { ...shared, timeout: 40_000 });

test('a channel with a codec arrives in a task, which gives its own copy of the codec', async () => {
  const pool = createPool(1);
  const codec = { encode: (point) => Uint8Array.of(point.x, point.y), decode: ([x, y]) => ({ x, y }) };
  const channel = createSharedChannel({ capacity: 2, codec });
  const task = pool.run(async (channel) => {
    const refused = await channel.send({ x: 0, y: 0 }).catch((error) => error.code);
    const own = channel.withCodec({ encode: ([x, y]) => Uint8Array.of(x, y), decode: ([x, y]) => [x, y] });
    const [x, y] = await own.recv();
    await own.send([y, x]);
    return refused;
  }, channel);
  await channel.send({ x: 3, y: 4 });
  assertEqual(await task, 'EINVAL');
  await sleep(0);
  assertEqual(await channel.recv(), { x: 4, y: 3 });
  pool.destroy();
}, { ...shared, timeout: 40_000 });
