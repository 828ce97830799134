// isolith/coi: a page without headers becomes cross-origin isolated by its service worker.
// modes: bare
import { assert, assertEqual, assertRejects, openTab, respond, test } from '/tests/pages/lib/test.mjs';
import { enableIsolation } from 'isolith/coi';

const script = '/isolith-coi-test.js';

test('after registration the next visit is isolated and shares memory with workers', async () => {
  const source = await (await fetch('/pkg/dist/coi-worker.js')).text();
  await respond(script, { status: 200, headers: { 'content-type': 'text/javascript', 'service-worker-allowed': '/' }, body: source });
  assertEqual(await enableIsolation({ script, reload: false }), false);
  const tab = await openTab();
  try {
    const seen = await tab.run(async () => {
      const { createHeap, createPoolWasm, memory } = await import('isolith');
      const heap = await createHeap();
      const pool = await createPoolWasm(memory, 1);
      const block = heap.fromArrayBuffer(new Uint8Array([42]));
      const value = await pool.runHeap(({ ptr, HEAP }) => HEAP[ptr], block);
      pool.destroy();
      return [crossOriginIsolated, value];
    });
    assertEqual(seen, [true, 42]);
  } finally {
    await tab.close();
    for (const registration of await navigator.serviceWorker.getRegistrations()) await registration.unregister();
  }
}, { timeout: 40_000, only: ['chromium', 'firefox', 'webkit'], reason: 'webkit-unshared shares no memory, isolated or not' });

test('a script that is not there is a typed error', async () => {
  await assertRejects(enableIsolation({ script: '/no/such/service-worker.js' }), { code: 'ERR_COI', message: /no\/such/ });
});

test('on a page that is not isolated support() says so, in words that help', async () => {
  const { support } = await import('isolith');
  const { sharedMemory } = support();
  assert(sharedMemory === true || /Cross-Origin-Opener-Policy/.test(sharedMemory), String(sharedMemory));
});
