// The trace of a pool against Chrome's trace event format, field by field.
// modes: isolated bare
import { assert, assertEqual, assertRejects, test } from '/tests/pages/lib/test.mjs';
import { createPool } from 'isolith';

/** The fields of each phase that we write, and what they must be; no others are allowed. */
const SCHEMA = {
  X: { name: 'string', cat: 'string', ph: 'string', pid: 'integer', tid: 'integer', ts: 'time', dur: 'time', args: 'object' },
  M: { name: 'string', cat: 'string', ph: 'string', pid: 'integer', tid: 'integer', args: 'object' },
};

const IS = {
  string: (it) => typeof it === 'string' && it.length > 0,
  integer: (it) => Number.isInteger(it) && it >= 0,
  time: (it) => typeof it === 'number' && Number.isFinite(it) && it >= 0,
  object: (it) => typeof it === 'object' && it !== null && !Array.isArray(it),
};

function check(trace) {
  assertEqual(Object.keys(trace).sort(), ['displayTimeUnit', 'traceEvents']);
  assertEqual(trace.displayTimeUnit, 'ms');
  for (const event of trace.traceEvents) {
    const fields = SCHEMA[event.ph];
    assert(fields, `phase ${event.ph}`);
    assertEqual(Object.keys(event).sort(), Object.keys(fields).sort());
    for (const [field, kind] of Object.entries(fields)) assert(IS[kind](event[field]), `${field} of ${JSON.stringify(event)}`);
    if (event.ph === 'M') assert(['process_name', 'thread_name'].includes(event.name) && IS.string(event.args.name), JSON.stringify(event));
  }
  const runs = trace.traceEvents.filter(({ ph }) => ph === 'X');
  const named = new Set(trace.traceEvents.filter(({ name }) => name === 'thread_name').map(({ tid }) => tid));
  assert(runs.every(({ tid }) => named.has(tid)), 'each thread has a name');
  assertEqual(trace.traceEvents.filter(({ name }) => name === 'process_name').length, 1);
  const threads = Map.groupBy ? Map.groupBy(runs, ({ tid }) => tid) : new Map([[0, []]]);
  for (const list of threads.values()) {
    // One thread runs one task at a time; a clock's grain is 100 µs at the most where it is coarse, and 5 where it is not.
    for (let n = 1; n < list.length; n++) assert(list[n].ts - (list[n - 1].ts + list[n - 1].dur) > -1100, 'tasks of one worker follow each other');
  }
  return runs;
}

test('an empty trace, tasks that succeed and fail, by functions, names and modules', async () => {
  const pool = createPool({ size: 2, name: 'a "pool" with ünïcödé' });
  const before = (performance.timeOrigin + performance.now()) * 1000;
  assertEqual(check(JSON.parse(JSON.stringify(pool.trace()))), []);
  await Promise.all(Array.from({ length: 30 }, (_, n) => pool.run(function named(x) { return x; }, n)));
  await pool.run((x) => x, 1);
  await pool.module('/tests/pages/pool/modules/tasks.js').run('double', 1);
  await assertRejects(pool.run(function failing() { throw new Error('no'); }));
  await pool.run(async function waits() { await new Promise((resolve) => setTimeout(resolve, 30)); });
  const runs = check(JSON.parse(JSON.stringify(pool.trace())));
  assertEqual(runs.length, 34);
  const by = (name) => runs.filter((run) => run.name === name);
  assertEqual([by('named').length, by('double').length, by('failing').length, by('task').length], [30, 1, 1, 1]);
  assertEqual([by('failing')[0].args.ok, by('double')[0].args.ok], [false, true]);
  assert(by('waits')[0].dur >= 25_000, 'microseconds');
  assert(runs.every(({ args }) => args.queuedMs >= 0 && args.wakeMs >= 0), 'waits');
  // Clocks of threads may differ a little.
  assert(runs.every(({ ts }) => ts > before - 50_000 && ts < before + 60_000_000), 'microseconds since 1970');
  await pool.destroy();
});

test('a trace holds the last 8,192 tasks', async () => {
  const pool = createPool(1);
  await Promise.all(Array.from({ length: 9000 }, (_, n) => pool.run(function early(x) { return x; }, n)));
  await pool.run(function last(x) { return x; }, 1);
  const runs = check(pool.trace());
  assertEqual([runs.length, runs.at(-1).name], [8192, 'last']);
  await pool.destroy();
}, { timeout: 60_000 });
