// Locks and meeting points between threads and between promises of one thread.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Barrier, bury, createQueue, GRAVEYARD_WORDS, isDead, setGraveyard, Condvar, Mutex, Once, RwLock, Semaphore, setThreadId, WaitGroup, atomicAddF32, atomicAddF64, atomicMaxF64, atomicCompareExchangeF64, atomicLoadF32, atomicUpdateF32, attach } from '../../../pkg/dist/sync.js';
import { thread } from './threads.mjs';

setThreadId(1);
const soon = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const count = (handle, cell, n) => ({ handle, cell, n });

test('mutex: increments of threads and promises are not lost', async () => {
  const mutex = new Mutex();
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const sync = ({ handle, cell, n }, sync) => {
    const mutex = sync.Mutex.attach(handle);
    for (let i = 0; i < n; i++) {
      const guard = mutex.lockSync();
      cell[0]++;
      guard.release();
    }
  };
  const threads = [2, 3, 4].map((id) => thread(sync, count(mutex.handle, cell, 20_000), id));
  const tasks = Array.from({ length: 50 }, async () => {
    for (let i = 0; i < 20; i++) {
      const guard = await mutex.lock();
      const value = cell[0];
      await null;
      cell[0] = value + 1;
      guard.release();
    }
  });
  await Promise.all([...tasks, ...threads.map((it) => it.result)]);
  assert.equal(cell[0], 3 * 20_000 + 50 * 20);
  assert.equal(mutex.holder, 0);
});

test('mutex: timeout, abort, tryLock, and a second release does nothing', async () => {
  const mutex = new Mutex();
  const guard = await mutex.lock();
  assert.equal(mutex.tryLock(), undefined);
  await assert.rejects(mutex.lock({ timeout: 5 }), { code: 'ETIMEDOUT' });
  await assert.rejects(mutex.lock({ signal: AbortSignal.timeout(5) }), { name: 'TimeoutError' });
  await assert.rejects(thread((handle, sync) => void sync.Mutex.attach(handle).lockSync({ timeout: 5 }), mutex.handle, 2).result, { code: 'ETIMEDOUT' });
  const waiting = mutex.lock();
  guard.release();
  guard.release();
  const next = await waiting;
  assert.equal(mutex.holder, 1);
  next.release();
  assert.ok(mutex.tryLock());
});

test('mutex: the waiters of one thread get it in order', async () => {
  const mutex = new Mutex();
  const guard = await mutex.lock();
  const order = [];
  const waits = [0, 1, 2, 3].map(async (n) => {
    const mine = await mutex.lock();
    order.push(n);
    mine.release();
  });
  guard.release();
  await Promise.all(waits);
  assert.deepEqual(order, [0, 1, 2, 3]);
});

test('mutex: a killed holder poisons it; the next is told, recovers, and the one after is not', async () => {
  const mutex = new Mutex();
  const victim = thread(async (handle, sync, note) => {
    sync.Mutex.attach(handle).lockSync();
    note('held');
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  }, mutex.handle, 77);
  await victim.noted;
  const sleeper = thread((handle, sync) => void sync.Mutex.attach(handle).lockSync(), mutex.handle, 2);
  const promise = mutex.lock();
  promise.catch(() => {});
  await soon(30);
  assert.equal(mutex.poison(78), false);
  await victim.terminate();
  assert.equal(mutex.poison(77), true);
  await assert.rejects(sleeper.result, { code: 'EOWNERDEAD' });
  await assert.rejects(promise, { code: 'EOWNERDEAD' });
  const guard = await mutex.lock({ recover: true });
  assert.equal(guard.ownerDied, true);
  guard.release();
  const healthy = await mutex.lock();
  assert.equal(healthy.ownerDied, false);
});

test('two threads that sweep at once free a lock once, and not from under its next holder', () => {
  const { store } = Atomics;
  const hold = (lock, id) => Atomics.store(new Int32Array(lock.handle.buffer, lock.handle.ptr, 2), lock instanceof RwLock ? 1 : 0, id);
  for (const [lock, take] of [[new Mutex(), (it) => it.tryLock({ recover: true })], [new RwLock(), (it) => it.writeSync({ recover: true, timeout: 0 })]]) {
    hold(lock, 77);
    let next;
    // In the middle of this sweep another thread sweeps, too, and a third one takes the lock.
    Atomics.store = (...args) => {
      Atomics.store = store;
      lock.poison(77);
      try {
        next = take(lock);
      } catch (error) {
        assert.equal(error.code, 'ETIMEDOUT');
      }
      return store(...args);
    };
    try {
      lock.poison(77);
    } finally {
      Atomics.store = store;
    }
    const free = new Int32Array(lock.handle.buffer, lock.handle.ptr, 2)[lock instanceof RwLock ? 1 : 0] === 0;
    assert.equal(free, next === undefined, 'it is free unless it was taken');
  }
});

test('rwlock: readers together, a writer alone, nothing is torn', async () => {
  const lock = new RwLock();
  const cells = new Int32Array(new SharedArrayBuffer(8));
  const write = ({ handle, cells }, sync) => {
    const lock = sync.RwLock.attach(handle);
    for (let i = 0; i < 3000; i++) {
      const guard = lock.writeSync();
      cells[0]++;
      cells[1]--;
      guard.release();
    }
  };
  const read = ({ handle, cells }, sync) => {
    const lock = sync.RwLock.attach(handle);
    for (let i = 0; i < 3000; i++) {
      const guard = lock.readSync();
      if (cells[0] + cells[1] !== 0) throw new Error('torn');
      guard.release();
    }
  };
  const threads = [thread(write, { handle: lock.handle, cells }, 2), thread(read, { handle: lock.handle, cells }, 3), thread(write, { handle: lock.handle, cells }, 4)];
  await Promise.all(threads.map((it) => it.result));
  assert.equal(cells[0], 6000);
  const [a, b] = [await lock.read(), await lock.read()];
  await assert.rejects(lock.write({ timeout: 5 }), { code: 'ETIMEDOUT' });
  a.release();
  const writer = lock.write();
  await soon(5);
  await assert.rejects(lock.read({ timeout: 5 }), { code: 'ETIMEDOUT' });
  b.release();
  (await writer).release();
  (await lock.read()).release();
});

test('rwlock: killed readers and writers are swept; only a writer poisons', async () => {
  const lock = new RwLock();
  const hold = (method) => thread(new Function('handle', 'sync', 'note', `sync.RwLock.attach(handle).${method}(); note(1); return new Promise((r) => setTimeout(r, 60_000));`), lock.handle, method === 'readSync' ? 50 : 51);
  const reader = hold('readSync');
  await reader.noted;
  await reader.terminate();
  assert.equal(lock.poison(50), true);
  (await lock.write({ timeout: 1000 })).release();
  const writer = hold('writeSync');
  await writer.noted;
  await writer.terminate();
  assert.equal(lock.poison(51), true);
  await assert.rejects(lock.read(), { code: 'EOWNERDEAD' });
  (await lock.write({ recover: true })).release();
  (await lock.read()).release();
});

test('condvar: threads wait for a condition in both forms', async () => {
  const mutex = new Mutex();
  const condvar = new Condvar();
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const wait = ({ mutex, condvar, cell }, sync) => {
    const m = sync.Mutex.attach(mutex);
    const c = sync.Condvar.attach(condvar);
    const guard = m.lockSync();
    while (cell[0] === 0) c.waitSync(m);
    cell[0]++;
    guard.release();
  };
  const data = { mutex: mutex.handle, condvar: condvar.handle, cell };
  const threads = [2, 3].map((id) => thread(wait, data, id));
  const here = (async () => {
    const guard = await mutex.lock();
    while (cell[0] === 0) await condvar.wait(mutex);
    cell[0]++;
    guard.release();
  })();
  await soon(40);
  const guard = await mutex.lock();
  assert.equal(await condvar.wait(mutex, { timeout: 5 }), false);
  cell[0] = 1;
  guard.release();
  condvar.notifyAll();
  await Promise.all([here, ...threads.map((it) => it.result)]);
  assert.equal(cell[0], 4);
});

test('semaphore: never more inside than permits', async () => {
  const semaphore = new Semaphore(2);
  const cells = new Int32Array(new SharedArrayBuffer(8));
  const work = ({ handle, cells }, sync) => {
    const semaphore = sync.Semaphore.attach(handle);
    for (let i = 0; i < 2000; i++) {
      const guard = semaphore.acquireSync();
      const inside = Atomics.add(cells, 0, 1) + 1;
      if (inside > 2) Atomics.store(cells, 1, inside);
      Atomics.sub(cells, 0, 1);
      guard.release();
    }
  };
  await Promise.all([2, 3, 4].map((id) => thread(work, { handle: semaphore.handle, cells }, id).result));
  assert.equal(cells[1], 0);
  assert.equal(semaphore.available, 2);
  await semaphore.acquire(2);
  await assert.rejects(semaphore.acquire(1, { timeout: 5 }), { code: 'ETIMEDOUT' });
  const waiting = semaphore.acquire();
  semaphore.release();
  await waiting;
});

test('barrier: all pass together, one leads each round; a timeout breaks it for everybody', async () => {
  const barrier = new Barrier(3);
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const work = async ({ handle, cell }, sync) => {
    const barrier = sync.Barrier.attach(handle);
    let led = 0;
    for (let round = 1; round <= 200; round++) {
      Atomics.add(cell, 0, 1);
      if (barrier.waitSync()) led++;
      if (Atomics.load(cell, 0) < 3 * round) throw new Error('passed early');
    }
    return led;
  };
  const led = await Promise.all([2, 3, 4].map((id) => thread(work, { handle: barrier.handle, cell }, id).result));
  assert.equal(led.reduce((a, b) => a + b), 200);
  const other = barrier.wait();
  other.catch(() => {});
  await assert.rejects(barrier.wait({ timeout: 5 }), { code: 'ETIMEDOUT' });
  await assert.rejects(other, { code: 'EPIPE' });
  await assert.rejects(barrier.wait(), { code: 'EPIPE' });
});

test('once: one runs, all wait, a failure or a death lets the next try', async () => {
  const once = new Once();
  const cell = new Int32Array(new SharedArrayBuffer(4));
  await assert.rejects(once.call(() => { throw new Error('no'); }), /no/);
  const run = ({ handle, cell }, sync) => sync.Once.attach(handle).callSync(() => { cell[0]++; });
  const ran = await Promise.all([2, 3, 4].map((id) => thread(run, { handle: once.handle, cell }, id).result));
  assert.equal(ran.filter(Boolean).length, 1);
  assert.equal(cell[0], 1);
  assert.equal(await once.call(() => { cell[0]++; }), false);
  const other = new Once();
  const victim = thread((handle, sync, note) => sync.Once.attach(handle).call(() => { note(1); return new Promise((r) => setTimeout(r, 60_000)); }), other.handle, 55);
  await victim.noted;
  await victim.terminate();
  assert.equal(other.poison(55), true);
  assert.equal(await other.call(() => {}), true);
});

test('wait group: waits for the last', async () => {
  const group = new WaitGroup();
  group.add(3);
  for (const id of [2, 3]) thread((handle, sync) => sync.WaitGroup.attach(handle).done(), group.handle, id);
  assert.equal(await group.wait({ timeout: 5 }), false);
  const waiting = thread((handle, sync) => sync.WaitGroup.attach(handle).waitSync(), group.handle, 4);
  group.done();
  assert.equal(await group.wait(), true);
  assert.equal(await waiting.result, true);
  assert.throws(() => group.done(), RangeError);
});

test('attach finds the kind of any handle', () => {
  assert.ok(attach(structuredClone(new Mutex().handle)) instanceof Mutex);
  assert.ok(attach(new Barrier(2).handle) instanceof Barrier);
  assert.throws(() => attach({ isolith: 'toString', buffer: new SharedArrayBuffer(8), ptr: 0 }), { code: 'EINVAL' });
});

test('float cells: additions of threads are not lost, and compare goes by bits', async () => {
  const cells = new Float64Array(new SharedArrayBuffer(16));
  const small = new Float32Array(new SharedArrayBuffer(8), 4, 1);
  const work = ({ cells, small }, sync) => {
    for (let i = 0; i < 10_000; i++) {
      sync.atomicAddF64(cells, 1, 0.5);
      sync.atomicAddF32(small, 0, 0.5);
    }
  };
  await Promise.all([2, 3].map((id) => thread(work, { cells, small }, id).result));
  assert.equal(cells[1], 10_000);
  assert.equal(atomicLoadF32(small, 0), 10_000);
  assert.equal(atomicAddF64(cells, 0, 1), 0);
  assert.equal(atomicMaxF64(cells, 0, 7), 1);
  assert.equal(atomicCompareExchangeF64(cells, 0, 8, 9), 7);
  assert.equal(atomicCompareExchangeF64(cells, 0, 7, 9), 7);
  assert.equal(cells[0], 9);
  assert.equal(atomicAddF32(small, 0, NaN), 10_000);
  assert.ok(Number.isNaN(atomicUpdateF32(small, 0, () => 2)));
  assert.equal(small[0], 2);
});

test('with a graveyard waiting threads find the dead by themselves, in every primitive', async () => {
  const graves = new Int32Array(new SharedArrayBuffer(4 * GRAVEYARD_WORDS));
  setGraveyard(graves);
  const made = { mutex: new Mutex(), rwlock: new RwLock(), readers: new RwLock(), once: new Once(), tail: createQueue({ capacity: 2 }), head: createQueue({ capacity: 2, type: 'i32' }) };
  made.tail.push(1);
  made.head.push(2);
  const handles = Object.fromEntries(Object.entries(made).map(([name, it]) => [name, it.handle]));
  // A thread that dies holding one of each; the turnstiles as its death would leave them.
  const victim = thread((handles, sync, note) => {
    sync.Mutex.attach(handles.mutex).lockSync();
    sync.RwLock.attach(handles.rwlock).writeSync();
    sync.RwLock.attach(handles.readers).readSync();
    for (const [name, end] of [['tail', 0], ['head', 16]]) {
      const words = new Int32Array(handles[name].buffer);
      words[end + 1] = words[end];
      words[end] = (sync.threadId() << 2) | 1;
    }
    note('holds');
    return sync.Once.attach(handles.once).call(() => new Promise((resolve) => setTimeout(resolve, 60_000)));
  }, handles, 88);
  await victim.noted;
  const wait = ({ handles, graves }, sync) => {
    sync.setGraveyard(graves);
    const told = [];
    const attempt = (name, act) => {
      try {
        told.push([name, act() ?? 'got it']);
      } catch (error) {
        told.push([name, error.code]);
      }
    };
    attempt('mutex', () => void sync.Mutex.attach(handles.mutex).lockSync());
    attempt('rwlock', () => void sync.RwLock.attach(handles.rwlock).readSync());
    attempt('readers', () => void sync.RwLock.attach(handles.readers).writeSync());
    attempt('once', () => sync.Once.attach(handles.once).callSync(() => {}));
    attempt('tail', () => sync.Queue.attach(handles.tail).pushWait(3));
    attempt('head', () => sync.Queue.attach(handles.head).popWait());
    return told;
  };
  const waiter = thread(wait, { handles, graves }, 2);
  const promise = made.mutex.lock();
  promise.catch(() => {});
  await soon(30);
  await victim.terminate();
  assert.equal(isDead(88), false);
  bury(88);
  assert.equal(isDead(88), true);
  assert.deepEqual(await waiter.result, [['mutex', 'EOWNERDEAD'], ['rwlock', 'EOWNERDEAD'], ['readers', 'got it'], ['once', true], ['tail', true], ['head', 2]]);
  await assert.rejects(promise, { code: 'EOWNERDEAD' });
  for (let id = 1000; id < 1000 + 3 * GRAVEYARD_WORDS; id++) bury(id);
  assert.equal(isDead(1000 + 3 * GRAVEYARD_WORDS - 1), true);
  assert.equal(isDead(1000), false);
});
