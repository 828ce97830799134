/** Finds the values that JSON carries without loss: the browser writes and reads it faster than any script. */

/** Values with fewer parts than this are quicker by the codec. */
const FEW = 24;
/** Longer arrays are quicker by the codec, and may hide properties that are no elements. */
const LONG = 64;
const DEEP = 100;

let parts = 0;

/**
 * Whether structured clone and JSON make the same copy of this object, and it is large enough for
 * JSON to pay. Objects that are reached twice are not: JSON would make two of one.
 */
export function isForJson(value: object): boolean {
  parts = 1;
  return isSafeObject(value, 0, new Set()) && parts >= FEW;
}

function isSafe(value: unknown, depth: number, seen: Set<object>): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      // Not NaN, not infinite, not -0.
      return value - value === 0 && (value !== 0 || 1 / value > 0);
    case 'object':
      return value === null || (depth < DEEP && isSafeObject(value, depth, seen));
    default:
      return false;
  }
}

function isSafeObject(value: object, depth: number, seen: Set<object>): boolean {
  const { size } = seen;
  if ((value as { toJSON?: unknown }).toJSON !== undefined || seen.add(value).size === size) return false;
  if (Array.isArray(value)) {
    const { length } = value;
    // A hole or a property that is no element would be lost.
    if (length > LONG || Object.keys(value).length !== length) return false;
    for (let at = 0; at < length; at++) if (!isSafe(value[at], depth + 1, seen)) return false;
    parts += length;
    return true;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  // Engines keep the names of an object's shape for this loop. What a prototype adds is refused or harmless.
  for (const key in value) {
    const part = (value as Record<string, unknown>)[key];
    parts++;
    // Most parts are strings; asking first saves the call.
    if (typeof part !== 'string' && !isSafe(part, depth + 1, seen)) return false;
  }
  return true;
}
