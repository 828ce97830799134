// Has another worker, which owns a bare sync access handle, write pieces one after the other, and waits for each.
import { awaitWord, SHARED } from '../lib/words.mjs';

onmessage = ({ data: { shared, count, bytes } }) => {
  const words = new Int32Array(shared, 0, 2);
  const target = new Uint8Array(shared, SHARED, bytes);
  const piece = new Uint8Array(bytes).fill(7);
  const start = performance.now();
  for (let done = 0; done < count; done++) {
    target.set(piece);
    Atomics.store(words, 0, done + 1);
    Atomics.notify(words, 0);
    awaitWord(words, 1, done);
  }
  postMessage(performance.now() - start);
};
postMessage('ready');
