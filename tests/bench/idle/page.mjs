// The page of the idle table: brings up nothing, two bare workers or a pool of two, lets them work, and then does nothing.
const what = new URLSearchParams(location.search).get('what');
const TASKS = 2000;
const post = (name, body) => fetch(`/control/${name}`, { method: 'POST', body: JSON.stringify(body) });

async function bare() {
  const source = URL.createObjectURL(new Blob(['onmessage = ({ data }) => postMessage(data + 1);'], { type: 'text/javascript' }));
  const ask = (worker, value) =>
    new Promise((done, failed) => {
      worker.onmessage = ({ data }) => done(data);
      worker.onerror = failed;
      worker.postMessage(value);
    });
  globalThis.kept = [new Worker(source), new Worker(source)];
  for (let i = 0; i < TASKS; i++) if ((await ask(globalThis.kept[i % 2], i)) !== i + 1) throw new Error('wrong answer');
}

async function pool() {
  const { createPool } = await import('/pkg/dist/index.js');
  globalThis.kept = createPool(2);
  const answers = await Promise.all(Array.from({ length: TASKS }, (_, i) => globalThis.kept.run((x) => x + 1, i)));
  if (answers.some((answer, i) => answer !== i + 1)) throw new Error('wrong answer');
}

try {
  await { nothing: async () => {}, bare, isolith: pool }[what]();
  await post('idle', {});
} catch (error) {
  await post('failed', { why: String(error?.stack ?? error) });
}
