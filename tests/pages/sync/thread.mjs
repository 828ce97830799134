// Workers with `isolith/sync` at hand, and certainty about their death; for the tests beside it.

const SYNC = import.meta.resolve('isolith/sync');
let next = 1000 + Math.floor(Math.random() * 1e6);

/**
 * A worker that runs `fn(data, sync, note)` (shipped as source: no closures), with a thread id of its own.
 * `result` settles with the answer, `noted` with the first note; `kill()` resolves when it is dead for certain.
 */
export function thread(fn, data) {
  const id = next++;
  const name = `isolith-test-thread-${id}`;
  const source = `
    import * as sync from ${JSON.stringify(SYNC)};
    sync.setThreadId(${id});
    onmessage = async ({ data }) => {
      await new Promise((held) => void navigator.locks.request(${JSON.stringify(name)}, () => { held(); return new Promise(() => {}); }));
      try {
        postMessage({ value: await (${fn})(data, sync, (note) => postMessage({ note })) });
      } catch (error) {
        postMessage({ error: String(error.code ?? error.name), message: String(error.message) });
      }
    };
    postMessage({ ready: true });`;
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(url, { type: 'module' });
  let noted;
  const note = new Promise((done) => (noted = done));
  const result = new Promise((done, failed) => {
    worker.onerror = (event) => failed(new Error(event.message || 'the worker did not start'));
    worker.onmessage = ({ data: message }) => {
      if ('ready' in message) worker.postMessage(data);
      else if ('note' in message) noted(message.note);
      else if ('error' in message) failed(Object.assign(new Error(message.message), { code: message.error }));
      else done(message.value);
    };
  });
  result.catch(() => {});
  void result.finally(() => URL.revokeObjectURL(url)).catch(() => {});
  return {
    id, result, noted: note,
    end: () => worker.terminate(),
    async kill() {
      worker.terminate();
      // Its lock is given to us only when the browser is done with it: up to 2 s later in Chromium.
      await navigator.locks.request(name, () => {});
    },
  };
}
