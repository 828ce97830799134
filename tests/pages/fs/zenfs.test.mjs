// ZenFS's own suite for filesystems passes on ours, in a worker: what does not, and why, stands here.
// modes: isolated
import { assert, assertEqual, test } from '/tests/pages/lib/test.mjs';
import { createPool } from 'isolith';
import fs from 'isolith/fs';

/** What fails, by name, and why it shall. */
const MISSES = {
  'times: Times: read changes atime':
    'reads leave the time of access alone, as on a disk mounted with noatime: a read must not cost a write',
  'links: Links: mkdir follows symlinks for intermediate components':
    'of a link that leads nowhere Node.js says ENOTDIR in its promises and ENOENT in mkdirSync; here both say ENOENT',
};

const SUITE = '/made/tests/pages/fs/zenfs/suite';

test('the suite passes but for what is known', async () => {
  fs.configure({ name: 'zenfs' });
  const files = await (await fetch(SUITE)).json();
  const pool = createPool(1);
  const results = [];
  for (const file of files) {
    const url = new URL(`${SUITE}?file=${file}`, location.href).href;
    const ran = await pool.run(async (url) => (await import(url)).run(), url).catch((error) => [{ name: 'it loads', error: String(error) }]);
    results.push(...ran.map((result) => ({ ...result, name: `${file}: ${result.name}` })));
  }
  await pool.destroy();
  assert(results.length >= 203, `${results.length} tests ran`);
  const failed = results.filter(({ error, skipped }) => error || skipped);
  const unknown = failed.filter(({ name }) => !(name in MISSES));
  assert(unknown.length === 0, unknown.map(({ name, error, skipped }) => `${name}: ${error ?? skipped}`).join('\n'));
  assertEqual(failed.map(({ name }) => name).sort(), Object.keys(MISSES).sort());
}, { shared: true, reason: 'the suite calls blocking functions, which workers have where memory is shared', timeout: 120_000 });
