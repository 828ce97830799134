// A tab behind whose back the log was closed gives up the right to write, says so to who waits, and goes on with the log as it is.
// modes: isolated bare
import { assert, assertEqual, test } from '/tests/pages/lib/test.mjs';
import fs from 'isolith/fs';

/** Closes the log as a tab does that takes over: an empty record after the last. */
async function seal() {
  const db = await new Promise((done, failed) => {
    const request = indexedDB.open('isolith');
    request.onsuccess = () => done(request.result);
    request.onerror = () => failed(request.error);
  });
  const tx = db.transaction('records', 'readwrite');
  const store = tx.objectStore('records');
  await new Promise((done, failed) => {
    store.getAllKeys(IDBKeyRange.bound(Uint8Array.of(0x62), Uint8Array.of(0x63), false, true)).onsuccess = ({ target }) => {
      const key = new Uint8Array(target.result.at(-1).slice(0));
      new DataView(key.buffer).setUint32(5, new DataView(key.buffer).getUint32(5) + 1);
      store.add(new ArrayBuffer(0), key);
    };
    tx.oncomplete = done;
    tx.onabort = () => failed(tx.error);
  });
  db.close();
}

/** How many writes of `text` failed before one was done. */
async function tries(path, text) {
  for (let failed = 0; ; failed++) {
    try {
      await fs.writeFile(path, text);
      return failed;
    } catch (error) {
      assertEqual(error.code, 'EIO');
      assert(/another tab/.test(error.message), error.message);
      assert(failed < 4, 'it goes on');
    }
  }
}

test('a log that was closed by another is read again, and writing goes on', async () => {
  for (let round = 0; round < 5; round++) {
    await fs.writeFile('/before', `kept ${round}`);
    await seal();
    assert((await tries('/after', `written ${round}`)) > 0, 'who waits is told that another came first');
    assertEqual(await fs.readFile('/before', 'utf8'), `kept ${round}`);
    assertEqual(await fs.readFile('/after', 'utf8'), `written ${round}`);
    assertEqual(await fs.check(), []);
  }
});
