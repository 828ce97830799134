// A batch of the IndexedDB store is written whole or not at all, and who comes second is told that another was first.
// modes: isolated bare
import { assertEqual, test } from '/tests/pages/lib/test.mjs';
import { CommitError, openIdb } from '/pkg/dist/fs/idb.js';

const record = (kind, at, value) => ({ key: Uint8Array.of(kind, at), value: Uint8Array.of(value) });
const log = (at, value) => record(0x62, at, value);
const extent = (at, value) => record(0x63, at, value);

/** The error of a batch, as its number; 0 when it was written. */
async function outcome(batch) {
  return batch.then(() => 0, (error) => {
    if (!(error instanceof CommitError)) throw error;
    return error.errno;
  });
}

async function scene(body) {
  const name = `commit-${crypto.randomUUID()}`;
  const records = await openIdb(name, 'relaxed', { lost() {} });
  try {
    await body(records);
  } finally {
    records.close();
    indexedDB.deleteDatabase(name);
  }
}

for (const [where, batch] of [
  ['first', [log(7, 2), extent(1, 2), extent(2, 2)]],
  ['in the middle', [extent(1, 2), log(7, 2), log(8, 2), extent(2, 2)]],
  ['last', [extent(1, 2), extent(2, 2), log(7, 2)]],
  ['alone', [log(7, 2)]],
])
  test(`a batch whose log record is taken writes nothing: it comes ${where}`, () => scene(async (records) => {
    await records.commit([log(7, 1), extent(1, 1)]);
    for (let round = 0; round < 20; round++) assertEqual(await outcome(records.commit(batch)), 116);
    assertEqual((await records.image()).map(({ key, value }) => [...key, ...value]), [[0x62, 7, 1]]);
    const extents = await records.load([Uint8Array.of(0x63, 1), Uint8Array.of(0x63, 2)]);
    assertEqual(extents.map((bytes) => bytes && [...new Uint8Array(bytes)]), [[1], undefined]);
    assertEqual(await outcome(records.commit([log(8, 2), extent(2, 2)])), 0);
  }));
