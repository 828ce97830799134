// Rings, channels, select, broadcast and pipes between threads.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Broadcast, broadcast, Channel, createPipe, createRing, createSharedChannel, Pipe, Ring, select, setThreadId } from '../../../pkg/dist/sync.js';
import { thread } from './threads.mjs';

setThreadId(1);
const soon = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

for (const type of ['i8', 'u8', 'i16', 'u16', 'i32', 'u32', 'f32', 'f64']) {
  test(`ring of ${type}: exact capacity, parts, views, at every offset`, () => {
    for (const capacity of [1, 3, 8]) {
      const ring = createRing({ capacity, type });
      let next = 0;
      for (let round = 0; round < 5 * capacity; round++) {
        const items = Array.from({ length: capacity + 2 }, () => next++ % 100);
        assert.equal(ring.push(items), capacity);
        next -= 2;
        assert.equal(ring.pushOne(1), false);
        assert.deepEqual([ring.availableRead, ring.availableWrite], [capacity, 0]);
        const [a, b] = ring.peek();
        assert.deepEqual([...a, ...b], items.slice(0, capacity));
        const into = new Float64Array(capacity + 2);
        assert.equal(ring.pop(into, 1), capacity);
        assert.deepEqual([...into.subarray(1, capacity + 1)], items.slice(0, capacity));
        assert.equal(ring.popOne(), undefined);
        const [c, d] = ring.reserve(1);
        assert.equal(c.length + d.length, 1);
        c[0] = 42;
        ring.commitWrite(1);
        assert.throws(() => ring.commitRead(2), RangeError);
        assert.equal(ring.popOne(), 42);
        assert.throws(() => ring.commitWrite(capacity + 1), RangeError);
      }
    }
  });
}

test('ring: a million elements between threads, one at a time and in blocks, in order', async () => {
  const ring = createRing({ capacity: 1000, type: 'f64' });
  const producer = thread((handle, sync) => {
    const ring = sync.Ring.attach(handle);
    const block = new Float64Array(128);
    for (let n = 0; n < 500_000; ) if (ring.pushOne(n)) n++;
    for (let n = 500_000; n < 1_000_000; ) {
      const count = Math.min(128, 1_000_000 - n);
      for (let i = 0; i < count; i++) block[i] = n + i;
      n += ring.push(block, 0, count);
    }
  }, ring.handle, 2);
  const consumer = thread((handle, sync) => {
    const ring = sync.Ring.attach(handle);
    const block = new Float64Array(300);
    for (let n = 0; n < 1_000_000; ) {
      if (n % 2 === 0) {
        const value = ring.popOne();
        if (value === undefined) continue;
        if (value !== n++) throw new Error(`${value} instead of ${n - 1}`);
      } else {
        const count = ring.pop(block);
        for (let i = 0; i < count; i++) if (block[i] !== n++) throw new Error(`${block[i]} instead of ${n - 1}`);
      }
    }
    return 'all';
  }, ring.handle, 3);
  await producer.result;
  assert.equal(await consumer.result, 'all');
  assert.ok(Ring.attach(ring.handle).availableRead === 0);
});

test('channel: many senders and receivers, blocking and not; close ends all', async () => {
  const channel = createSharedChannel({ capacity: 4 });
  const send = ({ handle, from }, sync) => {
    const channel = sync.Channel.attach(handle);
    for (let n = 0; n < 2000; n++) channel.sendSync({ from, n });
  };
  const receive = async (handle, sync) => {
    const got = [];
    for await (const value of sync.Channel.attach(handle)) got.push(value);
    return got;
  };
  const receivers = [2, 3].map((id) => thread(receive, channel.handle, id));
  await Promise.all([4, 5].map((id) => thread(send, { handle: channel.handle, from: id }, id).result));
  await channel.send({ from: 1, n: 0 });
  channel.close();
  const got = (await Promise.all(receivers.map((it) => it.result))).flat();
  assert.equal(got.length, 4001);
  assert.equal(new Set(got.map(({ from, n }) => from * 10_000 + n)).size, 4001);
  await assert.rejects(channel.send(1), { code: 'EPIPE' });
  await assert.rejects(channel.recv(), { code: 'EPIPE' });
  assert.throws(() => channel.trySend(1), { code: 'EPIPE' });
});

test('channel: timeouts, boxes, and closing while someone waits', async () => {
  const channel = createSharedChannel({ capacity: 1 });
  await assert.rejects(channel.recv({ timeout: 5 }), { code: 'ETIMEDOUT' });
  assert.equal(channel.tryRecv(), undefined);
  await channel.send(undefined);
  await assert.rejects(channel.send(2, { timeout: 5 }), { code: 'ETIMEDOUT' });
  assert.deepEqual(channel.tryRecv(), { value: undefined });
  const waiting = channel.recv();
  waiting.catch(() => {});
  const blocked = thread((handle, sync) => void sync.Channel.attach(handle).recvSync(), channel.handle, 2);
  await soon(40);
  channel.close();
  await assert.rejects(waiting, { code: 'EPIPE' });
  await assert.rejects(blocked.result, { code: 'EPIPE' });
  assert.ok(Channel.attach(structuredClone(channel.handle)).closed);
});

test('select: takes what is ready, waits for the first, does exactly one, notices close and timeout', async () => {
  const [a, b] = [createSharedChannel(), createSharedChannel({ capacity: 1 })];
  assert.equal(await select([{ recv: a }, { recv: b }], { timeout: 0 }), undefined);
  b.trySend('b');
  assert.deepEqual(await select([{ recv: a }, { recv: b }]), { index: 1, value: 'b' });
  const waiting = select([{ recv: a }, { recv: b }]);
  await soon(5);
  await a.send('late');
  assert.deepEqual(await waiting, { index: 0, value: 'late' });
  b.trySend('full');
  assert.deepEqual(await select([{ send: b, value: 1 }, { send: a, value: 2 }]), { index: 1 });
  assert.deepEqual([a.length, b.length], [1, 1]);
  assert.equal(await select([{ send: b, value: 1 }], { timeout: 5 }), undefined);
  await assert.rejects(select([{ send: b, value: 1 }], { signal: AbortSignal.timeout(5) }), { name: 'TimeoutError' });
  a.tryRecv();
  a.close();
  assert.deepEqual(await select([{ recv: a }]), { index: 0, closed: true });
});

test('select: among ready channels none starves', async () => {
  const channels = [0, 1, 2].map(() => createSharedChannel({ capacity: 300 }));
  for (const channel of channels) for (let n = 0; n < 300; n++) channel.trySend(n);
  const taken = [0, 0, 0];
  for (let n = 0; n < 300; n++) taken[(await select(channels.map((recv) => ({ recv })))).index]++;
  for (const count of taken) assert.ok(count > 30, `taken ${taken}`);
});

test('broadcast: every receiver sees every value in order; close ends them', async () => {
  const source = broadcast({ capacity: 4096, bytes: 1 << 20 });
  const receive = async (handle, sync, note) => {
    const receiver = sync.Broadcast.attach(handle).subscribe();
    note('ready');
    const got = [];
    for await (const value of receiver) got.push(value.n);
    return { got, lagged: receiver.lagged };
  };
  const receivers = [2, 3].map((id) => thread(receive, source.handle, id));
  const early = source.subscribe();
  await Promise.all(receivers.map((it) => it.noted));
  for (let n = 0; n < 2000; n++) source.send({ n, text: 'x'.repeat(n % 50) });
  source.close();
  for (const { result } of receivers) {
    const { got, lagged } = await result;
    assert.equal(lagged, 0);
    assert.deepEqual(got, Array.from({ length: 2000 }, (_, n) => n));
  }
  assert.equal((await early.recv()).n, 0);
  assert.throws(() => source.send(1), { code: 'EPIPE' });
  const late = source.subscribe();
  await assert.rejects(late.recv(), { code: 'EPIPE' });
});

test('broadcast: a slow receiver lags by exactly what it lost, whole values always', async () => {
  const source = broadcast({ capacity: 10, bytes: 1024 });
  const receiver = source.subscribe();
  for (let n = 0; n < 100; n++) source.send({ n });
  assert.deepEqual(receiver.tryRecv().value, { n: 90 });
  assert.equal(receiver.lagged, 90);
  await assert.rejects(source.subscribe().recv({ timeout: 5 }), { code: 'ETIMEDOUT' });
  // A racing reader of a tiny ring: what it gets is never torn.
  const racing = thread(({ handle }, sync, note) => {
    const receiver = sync.Broadcast.attach(handle).subscribe();
    note('ready');
    let last = -1;
    let seen = 0;
    for (;;) {
      const { n, copy } = receiver.recvSync();
      if (copy !== String(n).repeat(8) || n <= last) throw new Error(`torn: ${n} ${copy}`);
      last = n;
      seen++;
      if (n === 29_999) return { seen, lagged: receiver.lagged };
    }
  }, { handle: source.handle }, 2);
  await racing.noted;
  for (let n = 0; n < 30_000; n++) Broadcast.attach(source.handle).send({ n, copy: String(n).repeat(8) });
  const { seen, lagged } = await racing.result;
  assert.equal(seen + lagged, 30_000);
});

test('pipe: bytes arrive whole through pipeTo and transforms; a slow reader holds the writer back', async () => {
  const pipe = createPipe({ capacity: 1000 });
  const written = thread(async (handle, sync) => {
    const source = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 50; i++) controller.enqueue(new Uint8Array(3001).map((_, j) => (i * 3001 + j) % 251));
        controller.close();
      },
    });
    await source.pipeTo(sync.Pipe.attach(handle).writable);
    return 'written';
  }, pipe.handle, 2);
  let at = 0;
  for await (const chunk of pipe.readable) {
    assert.ok(chunk.length <= 1000);
    for (const byte of chunk) assert.equal(byte, at++ % 251);
  }
  assert.equal(at, 50 * 3001);
  assert.equal(await written.result, 'written');
});

test('pipe: text and compression', async () => {
  const pipe = createPipe({ capacity: 64 });
  const text = 'häßlich 漢字 '.repeat(500);
  const back = (async () => {
    let all = '';
    for await (const part of pipe.readable.pipeThrough(new DecompressionStream('gzip')).pipeThrough(new TextDecoderStream())) all += part;
    return all;
  })();
  await new Blob([text]).stream().pipeThrough(new CompressionStream('gzip')).pipeTo(pipe.writable);
  assert.equal(await back, text);
});

test('pipe: cancel fails the writer, abort fails the reader, also while they wait', async () => {
  const cancelled = createPipe({ capacity: 4 });
  const writer = cancelled.writable.getWriter();
  const write = writer.write(new Uint8Array(100));
  write.catch(() => {});
  await soon(5);
  await Pipe.attach(cancelled.handle).readable.cancel();
  await assert.rejects(write, { code: 'EPIPE' });
  const aborted = createPipe();
  const read = aborted.readable.getReader().read();
  read.catch(() => {});
  await soon(5);
  await Pipe.attach(aborted.handle).writable.abort();
  await assert.rejects(read, { code: 'EPIPE' });
  const stuck = createPipe({ capacity: 4 });
  const end = stuck.writable.getWriter();
  const pending = end.write(new Uint8Array(100));
  pending.catch(() => {});
  await soon(5);
  await end.abort(new Error('stop'));
  await assert.rejects(pending);
});
