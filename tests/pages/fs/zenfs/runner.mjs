// What the suite uses of node:test: suites, tests one after another, tests within tests, hooks.

/** How long one test may take, in milliseconds. */
const PATIENCE = 15_000;

const before = [];
const queue = [];
const after = [];
const results = [];
let names = [];
let inherited = {};
let running = false;

function split(name, ...rest) {
  const fn = rest.find((it) => typeof it === 'function');
  const options = rest.find((it) => typeof it === 'object') ?? {};
  return { name, options, fn };
}

export function suite(...args) {
  const { name, options, fn } = split(...args);
  const [outerNames, outer] = [names, inherited];
  [names, inherited] = [[...names, name], { ...inherited, ...options }];
  fn();
  [names, inherited] = [outerNames, outer];
}

export function test(...args) {
  const { name, options, fn } = split(...args);
  const one = { name: [...names, name].join(': '), options: { ...inherited, ...options }, fn };
  // Within a running test it is a part of that one, to be waited for there.
  if (running) return execute(one, true);
  queue.push(one);
  return Promise.resolve();
}

test.before = (fn) => void before.push(fn);
test.after = (fn) => void after.push(fn);
export default test;

async function execute({ name, options, fn }, within) {
  if (options.skip || options.todo) {
    results.push({ name, skipped: options.skip ?? options.todo });
    return;
  }
  const outer = names;
  if (within) names = [name];
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not end within ${PATIENCE} ms`)), PATIENCE);
  });
  const call = fn.length > 1
    ? () => new Promise((resolve, reject) => fn({}, (error) => (error ? reject(error) : resolve())))
    : async () => fn({});
  try {
    await Promise.race([call(), late]);
    results.push({ name });
  } catch (error) {
    results.push({ name, error: `${error?.name}: ${error?.message ?? error}` });
  } finally {
    clearTimeout(timer);
    names = outer;
  }
}

/** Runs all that was declared; what each came to. */
export async function run() {
  running = true;
  for (const fn of before) await fn();
  for (const one of queue) await execute(one, false);
  for (const fn of after) await fn();
  running = false;
  return results;
}
