// Runs a function in a worker thread with `isolith/sync` at hand; for the tests beside it.
import { Worker } from 'node:worker_threads';

const DIST = new URL('../../../pkg/dist/sync.js', import.meta.url).href;

const BODY = `
const { parentPort, workerData } = require('node:worker_threads');
(async () => {
  const sync = await import(workerData.dist);
  if (workerData.id) sync.setThreadId(workerData.id);
  try {
    const value = await (0, eval)('(' + workerData.source + ')')(workerData.data, sync, (note) => parentPort.postMessage({ note }));
    parentPort.postMessage({ value });
  } catch (error) {
    parentPort.postMessage({ error: error.code ?? error.name, message: error.message + error.stack });
  }
})();`;

/** A worker that runs `fn(data, sync, note)`: `result` settles with its answer, `noted` with its first note. */
export function thread(fn, data, id) {
  const worker = new Worker(BODY, { eval: true, workerData: { dist: DIST, source: String(fn), data, id } });
  const keepAlive = setInterval(() => {}, 1000);
  let noted;
  const note = new Promise((resolve) => (noted = resolve));
  const result = new Promise((resolve, reject) => {
    worker.on('message', (message) => {
      if ('note' in message) return noted(message.note);
      if ('error' in message) reject(Object.assign(new Error(message.message), { code: message.error }));
      else resolve(message.value);
    });
    worker.on('error', reject);
    worker.on('exit', () => reject(new Error('the thread ended without an answer')));
  }).finally(() => {
    clearInterval(keepAlive);
    return worker.terminate();
  });
  result.catch(() => {});
  return { worker, noted: note, result, terminate: () => worker.terminate() };
}
