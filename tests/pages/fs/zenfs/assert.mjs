// What the suite uses of node:assert/strict.

function fail(message) {
  throw Object.assign(new Error(message), { name: 'AssertionError' });
}

const show = (value) => {
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${value.byteLength})`;
  if (typeof value === 'object' && value !== null) return value instanceof Error ? String(value) : JSON.stringify(value);
  return typeof value === 'bigint' ? `${value}n` : String(value);
};

function same(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => same(a[key], b[key]));
}

/** Whether an error is as wanted: a class, a pattern, fields, or a function that says so. */
function check(error, wanted) {
  if (wanted === undefined) return;
  if (typeof wanted === 'function') {
    if (wanted.prototype instanceof Error || wanted === Error) {
      if (!(error instanceof wanted)) fail(`${show(error)} is no ${wanted.name}`);
    } else if (wanted(error) !== true) fail(`${show(error)} is not as wanted`);
  } else if (wanted instanceof RegExp) {
    if (!wanted.test(String(error))) fail(`${show(error)} does not match ${wanted}`);
  } else {
    for (const [key, value] of Object.entries(wanted)) {
      if (!same(error[key], value)) fail(`${show(error)}: ${key} is ${show(error[key])}, not ${show(value)}`);
    }
  }
}

function assert(value, message) {
  if (!value) fail(message ?? `${show(value)} is not true`);
}

export async function rejects(promise, wanted) {
  let error;
  try {
    await (typeof promise === 'function' ? promise() : promise);
  } catch (thrown) {
    error = { thrown };
  }
  if (!error) fail(`nothing was thrown, ${show(wanted)} was wanted`);
  check(error.thrown, wanted);
}

function throws(call, wanted) {
  let error;
  try {
    call();
  } catch (thrown) {
    error = { thrown };
  }
  if (!error) fail(`nothing was thrown, ${show(wanted)} was wanted`);
  check(error.thrown, wanted);
}

export default Object.assign(assert, {
  ok: assert,
  rejects,
  throws,
  equal: (a, b, message) => Object.is(a, b) || fail(message ?? `${show(a)} is not ${show(b)}`),
  notEqual: (a, b, message) => !Object.is(a, b) || fail(message ?? `it is ${show(b)}`),
  deepEqual: (a, b, message) => same(a, b) || fail(message ?? `${show(a)} is not ${show(b)}`),
  match: (text, pattern) => pattern.test(text) || fail(`${show(text)} does not match ${pattern}`),
  ifError: (error) => error === null || error === undefined || fail(`an error: ${show(error)}`),
});
