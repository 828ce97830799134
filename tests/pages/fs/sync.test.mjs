// Tasks in workers read and write files without waiting for promises, and see what the page writes.
// modes: isolated
import { assert, assertEqual, assertRejects, test } from '/tests/pages/lib/test.mjs';
import { createPool, readText, writeFile, writeText } from 'isolith';

const shared = { shared: true, reason: 'workers share the filesystem only where they share memory' };

test('a worker that comes first starts the stores', async () => {
  const pool = createPool(1);
  assertEqual(await pool.run(() => {
    fs.sync.mkdirSync('/first', { recursive: true });
    fs.sync.writeFileSync('/first/file', 'written by a worker');
    return fs.sync.readFileSync('/first/file', 'utf8');
  }), 'written by a worker');
  assertEqual(await readText('/first/file'), 'written by a worker');
  pool.destroy();
}, shared);

test('what the page has written is read synchronously, by all workers', async () => {
  await writeText('/page.txt', 'from the page');
  const bytes = Uint8Array.from({ length: 700_001 }, (_, at) => at % 253);
  await writeFile('/page.bin', bytes);
  const pool = createPool(3);
  const read = (_, ctx) => {
    const bytes = ctx.fs.readFileSync('/page.bin');
    return [ctx.fs.sync.readFileSync('/page.txt', 'utf8'), bytes.length, bytes[700_000], ctx.fs.statSync('/page.bin').size];
  };
  const sums = await Promise.all([0, 1, 2].map(() => pool.run(read)));
  for (const sum of sums) assertEqual(sum, ['from the page', 700_001, bytes[700_000], 700_001]);
  pool.destroy();
}, shared);

test('promises work in workers, many at once', async () => {
  const pool = createPool(2);
  const work = (id) => Promise.all(Array.from({ length: 50 }, async (_, at) => {
    await fs.promises.writeFile(`/w${id}-${at}`, `${id}:${at}`);
    return fs.promises.readFile(`/w${id}-${at}`, 'utf8');
  }));
  const all = await Promise.all([pool.run(work, 1), pool.run(work, 2)]);
  assert(all.every((texts, id) => texts.every((text, at) => text === `${id + 1}:${at}`)));
  pool.destroy();
}, shared);

test('errors have the shape of Node.js in workers, too', async () => {
  const pool = createPool(1);
  await assertRejects(pool.run(() => fs.sync.readFileSync('/nowhere')), { code: 'ENOENT', errno: -2, syscall: 'open', path: '/nowhere' });
  assertEqual(await pool.run(() => fs.sync.existsSync('/nowhere')), false);
  pool.destroy();
}, shared);
