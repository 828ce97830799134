// The test runner's own promises: modes, tabs, rules, crashes and page errors work as its documents say.
// modes: isolated bare csp
import { assert, assertEqual, assertRejects, assertThrows, context, crash, openTab, origins, respond, screenshot, test, testAcrossCrashes } from '../lib/test.mjs';

test('a page is isolated exactly when its mode says so', () => {
  assertEqual(crossOriginIsolated, context.mode !== 'bare');
});

test('shared memory can be posted exactly where the context promises it', () => {
  const { port1 } = new MessageChannel();
  const post = () => port1.postMessage(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
  if (context.shared) post();
  else assertThrows(post);
});

test('functions from text are refused under the strict policy only', () => {
  const make = () => new Function('return 1')();
  if (context.mode === 'csp') assertThrows(make, { name: 'EvalError' });
  else assertEqual(make(), 1);
}, { pageErrors: /policy violation: script-src/ });

test('the server answers a path as the test asked', async () => {
  const path = '/tests/pages/infra/runner.test.mjs';
  assertEqual((await fetch(path)).status, 200);
  await respond(path, { status: 404 });
  assertEqual((await fetch(path)).status, 404);
});

test('the stream holds the bytes it promises and can break off', async () => {
  const bytes = new Uint8Array(await (await fetch('/stream?chunks=3&size=1000')).arrayBuffer());
  assertEqual(bytes, Uint8Array.from({ length: 3000 }, (_, i) => i % 251));
  await assertRejects(async () => (await fetch('/stream?chunks=3&size=100000&break=1&delay=20')).arrayBuffer(), { name: 'TypeError' });
});

test('the second origin is another one', async () => {
  const { cross } = await origins();
  assert(cross !== location.origin);
  assertEqual((await fetch(`${cross}/tests/pages/lib/errors.js`)).status, 200);
});

test('a second tab runs functions and shares storage', async () => {
  const tab = await openTab();
  localStorage.setItem('key', 'value');
  assertEqual(await tab.run((key) => ({ value: localStorage.getItem(key), view: Uint8Array.of(1, 2) }), 'key'), { value: 'value', view: Uint8Array.of(1, 2) });
  await assertRejects(tab.run(() => { throw new RangeError('no'); }), { name: 'RangeError', message: 'no' });
  await tab.close();
}, { modes: ['isolated', 'bare'], reason: 'functions are shipped to the tab as text, which the policy refuses' });

test('a screenshot is taken', async () => {
  assert((await screenshot('runner')).endsWith('.png'));
});

const put = (value) =>
  new Promise((done, failed) => {
    const open = indexedDB.open('runner');
    open.onupgradeneeded = () => open.result.createObjectStore('rows');
    open.onerror = () => failed(open.error);
    open.onsuccess = () => {
      const store = open.result.transaction('rows', 'readwrite', { durability: 'strict' });
      const old = store.objectStore('rows').get('row');
      store.objectStore('rows').put(value, 'row');
      store.oncomplete = () => done(old.result);
      store.onabort = () => failed(store.error);
    };
  });

testAcrossCrashes('committed rows outlive a killed browser, twice', [
  async () => {
    assertEqual(await put(1), undefined);
    return { next: 2 };
  },
  async ({ next }) => {
    assertEqual(await put(next), 1);
    await crash({ next: 3 });
  },
  async ({ next }) => assertEqual(await put(next), 2),
], { modes: ['isolated'], only: ['chromium', 'firefox'], reason: 'WebKit under automation keeps no profile, and one origin is enough' });
