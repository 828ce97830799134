// Tasks one after another, each handed over just when its worker is about to fall asleep: no answer is left lying.
import { assertEqual, test } from '/tests/pages/lib/test.mjs';
import { createPool } from 'isolith';

/** Keeps this thread for so many milliseconds. */
function pause(ms) {
  for (const end = performance.now() + ms; performance.now() < end; );
}

/** Workers' code is slow while it is new, which makes the moments wide that a race needs. */
async function withFreshPools(count, use) {
  for (let i = 0; i < count; i++) {
    const pool = createPool(1);
    await use(pool, i);
    await pool.destroy();
  }
}

test('plain tasks', async () => {
  await withFreshPools(10, async (pool) => {
    for (let i = 0; i < 1000; i++) assertEqual(await pool.run((x) => x + 1, i), i + 1);
  });
});

test('tasks with pauses about as long as a worker looks out', async () => {
  await withFreshPools(2, async (pool) => {
    for (let i = 0; i < 2000; i++) {
      assertEqual(await pool.run((x) => x + 1, i), i + 1);
      pause((i % 100) / 400);
    }
  });
});

test('tasks with objects', async () => {
  await withFreshPools(5, async (pool) => {
    for (let i = 0; i < 500; i++) assertEqual(await pool.run(({ list: [x] }) => ({ x }), { list: [i] }), { x: i });
  });
});

test('tasks beside one whose answer comes by message', async () => {
  await withFreshPools(2, async (pool) => {
    for (let i = 0; i < 200; i++) {
      const moved = pool.run((n, { transfer }) => {
        const bytes = new Uint8Array(n);
        transfer([bytes.buffer]);
        return bytes;
      }, 65536);
      pause((i % 100) / 400);
      const plain = pool.run((x) => x + 1, i);
      assertEqual([(await moved).length, await plain], [65536, i + 1]);
    }
  });
});

test('tasks before a worker that is busy with something else, all taken back, again and again', async () => {
  const pool = createPool(1);
  await pool.run(() => void setTimeout(() => { for (const end = performance.now() + 500; performance.now() < end; ); }));
  const seen = [];
  const note = (value) => seen.push(value);
  // As many as there are slots, the last ones more urgent than all before: the first are taken back twice.
  const normal = Array.from({ length: 600 }, (_, n) => pool.run((x) => x, n).then(note));
  const urgent = [1, 2, 3].map((priority) => pool.run((x) => x, `urgent ${priority}`, { priority }).then(note));
  await Promise.all([...normal, ...urgent]);
  assertEqual(seen.length, 603);
  await pool.destroy();
});
