// Assertions of page tests: each throws an AssertionError that shows both sides.

/** What every failed assertion throws. */
export class AssertionError extends Error {
  constructor(message) {
    super(message);
    this.name = 'AssertionError';
  }
}

const isView = (value) => ArrayBuffer.isView(value);
const isBuffer = (value) => Object.prototype.toString.call(value).endsWith('ArrayBuffer]');

/** A value as text for messages, cut to a readable length. */
export function show(value, depth = 2) {
  const text = showAll(value, depth);
  return text.length > 400 ? `${text.slice(0, 400)}… (${text.length} characters)` : text;
}

function showAll(value, depth) {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Object.is(value, -0)) return '-0';
  if (typeof value === 'function') return `[function ${value.name}]`;
  if (value === null || typeof value !== 'object') return String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  const name = value.constructor?.name ?? 'null prototype';
  if (isBuffer(value)) return `${name}(${value.byteLength})`;
  if (value instanceof DataView) return `DataView(${value.byteLength})`;
  if (Array.isArray(value) || isView(value)) {
    const items = Array.from(value.length > 40 ? value.slice(0, 40) : value, (item) => (depth > 0 ? showAll(item, depth - 1) : '…'));
    return `${isView(value) ? `${name}(${value.length}) ` : ''}[${items.join(', ')}${value.length > 40 ? ', …' : ''}]`;
  }
  if (value instanceof Map || value instanceof Set) return `${name} ${showAll([...value], depth - 1)}`;
  if (depth < 0) return name;
  const inner = Object.keys(value).map((key) => `${key}: ${showAll(value[key], depth - 1)}`);
  return `${name === 'Object' ? '' : `${name} `}{ ${inner.join(', ')} }`;
}

/** Where and how two values differ, or undefined when they are deeply equal (same kinds, NaN equals NaN, -0 is not 0). */
export function difference(actual, expected, path = '', seen = new Map()) {
  if (Object.is(actual, expected)) return undefined;
  const here = () => `${path || 'the value'} is ${show(actual)}, expected ${show(expected)}`;
  if (typeof actual !== 'object' || typeof expected !== 'object' || actual === null || expected === null) return here();
  if (seen.get(actual) === expected) return undefined;
  seen.set(actual, expected);
  const kind = (value) => Object.prototype.toString.call(value);
  if (kind(actual) !== kind(expected)) return here();
  if (isBuffer(actual)) return difference(new Uint8Array(actual), new Uint8Array(expected), path, seen);
  if (isView(actual)) {
    if (actual.byteLength !== expected.byteLength) return `${path || 'the view'} has ${actual.byteLength} bytes, expected ${expected.byteLength}`;
    const [a, b] = actual instanceof DataView ? [bytes(actual), bytes(expected)] : [actual, expected];
    for (let i = 0; i < a.length; i += 1) {
      if (!Object.is(a[i], b[i])) return `${path}[${i}] is ${show(a[i])}, expected ${show(b[i])} in ${show(actual)}`;
    }
    return undefined;
  }
  if (actual instanceof Date || actual instanceof RegExp) return String(actual) === String(expected) && actual.valueOf?.() + '' === expected.valueOf?.() + '' ? undefined : here();
  if (actual instanceof Error && (actual.name !== expected.name || actual.message !== expected.message)) return here();
  if (actual instanceof Map) return difference([...actual], [...expected], `${path} as entries`, seen);
  if (actual instanceof Set) return difference([...actual], [...expected], `${path} as items`, seen);
  if (Array.isArray(actual) && actual.length !== expected.length) {
    return `${path || 'the array'} has ${actual.length} items, expected ${expected.length}: ${show(actual)} against ${show(expected)}`;
  }
  for (const key of new Set([...Object.keys(actual), ...Object.keys(expected)])) {
    const inner = Array.isArray(actual) ? `${path}[${key}]` : `${path}.${key}`;
    if (!Object.hasOwn(actual, key)) return `${inner} is missing, expected ${show(expected[key])}`;
    if (!Object.hasOwn(expected, key)) return `${inner} is ${show(actual[key])}, expected not to be there`;
    const found = difference(actual[key], expected[key], inner, seen);
    if (found) return found;
  }
  return undefined;
}

const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const because = (message) => (message ? `${message}: ` : '');

/** Fails unless `value` is truthy. */
export function assert(value, message = 'expected something true') {
  if (!value) throw new AssertionError(`${message} (got ${show(value)})`);
}

/** Fails at once: for places that must not be reached. */
export function fail(message) {
  throw new AssertionError(message);
}

/** Fails unless both are deeply equal. */
export function assertEqual(actual, expected, message) {
  const found = difference(actual, expected);
  if (found) throw new AssertionError(because(message) + found);
}

/** Fails if both are deeply equal. */
export function assertNotEqual(actual, unwanted, message) {
  if (!difference(actual, unwanted)) throw new AssertionError(`${because(message)}both are ${show(actual)}`);
}

/** Checks an error against `{ name, code, message, is }`: strings and numbers equal, regular expressions match, `is` by instanceof. */
function checkError(error, expected, what) {
  if (!(error instanceof Error || error instanceof DOMException)) throw new AssertionError(`${what} gave ${show(error)}, which is no error`);
  for (const [key, wanted] of Object.entries(expected)) {
    if (key === 'is') {
      if (!(error instanceof wanted)) throw new AssertionError(`${what} gave ${show(error)}, which is no ${wanted.name}`);
    } else if (wanted instanceof RegExp ? !wanted.test(error[key]) : difference(error[key], wanted)) {
      throw new AssertionError(`${what}: ${key} of the error is ${show(error[key])}, expected ${show(wanted)} (${show(error)}\n${error.stack})`);
    }
  }
  return error;
}

/** Fails unless `fn` throws an error as `expected` describes; returns the error. */
export function assertThrows(fn, expected = {}, message) {
  let value;
  try {
    value = fn();
  } catch (error) {
    return checkError(error, expected, `${because(message)}the call`);
  }
  throw new AssertionError(`${because(message)}expected an error, got ${show(value)}`);
}

/** Fails unless `promise` (or what `promise()` answers) rejects with an error as `expected` describes; resolves to the error. */
export async function assertRejects(promise, expected = {}, message) {
  let value;
  try {
    value = await (typeof promise === 'function' ? promise() : promise);
  } catch (error) {
    return checkError(error, expected, `${because(message)}the promise`);
  }
  throw new AssertionError(`${because(message)}expected a rejection, got ${show(value)}`);
}
