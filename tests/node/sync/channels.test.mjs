// Channels without room, with codecs of their own, and select among them.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Channel, createSharedChannel, select, setThreadId } from '../../../pkg/dist/sync.js';
import { thread } from './threads.mjs';

setThreadId(1);
const soon = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

test('without room: a send ends when its value was taken, in order', async () => {
  const channel = createSharedChannel({ capacity: 0 });
  assert.deepEqual([channel.capacity, channel.length], [0, 0]);
  const done = [];
  const sends = [1, 2, 3].map((n) => channel.send({ n }).then(() => done.push(n)));
  await soon(30);
  assert.deepEqual(done, []);
  for (const n of [1, 2, 3]) {
    assert.deepEqual(await channel.recv(), { n });
    await soon(5);
    assert.deepEqual(done, [1, 2, 3].slice(0, n));
  }
  await Promise.all(sends);
});

test('without room: what nobody takes is taken back, by timeout, signal and close', async () => {
  for (const type of ['i32', 'any']) {
    const channel = createSharedChannel({ capacity: 0, type });
    await assert.rejects(channel.send(1, { timeout: 10 }), { code: 'ETIMEDOUT' });
    await assert.rejects(channel.send(2, { signal: AbortSignal.timeout(10) }), { name: 'TimeoutError' });
    await assert.rejects(thread((handle, sync) => sync.Channel.attach(handle).sendSync(3, { timeout: 10 }), channel.handle, 2).result, { code: 'ETIMEDOUT' });
    assert.equal(channel.tryRecv(), undefined);
    const standing = [channel.send(4), channel.send(5, { timeout: 10 })];
    await assert.rejects(standing[1], { code: 'ETIMEDOUT' });
    channel.close();
    await assert.rejects(standing[0], { code: 'EPIPE' });
    await assert.rejects(channel.recv(), { code: 'EPIPE' });
    assert.throws(() => channel.trySend(6), { code: 'EPIPE' });
  }
});

test('without room: who only looks gives to a receiver that waits', async () => {
  const channel = createSharedChannel({ capacity: 0 });
  assert.equal(channel.trySend(1), false);
  const waiting = channel.recv();
  assert.equal(channel.trySend(2), true);
  assert.equal(await waiting, 2);
  assert.equal(channel.trySend(3), false);
  await assert.rejects(channel.recv({ timeout: 5 }), { code: 'ETIMEDOUT' });
  assert.equal(channel.trySend(4), false);
});

test('without room: threads that block hand over everything once', async () => {
  const channel = createSharedChannel({ capacity: 0, type: 'i32' });
  const send = ({ handle, from }, sync) => {
    const channel = sync.Channel.attach(handle);
    for (let n = 0; n < 500; n++) channel.sendSync(from * 1000 + n);
  };
  const receive = (handle, sync) => {
    const got = [];
    for (;;) {
      try {
        got.push(sync.Channel.attach(handle).recvSync());
      } catch (error) {
        if (error.code === 'EPIPE') return got;
        throw error;
      }
    }
  };
  const receivers = [2, 3].map((id) => thread(receive, channel.handle, id));
  await Promise.all([4, 5].map((id) => thread(send, { handle: channel.handle, from: id }, id).result));
  channel.close();
  const got = (await Promise.all(receivers.map(({ result }) => result))).flat();
  assert.equal(got.length, 1000);
  assert.equal(new Set(got).size, 1000);
});

test('without room: select on both sides meets', async () => {
  const [a, b] = [1, 2].map(() => createSharedChannel({ capacity: 0 }));
  const taking = select([{ recv: a }, { recv: b }]);
  await soon(10);
  assert.deepEqual(await select([{ send: b, value: 'hand to hand' }], { timeout: 1000 }), { index: 0 });
  assert.deepEqual(await taking, { index: 1, value: 'hand to hand' });
  const giving = select([{ send: a, value: 5 }]);
  await soon(10);
  assert.deepEqual(await select([{ recv: b }, { recv: a }], { timeout: 1000 }), { index: 1, value: 5 });
  assert.deepEqual(await giving, { index: 0 });
  assert.equal(await select([{ recv: a }, { send: b, value: 1 }], { timeout: 10 }), undefined);
  assert.deepEqual([a.trySend(1), b.trySend(1)], [false, false]);
});

test('without room: a killed sender leaves the channel to the others', async () => {
  const channel = createSharedChannel({ capacity: 0 });
  const victim = thread((handle, sync, note) => {
    note('sends');
    sync.Channel.attach(handle).sendSync('of the dead');
  }, channel.handle, 66);
  await victim.noted;
  await soon(50);
  await victim.terminate();
  assert.equal(channel.poison(66), true);
  const next = channel.send('of the living');
  // What the dead had laid down before its end may still be taken: it was sent.
  assert.equal(await channel.recv({ timeout: 5000 }), 'of the dead');
  assert.equal(await channel.recv({ timeout: 5000 }), 'of the living');
  await next;
});

const words = { encode: (text) => new TextEncoder().encode(text.toUpperCase()), decode: (bytes) => new TextDecoder().decode(bytes).split(' ') };

test('codec: values travel as its bytes, on every thread that has it', async () => {
  const channel = createSharedChannel({ capacity: 4, codec: words });
  await channel.send('one two');
  assert.equal(channel.trySend('three'), true);
  assert.deepEqual(await channel.recv(), ['ONE', 'TWO']);
  assert.deepEqual(channel.tryRecv(), { value: ['THREE'] });
  const bare = Channel.attach(channel.handle);
  assert.throws(() => bare.trySend('x'), { code: 'EINVAL' });
  await assert.rejects(bare.send('x'), { code: 'EINVAL' });
  await bare.withCodec(words).send('four');
  assert.deepEqual(await Channel.attach(channel.handle, { codec: words }).recv(), ['FOUR']);
  const answer = thread((handle, sync) => {
    const codec = { encode: (n) => Uint8Array.of(n), decode: (bytes) => bytes.length };
    return sync.Channel.attach(handle).withCodec(codec).recvSync();
  }, channel.handle, 2);
  await channel.send('fünf');
  assert.equal(await answer.result, 5);
  await channel.send('six seven');
  channel.close();
  const rest = [];
  for await (const value of channel) rest.push(value);
  assert.deepEqual(rest, [['SIX', 'SEVEN']]);
});

test('codec: what it throws comes out, what it gives must be bytes, and only coded channels take one', async () => {
  const channel = createSharedChannel({ codec: { encode: () => 'text', decode: () => { throw new RangeError('cannot read it'); } } });
  await assert.rejects(channel.send(1), { name: 'TypeError', message: "a codec's encode gives a Uint8Array, not string" });
  await channel.withCodec({ encode: () => Uint8Array.of(1), decode: () => 0 }).send(1);
  await assert.rejects(channel.recv(), { name: 'RangeError', message: 'cannot read it' });
  assert.throws(() => createSharedChannel().withCodec(words), { code: 'EINVAL' });
});
