// The trace of a pool, made of chosen times: its order where clocks are too coarse to tell.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Figures } from '../../pkg/dist/pool/figures.js';

const REMEMBERED = 8192;

test('tasks that began at one time of a coarse clock follow each other, wherever they are kept', () => {
  const figures = new Figures();
  const member = { workerId: 1, count() {} };
  const record = (start, end) => figures.record(member, { fn: { name: 'task' }, queuedAt: 0 }, { ok: true, value: 0, start, end }, 0, false);
  for (let n = 0; n < REMEMBERED - 1; n++) record(n, n + 1);
  const last = REMEMBERED - 1;
  // The second lies where the first one of all was.
  record(last, last);
  record(last, last + 5);
  const runs = figures.trace('pool').traceEvents.filter(({ ph }) => ph === 'X');
  assert.equal(runs.length, REMEMBERED);
  for (let n = 1; n < runs.length; n++) assert(runs[n].ts >= runs[n - 1].ts + runs[n - 1].dur, `${JSON.stringify(runs[n])} comes before the end of ${JSON.stringify(runs[n - 1])}`);
});
