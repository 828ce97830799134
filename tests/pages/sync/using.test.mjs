// Guards of every lock let go at the end of a `using` block, where the engine has it, also when it throws.
// modes: isolated
import { assert, assertEqual, assertRejects, test } from '/tests/pages/lib/test.mjs';
import { Mutex, RwLock, Semaphore } from 'isolith/sync';

const options = { shared: true, only: ['chromium', 'firefox'], reason: 'WebKitGTK 2.50 has no Symbol.dispose' };
// As text: an engine without `using` could not read this file otherwise.
const holding = (body) => new Function('take', `return (async () => { using guard = await take(); ${body} })();`);

test('a mutex is free after the block, not within it', async () => {
  const mutex = new Mutex();
  const take = async () => {
    const guard = await mutex.lock();
    assert(mutex.holder !== 0, 'the lock is not held');
    return guard;
  };
  await holding('')(take);
  assertEqual(mutex.holder, 0);
  await assertRejects(holding('throw new RangeError("in the block")')(take), { name: 'RangeError' });
  assertEqual(mutex.holder, 0);
}, options);

test('both sides of a read-write lock, and permits, come back', async () => {
  const [lock, permits] = [new RwLock(), new Semaphore(3)];
  await holding('')(() => lock.write());
  await holding('')(() => lock.read());
  (await lock.write({ timeout: 1000 })).release();
  await holding('')(async () => {
    const guard = await permits.acquire(2);
    assertEqual(permits.available, 1);
    return guard;
  });
  assertEqual(permits.available, 3);
}, options);

test('a guard that let go by itself does not let go of the next holder\'s lock', async () => {
  const mutex = new Mutex();
  await new Function('mutex', `return (async () => {
    using guard = await mutex.lock();
    guard.release();
    globalThis.next = await mutex.lock();
  })();`)(mutex);
  assert(mutex.holder !== 0, 'the second lock was given back by the first guard');
  globalThis.next.release();
}, options);
