// What happens to a database's connection: another tab deletes, upgrades or blocks it, the browser closes or clears it; and how hard it commits.
// modes: isolated bare
import { assert, assertEqual, assertRejects, clearStorage, context, openTab, respond, sleep, test, until } from '/tests/pages/lib/test.mjs';
import fs from 'isolith/fs';

const timeout = 60_000;

/** Opens a database as others would, in `version`; `kept` open even when it is asked to close. */
const open = (name, version, kept = false) => new Promise((done, failed) => {
  const request = indexedDB.open(name, version);
  request.onupgradeneeded = () => version > 1 || request.result.createObjectStore('records');
  request.onsuccess = () => {
    if (!kept) request.result.onversionchange = () => request.result.close();
    done(request.result);
  };
  request.onerror = () => failed(request.error);
  request.onblocked = () => failed(new Error('blocked'));
});

const remove = (name) => new Promise((done, failed) => {
  const request = indexedDB.deleteDatabase(name);
  request.onsuccess = done;
  request.onerror = () => failed(request.error);
});

async function mounted(name, options = {}) {
  await fs.mkdir(`/${name}`, { recursive: true });
  await fs.mount(`/${name}`, { name, ...options });
  return `/${name}`;
}

/** A mount that never ends by itself. It takes as long as the filesystem is patient: it begins here, and the other tests run meanwhile. */
const stuck = context.shared && context.mode === 'isolated' && (async () => {
  const keeper = await open('never-opens', 1, true);
  const deleted = remove('never-opens');
  return { keeper, deleted, error: await mounted('never-opens').then(() => ({}), (error) => error) };
})();

test('a later version of the page may upgrade the database at once, and is not written over', async () => {
  const dir = await mounted('upgraded');
  await fs.writeFile(`${dir}/file`, 'x');
  const later = await open('upgraded', 2);
  await assertRejects(fs.writeFile(`${dir}/file`, 'y'), { code: 'EIO', message: /upgraded is of a later version/ });
  await fs.writeFile('/elsewhere', 'goes on');
  await assertRejects(fs.unmount(dir), { code: 'EBUSY', message: /changes that are not durable/ });
  await fs.unmount(dir, { force: true });
  await assertRejects(fs.mount(dir, { name: 'upgraded' }), { code: 'ENOTSUP', message: /upgraded is of a later version/ });
  assertEqual(await fs.check(), []);
  later.close();
}, { timeout });

test('a database of a later version is no reason for a fallback', async () => {
  const later = await open('later', 2);
  const tab = await openTab();
  const [code, message] = await tab.run(async () => {
    const { default: fs } = await import('isolith/fs');
    fs.configure({ name: 'later', fallback: 'memory' });
    return fs.writeFile('/file', 'x').then(() => [], ({ code, message }) => [code, message]);
  });
  assertEqual(code, 'ENOTSUP', message);
  await tab.close();
  later.close();
}, { timeout });

test('a database that is being deleted elsewhere is waited for', async () => {
  const keeper = await open('blocked', 1, true);
  const deleted = remove('blocked');
  await fs.mkdir('/blocked', { recursive: true });
  let isMounted = false;
  const mounting = fs.mount('/blocked', { name: 'blocked' }).then(() => (isMounted = true));
  await sleep(300);
  assert(!isMounted, 'it cannot open yet');
  keeper.close();
  await mounting;
  await deleted;
  await fs.writeFile('/blocked/file', 'x');
  assertEqual(await fs.readFile('/blocked/file', 'utf8'), 'x');
}, { timeout });

/** Opens a tab in which the connections of IndexedDB can be listened to and closed, also those of the store thread. */
async function spied() {
  const spy = `(${() => {
    const { transaction } = IDBDatabase.prototype;
    const said = new BroadcastChannel('connections');
    const connections = new Set();
    IDBDatabase.prototype.transaction = function (stores, mode, options) {
      connections.add(this);
      if (mode === 'readwrite') said.postMessage({ name: this.name, durability: options?.durability });
      return transaction.call(this, stores, mode, options);
    };
    said.onmessage = ({ data: { close } }) => {
      for (const db of connections) {
        if (db.name !== close) continue;
        connections.delete(db);
        // As a browser does that lets go of a database.
        db.close();
        db.dispatchEvent(new Event('close'));
        said.postMessage({ closed: close });
      }
    };
  }})();`;
  const worker = await (await fetch('/pkg/dist/worker.js')).text();
  await respond('/pkg/dist/worker.js', { headers: { 'content-type': 'text/javascript' }, body: spy + worker });
  const tab = await openTab();
  await tab.run((spy) => (0, eval)(spy) && undefined, spy);
  return { tab, channel: new BroadcastChannel('connections') };
}

test('strict stores ask for the disk, relaxed ones do not, but for fsync', async () => {
  const { tab, channel } = await spied();
  const durabilities = { strict: new Set(), relaxed: new Set() };
  channel.onmessage = ({ data }) => durabilities[data.name]?.add(data.durability);
  await tab.run(async () => {
    const { default: fs } = await import('isolith/fs');
    for (const durability of ['strict', 'relaxed']) {
      await fs.mkdir(`/${durability}`, { recursive: true });
      await fs.mount(`/${durability}`, { name: durability, durability });
      await fs.writeFile(`/${durability}/file`, 'x');
      await fs.rename(`/${durability}/file`, `/${durability}/other`);
    }
  });
  await until(() => durabilities.strict.size > 0 && durabilities.relaxed.size > 0);
  assertEqual([...durabilities.strict], ['strict']);
  assertEqual([...durabilities.relaxed], ['relaxed']);
  await tab.run(async () => {
    const { default: fs } = await import('isolith/fs');
    const handle = await fs.open('/relaxed/other', 'r+');
    await handle.write('synced');
    await handle.sync();
    await handle.close();
  });
  await until(() => durabilities.relaxed.has('strict'), { what: 'fsync to ask for the disk itself' });
  channel.close();
  await tab.close();
}, { timeout });

test('a connection that the browser closes is opened again, and nothing is missing', async () => {
  const { tab, channel } = await spied();
  const heard = [];
  channel.onmessage = ({ data }) => heard.push(data);
  const closed = (name) => heard.some((one) => one.closed === name);
  const write = (text) => tab.run(async (text) => {
    const { default: fs } = await import('isolith/fs');
    await fs.mkdir('/closed', { recursive: true });
    if (text === 'first') await fs.mount('/closed', { name: 'closed' });
    for (const dir of ['/closed-', '/closed/']) await fs.writeFile(`${dir}${text}`, text);
    return [await fs.readFile('/closed/first', 'utf8'), await fs.readFile('/closed-first', 'utf8'), await fs.check()];
  }, text);
  assertEqual(await write('first'), ['first', 'first', []]);
  for (const name of ['closed', 'isolith']) {
    await until(() => heard.some((one) => one.name === name));
    channel.postMessage({ close: name });
    await until(() => closed(name));
  }
  assertEqual(await write('second'), ['first', 'first', []]);
  channel.close();
  await tab.close();
  // What was written on the new connection is in the database.
  assertEqual(await fs.readFile('/closed-second', 'utf8'), 'second');
}, { timeout });

test('one that never opens is given up with a clear error', async () => {
  const { keeper, deleted, error } = await stuck;
  assertEqual(error.code, 'EBUSY');
  assert(/never-opens did not open within \d+ ms: another tab/.test(error.message), error.message);
  keeper.close();
  await deleted;
  await fs.mount('/never-opens', { name: 'never-opens' });
  await fs.writeFile('/never-opens/file', 'x');
}, { timeout, shared: true, modes: ['isolated'], reason: 'once is enough for what takes so long' });

const chromium = { only: ['chromium'], reason: 'only its DevTools protocol clears storage', timeout };

test('files that the browser clears are gone, and a tab that knew them does not write among new ones', async () => {
  await fs.mkdir('/cleared', { recursive: true });
  for (let at = 0; at < 20; at++) await fs.writeFile(`/cleared/${at}`, `old ${at}`);
  await fs.mkdir('/memory', { recursive: true });
  await fs.mount('/memory', { store: 'memory' });
  await clearStorage('indexeddb');
  await assertRejects(fs.writeFile('/cleared/0', 'lost'), { code: 'EIO', message: /has been deleted/ });
  await fs.writeFile('/memory/file', 'goes on');
  const tab = await openTab();
  const found = await tab.run(async () => {
    const { default: fs } = await import('isolith/fs');
    for (let at = 0; at < 5; at++) await fs.writeFile(`/new-${at}`, 'new');
    return (await fs.readdir('/')).sort();
  });
  assertEqual(found, [0, 1, 2, 3, 4].map((at) => `new-${at}`));
  // The old tab must not take the new database for its own.
  for (const round of [1, 2]) await assertRejects(fs.writeFile(`/cleared/${round}`, 'among the new'), { code: 'EIO', message: /has been deleted/ });
  const [after, problems] = await tab.run(async () => {
    const { default: fs } = await import('isolith/fs');
    await fs.writeFile('/last', 'new');
    return [(await fs.readdir('/')).sort(), await fs.check()];
  });
  assertEqual([after, problems], [['last', ...found], []]);
  await tab.close();
}, chromium);
