// A bare sync access handle: writes what it is sent, as many pieces as it is asked for, or what another worker hands it by words.
import { awaitWord, SHARED } from '../lib/words.mjs';

const root = await navigator.storage.getDirectory();
const file = await (await root.getFileHandle(`bench-bare-${name}`, { create: true })).createSyncAccessHandle();
let at = 0;

const write = (bytes) => {
  if (file.write(bytes, { at }) !== bytes.length) throw new Error('a short write');
  at += bytes.length;
};

/** Writes what the other worker puts into shared memory, a piece for each count of the first word; the second word answers. */
function serve({ shared, count, bytes }) {
  const words = new Int32Array(shared, 0, 2);
  const piece = new Uint8Array(shared, SHARED, bytes);
  for (let done = 0; done < count; done++) {
    awaitWord(words, 0, done);
    write(piece);
    Atomics.store(words, 1, done + 1);
    Atomics.notify(words, 1);
  }
}

onmessage = ({ data }) => {
  if (data === 'close') {
    file.truncate(0);
    file.close();
    return postMessage(0);
  }
  if (data instanceof Uint8Array) {
    write(data);
    return postMessage(0);
  }
  if (data.shared) return serve(data);
  const bytes = new Uint8Array(data.bytes).fill(7);
  const start = performance.now();
  for (let left = data.count; left > 0; left--) write(bytes);
  postMessage(performance.now() - start);
};
postMessage('ready');
