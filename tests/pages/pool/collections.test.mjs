// map, forEach, reduce and parallelFor at their edges: order, early ends, errors, extremes, whom they tell.
// modes: isolated bare
import { assert, assertEqual, assertRejects, sleep, test, until, within } from '/tests/pages/lib/test.mjs';
import { createHeap, createPool, createPoolWasm } from 'isolith';

/** What never takes so long, however busy the machine, unless it hangs; in milliseconds. */
const SOON = 15_000;

const isolated = { shared: true, reason: 'needs shared memory' };

/** An iterable that tells whether it was closed, and how many items were taken. */
function watched(make) {
  const seen = { closed: false, taken: 0 };
  seen.items = make(seen);
  return seen;
}

const counting = (seen) => (function* () {
  try {
    for (;;) yield seen.taken++;
  } finally {
    seen.closed = true;
  }
})();

const countingLater = (seen) => (async function* () {
  try {
    for (;;) {
      await null;
      yield seen.taken++;
    }
  } finally {
    seen.closed = true;
  }
})();

test('results come in order whatever takes how long, for every chunk and concurrency', async () => {
  const pool = createPool(2);
  const items = Array.from({ length: 24 }, (_, n) => n);
  const slow = async (n) => { if (n % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 5)); return n * 2; };
  const expected = items.map((n) => n * 2);
  for (const chunk of [1, 1.5, 7, 24, 1000, Infinity]) {
    for (const concurrency of [1, 3, 1000, Infinity]) {
      assertEqual(await pool.map(items, slow, { chunk, concurrency }), expected, `chunk ${chunk}, concurrency ${concurrency}`);
      assertEqual(await pool.map(new Set(items), slow, { chunk, concurrency }), expected, `a set, chunk ${chunk}, concurrency ${concurrency}`);
    }
  }
  assertEqual(await pool.map([], slow), []);
  assertEqual(await pool.map([, 1], (x) => x ?? 'none'), ['none', 1]);
  assertEqual(await pool.map([Promise.resolve(3)].values(), (x) => x), [3], 'promises among items are awaited, as by for await');
  assertEqual(await pool.forEach([1, 2], (x) => x), undefined);
  for (const options of [{ chunk: 0 }, { chunk: NaN }, { chunk: -1 }, { concurrency: 0 }, { concurrency: NaN }, { chunk: '2' }]) {
    await assertRejects(pool.map([1], (x) => x, options), { name: 'RangeError' }, JSON.stringify(options));
    await assertRejects(pool.forEach([1], (x) => x, options), { name: 'RangeError' }, JSON.stringify(options));
  }
  await pool.destroy();
}, { timeout: 60_000 });

test('a result is given while the next item is still awaited', async () => {
  const pool = createPool(2);
  let more = () => {};
  async function* answering() {
    for (let n = 0; n < 5; n++) {
      yield n;
      // The next item comes only after the result of this one.
      await new Promise((resolve) => { more = resolve; });
    }
  }
  const seen = [];
  const whole = (async () => {
    for await (const value of pool.map(answering(), (x) => x + 1)) {
      seen.push(value);
      more();
    }
  })();
  await within(SOON, whole, 'a conversation of items and results');
  assertEqual(seen, [1, 2, 3, 4, 5]);
  // And so is a failure.
  async function* silent() {
    yield 1;
    await new Promise(() => {});
  }
  await within(SOON, assertRejects(pool.map(silent(), () => { throw new RangeError('at once'); }), { message: 'at once' }), 'a failure before the next item');
  const control = new AbortController();
  const waits = pool.map(silent(), (x) => x, { signal: control.signal });
  await sleep(10);
  control.abort('enough');
  assertEqual(await within(SOON, waits.catch((it) => it), 'an abort before the next item'), 'enough');
  await pool.destroy();
});

test('whoever stops early stops everything: items, tasks, and what is on its way', async () => {
  const pool = createPool(2);
  for (const make of [counting, countingLater]) {
    const seen = watched(make);
    for await (const value of pool.map(seen.items, (x) => x, { concurrency: 4 })) if (value === 20) break;
    assertEqual(seen.closed, true, 'the items were closed');
    await until(() => pool.pendingTasks === 0, 'nothing is left');
    const { taken } = seen;
    await sleep(30);
    assertEqual(seen.taken, taken, 'no item is taken any more');
    assert(taken <= 27, `${taken} items were taken for 21 results`);
  }
  // Endless tasks are ended with it.
  for await (const value of pool.map([1, 2, 3, 4], (x) => (x === 1 ? x : new Promise(() => {})))) {
    assertEqual(value, 1);
    break;
  }
  await until(() => pool.pendingTasks === 0 && pool.stats().workers.every(({ load }) => load === 0), { what: 'what was on its way has ended', timeout: SOON });
  const iterator = pool.map([1, 2, 3], (x) => x)[Symbol.asyncIterator]();
  assertEqual(await iterator.next(), { done: false, value: 1 });
  assertEqual((await iterator.return?.()).done, true);
  assertEqual((await iterator.next()).done, true);
  assertEqual(await pool.run((x) => x, 1), 1);
  await pool.destroy();
}, { timeout: 60_000 });

test('errors of items, tasks and consumers end the whole, and close the items', async () => {
  const pool = createPool(2);
  function* failing() {
    yield 1;
    throw new RangeError('the items');
  }
  await assertRejects(pool.map(failing(), (x) => x), { name: 'RangeError', message: 'the items' });
  await assertRejects(pool.map({ [Symbol.iterator]() { throw new TypeError('no iterator'); } }, (x) => x), { message: 'no iterator' });
  await assertRejects(pool.map(5, (x) => x), { name: 'TypeError' });
  await assertRejects(pool.map([() => 1], (x) => x), { code: 'ERR_NOT_SERIALIZABLE' });
  for (const make of [counting, countingLater]) {
    const seen = watched(make);
    await assertRejects(pool.map(seen.items, (x) => { if (x === 30) throw new RangeError('thirty'); return x; }), { message: 'thirty' });
    assertEqual(seen.closed, true);
    const other = watched(make);
    await assertRejects((async () => { for await (const value of pool.map(other.items, (x) => x)) if (value === 3) throw new Error('the consumer'); })(), { message: 'the consumer' });
    assertEqual(other.closed, true);
    const third = watched(make);
    await assertRejects(pool.forEach(third.items, (x) => { if (x === 30) throw new RangeError('thirty'); }, { chunk: 2 }), { message: 'thirty' });
    assertEqual(third.closed, true);
  }
  const angry = { [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 1 }), return() { throw new TypeError('the closing'); } }) };
  await assertRejects(pool.map(angry, () => { throw new RangeError('the task'); }), { message: 'the task' }, 'what failed first is told');
  const control = new AbortController();
  const endless = watched(counting);
  const aborted = pool.forEach(endless.items, (x) => x, { signal: control.signal });
  await sleep(20);
  control.abort(new TypeError('mine'));
  await assertRejects(aborted, { message: 'mine' });
  assertEqual(endless.closed, true);
  await assertRejects(pool.map([1], (x) => x, { signal: control.signal }), { message: 'mine' });
  await assertRejects(pool.map([1, 2], () => { for (;;); }, { timeout: 50 }), { code: 'ETIMEDOUT' });
  await until(() => pool.pendingTasks === 0, 'nothing is left');
  assertEqual(await pool.run((x) => x, 1), 1);
  await pool.destroy();
}, { timeout: 60_000 });

test('a map that nobody awaits runs, and its failure is no unhandled one', async () => {
  const pool = createPool(1);
  pool.map([1], () => { throw new Error('nobody looks'); });
  const counted = pool.map([1, 2, 3], (x) => x);
  await until(() => pool.stats().done === 3, 'it runs by itself');
  assertEqual(await counted, [1, 2, 3]);
  assertEqual(await counted.then((it) => it.length), 3);
  await pool.destroy();
});

test('reduce: nothing, one, a start of undefined, parts of every size, failures', async () => {
  const pool = createPool(2);
  assertEqual(await pool.reduce([5], () => { throw new Error('not called'); }), 5);
  assertEqual(await pool.reduce([], () => 1, undefined), undefined);
  assertEqual(await pool.reduce([1, 2], (sum, n) => `${sum}${n}`, undefined), 'undefined12');
  assertEqual(await pool.reduce(new Set([1, 2, 3]), async (sum, n) => sum + n), 6);
  const letters = [...'abcdefghij'];
  for (const chunk of [1, 2.5, 3, 10, 1000, Infinity]) {
    assertEqual(await pool.reduce(letters, (text, it) => text + it, '', { combine: (a, b) => a + b, chunk }), 'abcdefghij', `chunk ${chunk}`);
  }
  assertEqual(await pool.reduce([], (sum, n) => sum + n, 7, { combine: (a, b) => a + b }), 7);
  for (const chunk of [0, -1, NaN]) await assertRejects(pool.reduce(letters, (a, b) => a + b, '', { combine: (a, b) => a + b, chunk }), { name: 'RangeError' }, `chunk ${chunk}`);
  await assertRejects(pool.reduce([], (a) => a), { name: 'TypeError' });
  // One part fails: those that would never end do not go on.
  const failing = pool.reduce([1, 2, 3, 4], (_, n) => { if (n === 1) throw new RangeError('a part'); for (;;); }, 0, { combine: (a, b) => a + b, chunk: 1 });
  await assertRejects(failing, { message: 'a part' });
  await until(() => pool.pendingTasks === 0 && pool.stats().workers.every(({ load }) => load === 0), { what: 'the other parts end', timeout: SOON });
  await assertRejects(pool.reduce([1, 2], (a, b) => a + b, 0, { combine: () => { throw new RangeError('joining'); }, chunk: 1 }), { message: 'joining' });
  await assertRejects(pool.reduce([1], (a, b) => a + b, 0, { combine: (a, b) => a + b, signal: AbortSignal.abort('before') }).catch((it) => { throw new Error(it); }), { message: 'before' });
  await pool.destroy();
}, { timeout: 60_000 });

test('parallelFor takes every element of every type once, for grains of every size', async () => {
  const heap = await createHeap();
  const pool = createPool(2);
  for (const Type of [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array]) {
    const block = heap.allocArray(Type, 999);
    const one = Type.name.startsWith('Big') ? 1n : 1;
    block.array.fill(one);
    await pool.parallelFor(block, (value) => value + value);
    assert(block.array.every((value) => value === one + one), `${Type.name} each once`);
    heap.free(block);
  }
  const block = heap.allocArray(Int32Array, 1000);
  for (const grain of [1, 1.5, 999, 1000, 1001, 2 ** 31, 2 ** 32, 2 ** 40, Infinity]) {
    block.array.fill(0);
    await pool.parallelFor(block, (value) => value + 1, { grain });
    assert(block.array.every((value) => value === 1), `grain ${grain}: each once`);
  }
  block.array.fill(5);
  await pool.parallelFor(block, (value, index, array) => { if (index % 2) return value + array.length; });
  assert(block.array.every((value, index) => value === (index % 2 ? 1005 : 5)), 'what returns nothing changes nothing');
  for (const grain of [0, -1, NaN, '5']) await assertRejects(pool.parallelFor(block, (value) => value, { grain }), { name: 'RangeError' }, `grain ${grain}`);
  const empty = heap.allocArray(Int32Array, 0);
  await pool.parallelFor(empty, () => { throw new Error('not called'); });
  heap.free(block);
  await assertRejects(pool.parallelFor(block, (value) => value), { code: 'ERR_USE_AFTER_FREE' });
  const lazy = createPool({ max: 3 });
  const ids = heap.allocArray(Int32Array, 3);
  await lazy.parallelFor(ids, (array, start, end) => {
    array[start] = 1;
    // Until all three are at it, each with one element.
    for (const until = performance.now() + 10_000; array.reduce((sum, it) => sum + it) < 3 && performance.now() < until;);
  }, { range: true, grain: 1 });
  assertEqual(lazy.size, 3, 'a pool that grows grows for it');
  await Promise.all([pool.destroy(), lazy.destroy()]);
  heap.check();
}, { ...isolated, timeout: 60_000 });

test('parallelFor ends for all when one fails, and touches no element twice whoever dies', async () => {
  const heap = await createHeap();
  const pool = createPool(2);
  const block = heap.allocArray(Int32Array, 100_000);
  await assertRejects(pool.parallelFor(block, (value, index) => { if (index === 0) throw new RangeError('the first'); for (const until = performance.now() + 1; performance.now() < until;); return value + 1; }, { grain: 1 }), { message: 'the first' });
  assert(block.array.reduce((sum, it) => sum + it) < 50_000, 'the others did not do all that was left');
  block.array.fill(0);
  await assertRejects(pool.parallelFor(block, (array, start, end) => {
    if (start === 5000) { self.close(); for (;;); }
    for (let at = start; at < end; at++) array[at]++;
  }, { range: true, grain: 1000, timeout: 1000 }));
  await until(() => pool.stats().ending === 0, { what: 'the killed one is dead', timeout: SOON });
  assert(block.array.every((value, index) => value <= 1 && (value === 0 || index < 5000 || index >= 6000)), 'no element twice');
  const control = new AbortController();
  const aborted = pool.parallelFor(block, () => { for (const until = performance.now() + 5; performance.now() < until;); }, { grain: 1, signal: control.signal });
  await until(() => pool.stats().running > 0, 'it runs');
  control.abort('stop');
  assertEqual(await aborted.catch((it) => it), 'stop');
  block.array.fill(0);
  await pool.parallelFor(block, (value) => value + 1);
  assert(block.array.every((value) => value === 1), 'the pool is as good as new');
  heap.free(block);
  await pool.destroy();
}, { ...isolated, timeout: 60_000 });

test('a block of another heap is refused, not misread', async () => {
  const [heap, other] = [await createHeap(), await createHeap({ initial: 4, maximum: 64 })];
  const pool = createPool(1);
  const foreign = other.allocArray(Int32Array, 10);
  await assertRejects(pool.parallelFor(foreign, (value) => value + 1), { name: 'RangeError', message: /another heap/ });
  await assertRejects(pool.runHeap(({ ptr, HEAP }) => HEAP[ptr], foreign), { name: 'RangeError', message: /createPoolWasm/ });
  const right = await createPoolWasm(other.memory, 1);
  await right.parallelFor(foreign, (value, index) => index);
  assertEqual([...foreign.array], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  await assertRejects(right.runHeap(() => 1, heap.alloc(8)), { name: 'RangeError' });
  await Promise.all([pool.destroy(), right.destroy()]);
}, isolated);
