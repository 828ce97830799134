// Modules of tasks that import the package themselves: one kernel, one filesystem, whoever loaded the code.
// modes: isolated bare
import { assertEqual, test } from '/tests/pages/lib/test.mjs';
import { createHeap, createPool, createQueue } from 'isolith';
import { readFile, writeFile } from 'isolith/fs';

const shared = { shared: true, reason: 'needs shared memory' };
const url = '/tests/pages/pool/modules/imports.js';

test('files that such a task writes are those of the page and of its context', async () => {
  const pool = createPool(2);
  const tasks = pool.module(url);
  const texts = Array.from({ length: 8 }, (_, n) => `text ${n}`);
  const seen = await Promise.all(texts.map((text, n) => tasks.run('write', { path: `/imports-${n}`, text })));
  assertEqual(seen, texts.map((text) => [text, text]));
  for (const [n, text] of texts.entries()) assertEqual(await readFile(`/imports-${n}`, 'utf8'), text);
  await writeFile('/imports-page', 'by the page');
  assertEqual(await tasks.run('later', '/imports-page'), 'by the page');
  assertEqual(await tasks.run('missing', '/imports-none'), ['ENOENT', true, false]);
  await pool.destroy();
}, shared);

test('memory and queues too', async () => {
  const pool = createPool(1);
  const tasks = pool.module(url);
  const { ptr, oneMemory } = await tasks.run('alloc', 100);
  assertEqual(oneMemory, true);
  (await createHeap()).free(ptr);
  const queue = createQueue({ capacity: 64 });
  await tasks.run('push', { handle: queue.handle, to: 40 });
  assertEqual(Array.from({ length: 40 }, () => queue.pop()), Array.from({ length: 40 }, (_, n) => n));
  await pool.destroy();
}, shared);

test('and it can have a pool of its own', async () => {
  const pool = createPool(1);
  assertEqual(await pool.module(url).run('nested', 1), 2);
  await pool.destroy();
});
