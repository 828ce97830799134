// Runs measures inside the page: sets contestants up, warms them up, samples them in turns, reports.
import { summarize } from '../lib/stats.mjs';

/** How long set-up and tear-down of a contestant may take, in milliseconds. */
const SET_UP = 20_000;
/** How long one sample may take unless its row says otherwise. */
const SAMPLE = 30_000;
/** How long all samples of one contestant may take together; it gets three anyway, or one that takes longer alone. */
const BUDGET = 8_000;
const WARM_UP = 400;

/** Rejects when `promise` takes longer than `limit`; whoever hangs is left behind. */
export function within(promise, limit, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${limit / 1000} s`)), limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const reason = (error) => `failed: ${String(error?.message ?? error).split('\n')[0].slice(0, 160)}`;

/** Runs one measure (rows with the same group and name); resolves to a result per row. */
export async function measure(rows, { rounds, env, at }) {
  const contestants = [];
  for (const row of rows) {
    const one = { row, env: { ...env, state: {} }, samples: [], spent: 0, status: 'ok' };
    contestants.push(one);
    await at(row.who);
    try {
      await within(Promise.resolve(row.setup?.(one.env)), SET_UP, 'set-up');
      for (let warmed = performance.now(), turns = 0; turns < 20 && (turns < 2 || performance.now() - warmed < WARM_UP); turns++) {
        const start = performance.now();
        await sample(one);
        if (performance.now() - start > BUDGET / 4) break;
      }
      one.samples.length = 0;
      one.spent = 0;
    } catch (error) {
      one.status = reason(error);
    }
  }
  await at('');
  for (let round = 0; round < rounds; round++) {
    for (const one of shuffled(contestants)) {
      if (one.status !== 'ok' || isSpent(one)) continue;
      try {
        await sample(one);
      } catch (error) {
        one.status = reason(error);
      }
      // What one left on the event loop is not the next one's burden.
      await new Promise((done) => setTimeout(done, 0));
    }
  }
  for (const one of contestants) {
    await within(Promise.resolve(one.row.teardown?.(one.env)), SET_UP, 'tear-down').catch(() => {});
  }
  return contestants.map(({ row, samples, status }) => ({
    ...describe(row),
    status,
    ...(status === 'ok' ? summarize(samples, row.better) : {}),
  }));
}

const isSpent = ({ spent, samples }) => spent > BUDGET && (samples.length >= 3 || spent / samples.length > BUDGET);

/** Another order each round, so that nobody always comes after the same neighbour. */
function shuffled(values) {
  const order = [...values];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}

async function sample(one) {
  const start = performance.now();
  const value = await within(Promise.resolve(one.row.run(one.env, one.row.n)), one.row.deadline ?? SAMPLE, 'a sample');
  one.spent += performance.now() - start;
  if (!Number.isFinite(value)) throw new Error(`a sample is ${value}`);
  one.samples.push(value);
}

/** What of a row can be sent to the runner. */
export function describe({ group, name, who, unit, better, targets, reference, caveat }) {
  return { group, name, who, unit, better, targets, reference, caveat };
}
