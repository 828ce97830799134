/** Finds the values that JSON carries without loss: the browser writes and reads it faster than any script. */

/** Values with fewer parts than this are quicker by the codec. */
const FEW = 24;
/** Longer arrays are quicker by the codec, and may hide properties that are no elements. */
const LONG = 64;
const DEEP = 100;

const objects: object[] = [];
let seen: Set<object> | undefined;
let parts = 0;

/**
 * Whether structured clone and JSON make the same copy of this object, and it is large enough for
 * JSON to pay. Objects that are reached twice are not: JSON would make two of one.
 */
export function isForJson(value: object): boolean {
  parts = 0;
  try {
    return isSafe(value, 0) && parts >= FEW;
  } finally {
    objects.length = 0;
    seen = undefined;
  }
}

function isSafe(value: unknown, depth: number): boolean {
  parts++;
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      // Not NaN, not infinite, not -0.
      return value - value === 0 && (value !== 0 || 1 / value > 0);
    case 'object':
      return value === null || (depth < DEEP && isNew(value) && isSafeObject(value, depth + 1));
    default:
      return false;
  }
}

function isSafeObject(value: object, depth: number): boolean {
  if ((value as { toJSON?: unknown }).toJSON !== undefined) return false;
  const keys = Object.keys(value);
  if (Array.isArray(value)) {
    // A hole or a property that is no element would be lost.
    if (keys.length !== value.length || value.length > LONG) return false;
    for (const item of value) if (!isSafe(item, depth)) return false;
    return true;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const key of keys) if (!isSafe((value as Record<string, unknown>)[key], depth)) return false;
  return true;
}

function isNew(value: object): boolean {
  if (seen === undefined) {
    if (objects.includes(value)) return false;
    objects.push(value);
    if (objects.length > 16) seen = new Set(objects);
    return true;
  }
  const { size } = seen;
  return seen.add(value).size > size;
}
