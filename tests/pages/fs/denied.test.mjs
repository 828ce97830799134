// Without IndexedDB, or where it is denied, the filesystem says so, or keeps files in memory if it was asked to.
// modes: isolated bare
import { assert, assertEqual, assertRejects, context, respond, test } from '/tests/pages/lib/test.mjs';
import { createPool } from 'isolith';
import fs from 'isolith/fs';

/** Ways in which storage is not to be had: as in private windows, with blocked cookies, in odd engines. */
const DENIALS = {
  missing: () => Object.defineProperty(globalThis, 'indexedDB', { value: undefined, configurable: true }),
  denied: () => {
    IDBFactory.prototype.open = () => {
      throw new DOMException('storage is denied', 'SecurityError');
    };
  },
  failing: () => {
    IDBFactory.prototype.open = () => {
      const request = { error: new DOMException('A mutation operation was attempted on a database that did not allow mutations.', 'InvalidStateError') };
      setTimeout(() => request.onerror());
      return request;
    };
  },
};

const worker = await (await fetch('/pkg/dist/worker.js')).text();

/** Takes storage away where the stores live: on the page itself, or, with shared memory, in a worker. */
async function deny(way) {
  if (context.shared) await respond('/pkg/dist/worker.js', { status: 200, headers: { 'content-type': 'text/javascript' }, body: `(${way})();\n${worker}` });
  else way();
}

test('a missing or denied IndexedDB is named', async () => {
  const open = IDBFactory.prototype.open;
  const { indexedDB } = globalThis;
  await deny(DENIALS.denied);
  await assertRejects(fs.writeFile('/f', 'x'), { code: 'ERR_NO_STORAGE', message: /IndexedDB is not to be had here: .*storage is denied.*fallback: 'memory'/ });
  await deny(DENIALS.failing);
  await assertRejects(fs.readdir('/'), { code: 'ERR_NO_STORAGE', message: /did not allow mutations/ });
  await deny(DENIALS.missing);
  await assertRejects(fs.stat('/'), { code: 'ERR_NO_STORAGE', message: /has no IndexedDB/ });
  IDBFactory.prototype.open = open;
  Object.defineProperty(globalThis, 'indexedDB', { value: indexedDB, configurable: true });
});

test('workers are told, too', async () => {
  await deny(DENIALS.denied);
  const pool = createPool(1);
  await assertRejects(pool.run(() => fs.sync.readdirSync('/')), { code: 'EIO', message: /could not be opened/ });
  await assertRejects(pool.run(() => fs.promises.readdir('/')), { code: 'EIO' });
  await pool.destroy();
}, { shared: true, reason: 'workers share the filesystem only where they share memory' });

test('memory serves where it was asked to, and what needs no database works', async () => {
  await deny(DENIALS.denied);
  fs.configure({ fallback: 'memory' });
  await fs.writeFile('/f', 'in memory');
  assertEqual(await fs.readFile('/f', 'utf8'), 'in memory');
  // Who asked for it can see that it was applied.
  assertEqual((await fs.usage()).durable, false);
  assertEqual((await fs.statfs('/')).type, 0x1021994);
  await fs.mkdir('/bundle');
  await fs.mount('/bundle', { store: 'bundle', files: { a: 'b' } });
  assertEqual(await fs.readFile('/bundle/a', 'utf8'), 'b');
  await fs.mkdir('/other');
  await assertRejects(fs.mount('/other', { name: 'other' }), { code: 'ERR_NO_STORAGE' });
  assertEqual(await fs.check(), []);
  if (!context.shared) return;
  const pool = createPool(1);
  assertEqual(await pool.run(() => fs.sync.readFileSync('/f', 'utf8')), 'in memory');
  await pool.destroy();
  // As Firefox does in private windows.
  assert((await fs.readdir('/other')).length === 0);
});
