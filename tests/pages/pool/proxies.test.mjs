// Proxies at their edges: call-backs and streams both ways, early ends, errors, workers that die meanwhile.
// modes: isolated bare csp
import { assert, assertEqual, assertRejects, sleep, test, until, within } from '/tests/pages/lib/test.mjs';
import { createPool } from 'isolith';

const url = '/tests/pages/pool/modules/tasks.js';

/** What never takes so long, however busy the machine, unless it hangs; in milliseconds. */
const SOON = 15_000;

test('call-backs: several, one twice, kept for later, and what they throw or cannot give', async () => {
  const pool = createPool(1);
  const far = pool.proxy(url);
  const double = (x) => x * 2;
  assertEqual(await far.callBoth(double, double, 4), [8, 8, false]);
  assertEqual(await far.callBoth(async (x) => ({ x }), (x) => [x], 1), [{ x: 1 }, [1], false]);
  await far.keep((x) => x + 1);
  assertEqual(await far.callKept(1), 2, 'a call-back outlives its call');
  await assertRejects(far.callMe(() => Promise.reject(new TypeError('later')), 1), { name: 'TypeError', message: 'later' });
  await assertRejects(far.callMe(() => () => 1, 1), { name: 'DataCloneError' });
  await assertRejects(far.callMe(() => { throw null; }, 1).catch((it) => { throw new Error(String(it)); }), { message: 'null' });
  await assertRejects(far.giveBack(), { code: 'ERR_NOT_SERIALIZABLE' });
  await assertRejects(far.nothing(), { code: 'ERR_NO_SUCH_TASK', message: /callBoth/ });
  await assertRejects(far.notAFunction(), { code: 'ERR_NO_SUCH_TASK' });
  assertEqual(await far.add(20, 22), 42);
  assertEqual(far.add, far.add, 'the same function each time');
  await pool.destroy();
});

test('streams to a worker end early or fail as they would at home', async () => {
  const pool = createPool(1);
  const far = pool.proxy(url);
  const state = { closed: 0, given: 0 };
  async function* numbers() {
    try {
      for (;;) yield state.given++;
    } finally {
      state.closed++;
    }
  }
  assertEqual(await far.each(numbers(), (n) => (n === 3 ? 'enough' : 'more')), [0, 1, 2, 3]);
  assertEqual([state.closed, state.given], [1, 4], 'it was closed by the break at the other side');
  await assertRejects(far.each(numbers(), () => { throw new RangeError('at home'); }), { message: 'at home' });
  assertEqual(state.closed, 2);
  async function* failing() {
    yield 1;
    throw new TypeError('the source');
  }
  await assertRejects(far.total(failing()), { name: 'TypeError', message: 'the source' });
  async function* uncloneable() {
    yield () => 1;
  }
  await assertRejects(far.total(uncloneable()), { name: 'DataCloneError' });
  await pool.destroy();
});

test('streams from a worker end early, fail, and go through both ways at once', async () => {
  const pool = createPool(1);
  const far = pool.proxy(url);
  async function* words() {
    yield* ['a', 'b', 'c', 'd'];
  }
  const seen = [];
  for await (const word of await far.echo(words())) {
    seen.push(word);
    if (word === 'b') break;
  }
  assertEqual(seen, ['a', 'b']);
  assertEqual(await far.echoed(), 1, 'its finally has run');
  const stream = await far.echo(words());
  assertEqual(await stream.next(), { done: false, value: 'a' });
  assertEqual((await stream.return()).done, true);
  assertEqual([await stream.next(), await stream.return()].map(({ done }) => done), [true, true], 'ended stays ended');
  const failing = await far.failing();
  assertEqual((await failing.next()).value, 1);
  await assertRejects(failing.next(), { name: 'RangeError', message: 'in the generator' });
  assertEqual((await failing.next()).done, true);
  const odd = await far.odd();
  await odd.next();
  await assertRejects(odd.next(), { name: 'DataCloneError' });
  const [one, two] = await Promise.all([far.count(3), far.count(4)]);
  assertEqual([(await one.next()).value, (await two.next()).value, (await one.next()).value, (await two.next()).value], [0, 0, 1, 1]);
  const both = await far.count(3);
  assertEqual((await Promise.all([both.next(), both.next(), both.next(), both.next()])).map(({ value }) => value), [0, 1, 2, undefined], 'asked for ahead');
  await pool.destroy();
});

test('a worker that ends takes its calls and streams along, and no promise hangs', async () => {
  const pool = createPool(1);
  const far = pool.proxy(url);
  const stream = await far.count(1e9);
  await stream.next();
  let calls = 0;
  const open = far.callForEver(() => { calls++; });
  const settled = Promise.allSettled([open, far.hang()]);
  await until(() => calls > 2, 'call-backs come');
  const waits = far.add(1, 2).catch((error) => error.code);
  const gone = pool.destroy();
  assertEqual((await within(SOON, settled, 'open calls')).map(({ reason }) => reason?.code), ['ERR_POOL_DESTROYED', 'ERR_POOL_DESTROYED']);
  assertEqual(await waits, 'ERR_POOL_DESTROYED');
  await within(SOON, assertRejects(stream.next(), { code: 'ERR_WORKER_CRASHED' }), 'a stream of a dead worker');
  assertEqual((await stream.return()).done, true);
  await within(SOON, gone, 'destroy');
  const before = calls;
  await sleep(50);
  assertEqual(calls, before, 'no call-back comes any more');
});

test('the next value of a stream whose worker is killed meanwhile is an error', async () => {
  const pool = createPool({ size: 1, grace: 0 });
  const far = pool.proxy(url);
  async function* silent() {
    yield 1;
    await new Promise(() => {});
  }
  const stream = await far.echo(silent());
  await stream.next();
  const next = assertRejects(stream.next(), { code: 'ERR_WORKER_CRASHED' });
  const control = new AbortController();
  const hangs = assertRejects(pool.module(url).run('hang', undefined, { signal: control.signal }), { name: 'AbortError' });
  // One that has not begun would only be taken back.
  await until(() => pool.stats().running === 1, { what: 'it runs', timeout: SOON });
  control.abort();
  await hangs;
  await within(SOON, next, 'the next value');
  assertEqual(await far.add(1, 1), 2);
  await pool.destroy();
});

test('a worker with an open stream is not let go of for being idle', async () => {
  const pool = createPool({ max: 1, idleTimeout: 30 });
  const far = pool.proxy(url);
  const stream = await far.count(3);
  assertEqual((await stream.next()).value, 0);
  await sleep(200);
  assertEqual([(await stream.next()).value, (await stream.next()).value, (await stream.next()).done], [1, 2, true]);
  await far.add(1, 1);
  await until(() => pool.size === 0, { what: 'with the stream ended it is', timeout: SOON });
  await pool.destroy();
});

test('call-backs of pools that share workers reach their own pool', async () => {
  const one = createPool(1);
  const two = createPool({ share: one });
  const [a, b] = await Promise.all([one.proxy(url).callMe(() => 1, 3), two.proxy(url).callMe(() => 10, 3)]);
  assertEqual([a, b], [3, 30]);
  const stream = await two.proxy(url).count(3);
  await one.destroy();
  assertEqual([(await stream.next()).value, (await stream.next()).value], [0, 1]);
  await two.destroy();
  assert((await stream.return()).done, 'it ends with them');
});
