// Bare IndexedDB: gets records of a size one after the other, as a store's own worker would.
const request = (wanted) =>
  new Promise((resolve, reject) => {
    wanted.onsuccess = () => resolve(wanted.result);
    wanted.onerror = () => reject(wanted.error);
  });

let db;

async function fill({ size, count }) {
  const opening = indexedDB.open(`bench-get-${size}`, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore('records');
  db = await request(opening);
  const transaction = db.transaction('records', 'readwrite');
  const records = transaction.objectStore('records');
  for (let key = 0; key < count; key++) records.put(Uint8Array.from({ length: size }, (_, at) => at % 251), key);
  await new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
}

onmessage = async ({ data }) => {
  if (data.size) await fill(data);
  const start = performance.now();
  let bytes = 0;
  for (let key = 0; key < data.count; key++) bytes += (await request(db.transaction('records').objectStore('records').get(key))).length;
  postMessage({ time: performance.now() - start, bytes });
};
