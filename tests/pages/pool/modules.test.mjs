// Tasks from modules and proxies: without eval, under a strict Content-Security-Policy too.
// modes: isolated bare csp
import { assert, assertEqual, assertRejects, context, test } from '/tests/pages/lib/test.mjs';
import { createPool } from 'isolith';

const url = '/tests/pages/pool/modules/tasks.js';

test('exports of a module run as tasks, by name', async () => {
  const pool = createPool(2);
  const tasks = pool.module(url);
  assertEqual(await tasks.run('double', 21), 42);
  assertEqual(await pool.run('double', 4), 8);
  const seen = [];
  assertEqual(await tasks.run('later', 'x', { onProgress: (it) => seen.push(it) }), ['x', true]);
  assertEqual(seen, ['half']);
  assertEqual(await Promise.all(Array.from({ length: 100 }, (_, n) => pool.run('double', n))), Array.from({ length: 100 }, (_, n) => 2 * n));
  await assertRejects(tasks.run('nope'), { code: 'ERR_NO_SUCH_TASK', message: /double/ });
  await assertRejects(tasks.run('notAFunction'), { code: 'ERR_NO_SUCH_TASK' });
  await assertRejects(tasks.run('fail'), { name: 'RangeError', message: 'from the module' });
  await assertRejects(pool.module('/no/such/module.js').run('x'), { code: 'ERR_MODULE_NOT_FOUND' });
  await pool.destroy();
  const named = createPool({ size: 1, module: url });
  assertEqual(await named.run('double', 3), 6);
  await named.destroy();
});

test('functions as source fail at once where the policy forbids them, and say why', async () => {
  const pool = createPool(1);
  if (context.mode === 'csp') {
    await assertRejects(pool.run((x) => x, 1), { code: 'ERR_CSP', message: /pool\.module/ });
    assertEqual(await pool.module(url).run('double', 1), 2);
  } else {
    assertEqual(await pool.run((x) => x, 1), 1);
  }
  await pool.destroy();
}, { pageErrors: /policy violation: script-src/ });

test('a proxy calls exports with arguments, call-backs and async iterables', async () => {
  const pool = createPool(2);
  const far = pool.proxy(url);
  assertEqual(await far.add(2, 3), 5);
  assertEqual(await far.callMe(async (n) => n * 10, 4), 60);
  await assertRejects(far.callMe(() => { throw new TypeError('at the page'); }, 1), { name: 'TypeError', message: 'at the page' });
  async function* items() {
    yield* [1, 2, 3];
  }
  assertEqual(await far.total(items()), 6);
  const seen = [];
  for await (const n of await far.count(5)) seen.push(n);
  assertEqual(seen, [0, 1, 2, 3, 4]);
  for await (const n of await far.count(1e9)) if (n === 3) break;
  await assertRejects(far.fail(), { name: 'RangeError' });
  assert((await far) === far, 'a proxy is no promise');
  await pool.destroy();
});
