// Queues, locks and channels in task data: they arrive as live objects, at any depth, and the dead let go.
import { assertEqual, test, until } from '/tests/pages/lib/test.mjs';
import { createPool, createQueue } from 'isolith';
import { createSharedChannel, Mutex } from 'isolith/sync';

const shared = { shared: true, reason: 'these live in shared memory' };

test('a queue in task data is the queue of the page, at any depth', async () => {
  const pool = createPool(2);
  const queue = createQueue({ capacity: 64 });
  await Promise.all([1, 2].map((n) => pool.run(({ deep: [{ queue }], n }) => { for (let at = 0; at < 10; at++) queue.push(n * 100 + at); }, { deep: [{ queue }], n })));
  const seen = [];
  for (let value; (value = queue.pop()) !== undefined; ) seen.push(value);
  assertEqual(seen.length, 20);
  for (const n of [1, 2]) assertEqual(seen.filter((value) => Math.floor(value / 100) === n), Array.from({ length: 10 }, (_, at) => n * 100 + at));
  pool.destroy();
}, shared);

test('a worker blocks on a queue until the page pushes', async () => {
  const pool = createPool(1);
  const queue = createQueue({ capacity: 4 });
  const popped = pool.run((queue) => [queue.popWait({ timeout: 10_000 }), queue.popWait({ timeout: 10_000 })], queue);
  await new Promise((resolve) => setTimeout(resolve, 50));
  queue.push('first');
  await queue.pushAsync({ second: true });
  assertEqual(await popped, ['first', { second: true }]);
  pool.destroy();
}, shared);

test('channels in maps and sets arrive alive, and plain data beside them is untouched', async () => {
  const pool = createPool(1);
  const channel = createSharedChannel({ capacity: 8 });
  const sum = pool.run(async (data) => {
    const channel = data.get('channel');
    let sum = data.get('start');
    for await (const value of channel) sum += value;
    return sum;
  }, new Map([['channel', channel], ['start', 100]]));
  for (const value of [1, 2, 3]) await channel.send(value);
  channel.close();
  assertEqual(await sum, 106);
  pool.destroy();
}, shared);

test('in a cycle, twice, as a key: the shape of the data stays, with the live objects in it', async () => {
  const pool = createPool(1);
  const queue = createQueue({ capacity: 4 });
  const node = { name: 'first', list: [1, , queue], keys: new Map([[queue, 'a queue']]) };
  node.next = { back: node, queue };
  node.self = node;
  node.list.push(node.list);
  node.set = new Set([node, queue]);
  Object.defineProperty(node, '__proto__', { value: 5, enumerable: true, configurable: true, writable: true });
  const seen = await pool.run((node) => {
    const { next, list, keys, set } = node;
    next.queue.push('through the cycle');
    return [
      next.back === node, node.self === node, list[2] === next.queue, list[3] === list, 1 in list, list.length,
      keys.get(next.queue), set.has(node), set.has(next.queue), Object.hasOwn(node, '__proto__'), next.back.next.back.name,
    ];
  }, node);
  assertEqual(seen, [true, true, true, true, false, 4, 'a queue', true, true, true, 'first']);
  assertEqual(queue.pop(), 'through the cycle');
  assertEqual([node.list[2] === queue, node.next.queue === queue], [true, true], 'the data of the caller changed');
  pool.destroy();
}, shared);

test('a mutex whose holder was killed goes to the next, who is told', async () => {
  const pool = createPool(1);
  const mutex = new Mutex();
  const control = new AbortController();
  const holds = pool.run((mutex) => { mutex.lockSync(); for (;;); }, mutex, { signal: control.signal });
  await until(() => mutex.holder !== 0, { what: 'the worker to have it', timeout: 15_000 });
  control.abort();
  await holds.catch(() => {});
  const told = await mutex.lock({ timeout: 15_000 }).then(() => 'nothing', (error) => error.code);
  assertEqual(told, 'EOWNERDEAD');
  pool.destroy();
}, { ...shared, timeout: 40_000 });
