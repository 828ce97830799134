// A worker's code in several scripts: what it loads when, and what happens where some of them are not to be had.
// modes: isolated bare
import { assertEqual, assertRejects, context, openTab, respond, test } from '/tests/pages/lib/test.mjs';
import { createPool } from 'isolith';

const timeout = 60_000;
const gone = { status: 404, headers: { 'content-type': 'text/plain' }, body: 'gone' };

/** Answers for a script otherwise while `use` runs. */
async function answering(script, rule, use) {
  await respond(`/pkg/dist/${script}.js`, rule);
  try {
    return await use();
  } finally {
    await respond(`/pkg/dist/${script}.js`, {});
  }
}

/** In a page of its own, where no worker has started yet: the script of a worker, and what a task makes of an object and a file. */
async function freshWorker() {
  const tab = await openTab();
  try {
    return await tab.run(async (shared) => {
      const { createPool } = await import('isolith');
      const pool = createPool(1);
      const seen = await pool.run(({ shared }) => {
        if (!shared) return [location.pathname, 'alone'];
        globalThis.fs.writeFileSync('/written', 'by a worker');
        return [location.pathname, globalThis.fs.readFileSync('/written', 'utf8')];
      }, { shared });
      await pool.destroy();
      return [...seen, String(pool.stats().workers.length)];
    }, context.shared);
  } finally {
    await tab.close();
  }
}

const ALL = [context.shared ? 'by a worker' : 'alone', '0'];

test('a worker starts by its first script, in which tasks find everything', async () => {
  assertEqual(await freshWorker(), ['/pkg/dist/worker-first.js', ...ALL]);
}, { timeout });

for (const script of ['worker-ring', 'worker-values', 'worker-rest']) {
  test(`where ${script} is not found, or is a page of the server's, a worker starts by the whole script`, async () => {
    assertEqual(await answering(script, gone, freshWorker), ['/pkg/dist/worker.js', ...ALL]);
    const page = { status: 200, headers: { 'content-type': 'text/html' }, body: '<!doctype html>' };
    assertEqual(await answering(script, page, freshWorker), ['/pkg/dist/worker.js', ...ALL]);
  }, { timeout });
}

test('where bundlers make modules of workers, they load all that they need at their start', async () => {
  const tab = await openTab();
  const seen = await tab.run(async () => {
    const Classic = globalThis.Worker;
    globalThis.Worker = class extends Classic {
      constructor(url, options) {
        super(url, { ...options, type: 'module' });
      }
    };
    const { createPool } = await import('isolith');
    const pool = createPool(1);
    const isModule = () => {
      try {
        importScripts('https://:');
      } catch (refusal) {
        return refusal instanceof TypeError;
      }
    };
    const seen = [await pool.run(() => location.pathname), String(await pool.run(isModule)), await pool.run(({ a }) => [a], { a: 'an object' })];
    await pool.destroy();
    return seen.flat();
  });
  await tab.close();
  assertEqual(seen, ['/pkg/dist/worker-first.js', 'true', 'an object']);
}, { timeout });

test('the rest comes with the first task that needs it, and where it is gone by then only that task fails', async () => {
  if (!context.shared) return;
  const pool = createPool(1);
  const hasRest = () => globalThis[Symbol.for('isolith.parts.1')]?.rest !== undefined;
  assertEqual(await pool.run(hasRest), false);
  await answering('worker-rest', gone, async () => {
    await assertRejects(pool.run((_, { heap }) => heap.alloc(8).ptr), { code: 'ERR_WORKER_START', message: /worker-rest\.js/ });
    assertEqual(await pool.run((x) => x + 1, 1), 2);
  });
  assertEqual(await pool.run((_, { heap }) => heap.alloc(8).ptr > 0), true);
  assertEqual(await pool.run(hasRest), true);
  assertEqual(pool.stats().workers[0].done, 4);
  await pool.destroy();
}, { timeout });
