// The benchmark page: takes its orders from the address, runs the measures, posts each result to the runner.
import files from 'bench:rows';
import { measure } from './harness.mjs';

const query = new URLSearchParams(location.search);
const only = query.getAll('only');
const who = query.getAll('who');
const skip = new Set(query.getAll('skip'));
const rounds = Number(query.get('rounds'));
const from = Number(query.get('from'));

const post = (name, body) =>
  fetch(`/control/${name}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

const errors = [];
addEventListener('error', (event) => errors.push(event.message));
addEventListener('unhandledrejection', (event) => {
  errors.push(`unhandled rejection: ${event.reason?.message ?? event.reason}`);
  event.preventDefault();
});

const env = {
  workers: Number(query.get('workers')),
  browser: query.get('browser'),
  workerUrl: (name) => new URL(`./workers/${name}.js`, location.href).href,
};

try {
  const all = (await Promise.all(files.map((rows) => (typeof rows === 'function' ? rows(env) : rows)))).flat();
  const wanted = all
    .filter(({ group, name }) => only.length === 0 || only.some((text) => `${group}: ${name}`.includes(text)))
    .filter((row) => who.length === 0 || who.some((text) => row.who.includes(text)));
  const measures = [...Map.groupBy(wanted, ({ group, name }) => `${group}: ${name}`)];
  for (const [index, [title, rows]] of measures.entries()) {
    if (index < from || skip.has(title)) continue;
    const at = (who) => post('at', { index, title, who });
    const results = await measure(rows.filter(({ who }) => !skip.has(`${title}\n${who}`)), { rounds, env, at });
    await post('measure', { index, count: measures.length, title, results, errors: errors.splice(0) });
  }
  await post('done', { measures: measures.length });
} catch (error) {
  await post('failed', { message: String(error?.stack ?? error) });
}
