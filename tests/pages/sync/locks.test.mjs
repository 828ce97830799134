// Locks, channels, broadcast and pipes between the page and real workers.
// modes: isolated
import { assert, assertEqual, assertRejects, sleep, test } from '/tests/pages/lib/test.mjs';
import { Barrier, broadcast, Condvar, createPipe, createSharedChannel, Mutex, RwLock, select, Semaphore, setThreadId, WaitGroup } from 'isolith/sync';
import { thread } from './thread.mjs';

const shared = { shared: true, reason: 'locks need shared memory' };
setThreadId(2);

test('mutex: threads that block and promises of page and worker lose no increment', async () => {
  const mutex = new Mutex();
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const blocking = ({ handle, cell }, sync) => {
    const mutex = sync.Mutex.attach(handle);
    for (let i = 0; i < 5000; i++) {
      const guard = mutex.lockSync();
      cell[0]++;
      guard.release();
    }
  };
  const waiting = async ({ handle, cell }, sync) => {
    const mutex = sync.Mutex.attach(handle);
    for (let i = 0; i < 200; i++) {
      const guard = await mutex.lock();
      cell[0]++;
      guard.release();
    }
  };
  const data = { handle: mutex.handle, cell };
  const workers = [thread(blocking, data), thread(blocking, data), thread(waiting, data)];
  for (let i = 0; i < 200; i++) {
    const guard = await mutex.lock();
    cell[0]++;
    guard.release();
  }
  for (const { result, end } of workers) {
    await result;
    end();
  }
  assertEqual(cell[0], 10_400);
}, { timeout: 60_000, ...shared });

test('mutex: a killed holder is told of, and nobody waits for ever', async () => {
  const mutex = new Mutex();
  const victim = thread((handle, sync, note) => {
    sync.Mutex.attach(handle).lockSync();
    note('held');
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }, mutex.handle);
  await victim.noted;
  const sleeper = thread((handle, sync) => void sync.Mutex.attach(handle).lockSync(), mutex.handle);
  const here = mutex.lock();
  here.catch(() => {});
  await victim.kill();
  assertEqual(mutex.poison(victim.id), true);
  await assertRejects(here, { code: 'EOWNERDEAD' });
  await assertRejects(sleeper.result, { code: 'EOWNERDEAD' });
  const guard = await mutex.lock({ recover: true });
  assertEqual(guard.ownerDied, true);
  guard.release();
  (await mutex.lock()).release();
  sleeper.end();
}, shared);

test('rwlock, semaphore, barrier and wait group between page and workers', async () => {
  const lock = new RwLock();
  const semaphore = new Semaphore(1);
  const barrier = new Barrier(3);
  const group = new WaitGroup();
  const cells = new Int32Array(new SharedArrayBuffer(8));
  const work = async ({ lock, semaphore, barrier, group, cells }, sync) => {
    const rw = sync.RwLock.attach(lock);
    const permits = sync.Semaphore.attach(semaphore);
    for (let i = 0; i < 300; i++) {
      const write = rw.writeSync();
      cells[0]++;
      cells[1]--;
      write.release();
      const read = await rw.read();
      if (cells[0] + cells[1] !== 0) throw new Error('torn');
      read.release();
      permits.acquireSync().release();
    }
    sync.WaitGroup.attach(group).done();
    return sync.Barrier.attach(barrier).waitSync();
  };
  group.add(2);
  const data = { lock: lock.handle, semaphore: semaphore.handle, barrier: barrier.handle, group: group.handle, cells };
  const workers = [thread(work, data), thread(work, data)];
  assertEqual(await group.wait(), true);
  const led = await Promise.all([barrier.wait(), ...workers.map(({ result }) => result)]);
  assertEqual(led.filter(Boolean).length, 1);
  assertEqual(cells[0], 600);
  for (const it of workers) it.end();
}, shared);

test('condvar: the page wakes workers that block and one that waits', async () => {
  const [mutex, condvar] = [new Mutex(), new Condvar()];
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const wait = async ({ mutex, condvar, cell, blocking }, sync) => {
    const [m, c] = [sync.Mutex.attach(mutex), sync.Condvar.attach(condvar)];
    const guard = blocking ? m.lockSync() : await m.lock();
    while (cell[0] === 0) blocking ? c.waitSync(m) : await c.wait(m);
    guard.release();
    return 'woken';
  };
  const data = { mutex: mutex.handle, condvar: condvar.handle, cell };
  const workers = [thread(wait, { ...data, blocking: true }), thread(wait, { ...data, blocking: false })];
  await sleep(50);
  const guard = await mutex.lock();
  cell[0] = 1;
  guard.release();
  condvar.notifyAll();
  for (const { result, end } of workers) {
    assertEqual(await result, 'woken');
    end();
  }
}, shared);

test('channel and select: values cross, close ends the iteration', async () => {
  const [numbers, texts] = [createSharedChannel({ capacity: 2 }), createSharedChannel({ capacity: 2 })];
  const send = async ({ numbers, texts }, sync) => {
    const [n, t] = [sync.Channel.attach(numbers), sync.Channel.attach(texts)];
    for (let i = 0; i < 50; i++) {
      n.sendSync(i);
      await t.send(`text ${i}`);
    }
    n.close();
    t.close();
  };
  const sender = thread(send, { numbers: numbers.handle, texts: texts.handle });
  const got = [0, 0];
  const open = [numbers, texts];
  while (open.length > 0) {
    const { index, closed } = await select(open.map((recv) => ({ recv })));
    if (closed) open.splice(index, 1);
    else got[open[index] === numbers ? 0 : 1]++;
  }
  assertEqual(got, [50, 50]);
  await sender.result;
  await assertRejects(numbers.recv(), { code: 'EPIPE' });
  sender.end();
}, shared);

test('broadcast: workers see everything in order, or know what they lost', async () => {
  const source = broadcast({ capacity: 64 });
  const receive = async (handle, sync, note) => {
    const receiver = sync.Broadcast.attach(handle).subscribe();
    note('ready');
    let [seen, last] = [0, -1];
    for await (const { n, text } of receiver) {
      if (n <= last || text !== `value ${n}`) throw new Error(`torn: ${n} ${text}`);
      last = n;
      seen++;
    }
    return seen + receiver.lagged;
  };
  const receivers = [thread(receive, source.handle), thread(receive, source.handle)];
  for (const { noted } of receivers) await noted;
  for (let n = 0; n < 2000; n++) {
    source.send({ n, text: `value ${n}` });
    if (n % 50 === 0) await sleep(0);
  }
  source.close();
  for (const { result, end } of receivers) {
    assertEqual(await result, 2000);
    end();
  }
}, shared);

test('pipe: a worker writes, the page reads through a transform, in bounded pieces', async () => {
  const pipe = createPipe({ capacity: 4096 });
  const writer = thread(async (handle, sync) => {
    const text = 'häßlich 漢字 '.repeat(5000);
    await new Blob([text]).stream().pipeTo(sync.Pipe.attach(handle).writable);
    return text.length;
  }, pipe.handle);
  let [length, largest] = [0, 0];
  const sizes = new TransformStream({ transform(chunk, to) { largest = Math.max(largest, chunk.length); to.enqueue(chunk); } });
  const reader = pipe.readable.pipeThrough(sizes).pipeThrough(new TextDecoderStream()).getReader();
  for (let part; !(part = await reader.read()).done; ) length += part.value.length;
  assertEqual(length, await writer.result);
  assert(largest <= 4096, `a chunk of ${largest} bytes`);
  writer.end();
}, shared);
