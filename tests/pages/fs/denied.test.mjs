// Without IndexedDB the filesystem says so, or keeps files in memory if it was asked to.
// modes: bare
import { assertEqual, assertRejects, test } from '/tests/pages/lib/test.mjs';
import fs from 'isolith/fs';

const unshared = { shared: false, reason: 'where memory is not shared the page itself opens the database, so that a test can take it away' };

test('a missing IndexedDB is named, and memory serves where it was asked to', async () => {
  const original = IDBFactory.prototype.open;
  IDBFactory.prototype.open = () => {
    throw new DOMException('storage is denied', 'SecurityError');
  };
  await assertRejects(fs.writeFile('/f', 'x'), { message: /storage is denied/ });
  fs.configure({ fallback: 'memory' });
  await fs.writeFile('/f', 'in memory');
  assertEqual(await fs.readFile('/f', 'utf8'), 'in memory');
  IDBFactory.prototype.open = original;
}, unshared);
