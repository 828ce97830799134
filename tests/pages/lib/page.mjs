// Drives one test file inside its page: imports it, runs its tests one after another, reports each to the runner.
import { context, control, setCrashPoint, sleep, tests, within } from './test.mjs';

const query = new URLSearchParams(location.search);
const file = query.get('file');
const id = query.get('id');
const start = Number(query.get('start') ?? 0);
const errors = globalThis.__pageErrors;

const report = (body) => control('report', { id, ...body });

/** An error with its stack (which begins with the message in Chromium only) and its causes. */
function explain(error) {
  if (!(error instanceof Error || error instanceof DOMException)) return `thrown: ${String(error)}`;
  const head = `${error.name}: ${error.message}`;
  const stack = error.stack ?? '';
  return `${stack.includes(error.message) ? '' : `${head}\n`}${stack}${error.cause ? `\ncaused by ${explain(error.cause)}` : ''}`;
}

/** Why a test does not apply here, or undefined. */
function notHere({ only, modes, shared, reason }) {
  const applies =
    (!only || only.includes(context.browser)) && (!modes || modes.includes(context.mode)) && (shared ?? context.shared) === context.shared;
  return applies ? undefined : reason;
}

let taken = 0;

/** Page errors that nobody has taken yet. */
function takeErrors() {
  const fresh = errors.slice(taken);
  taken = errors.length;
  return fresh;
}

/** Page errors that came between tests. */
const stray = [];

async function runOne(index) {
  const { name, phases, timeout, pageErrors, ...rest } = tests[index];
  const reason = notHere(rest);
  if (reason) return report({ index, name, outcome: 'elsewhere', reason });
  const resumed = index === start && query.has('phase');
  const phase = resumed ? Number(query.get('phase')) : 0;
  await report({ index, name, phase, outcome: 'started', timeout });
  const state = resumed ? (await control('state', { id })) ?? undefined : undefined;
  stray.push(...takeErrors());
  let problem;
  let result;
  try {
    setCrashPoint({ id, index, phase: phase + 1 });
    if (phase >= phases.length) throw new Error('the last phase of a test must not crash the browser');
    result = await within(timeout, Promise.resolve(phases[phase](state)), 'the test');
  } catch (error) {
    problem = explain(error);
  }
  // Rejections count as unhandled one task after they happen.
  await sleep(0);
  await sleep(0);
  const provoked = takeErrors().filter((text) => !pageErrors?.test(text));
  if (provoked.length > 0) problem = [problem, ...provoked].filter(Boolean).join('\n');
  if (problem) return report({ index, name, outcome: 'failed', problem });
  if (phase + 1 < phases.length) {
    await control('crash', { id, index, phase: phase + 1, state: result });
    return new Promise(() => {});
  }
  return report({ index, name, outcome: 'passed' });
}

async function runAll() {
  try {
    await import(file);
    if (tests.length === 0) throw new Error('it declares no test');
  } catch (error) {
    await report({ outcome: 'broken', problem: `${file}: ${explain(error)}` });
    return;
  }
  for (let index = start; index < tests.length; index += 1) await runOne(index);
  await sleep(20);
  stray.push(...takeErrors());
  await report({ outcome: 'done', problem: stray.length > 0 ? `outside of any test: ${stray.join('\n')}` : undefined });
}

await runAll();
