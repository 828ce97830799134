/** Queues, locks and channels inside task data: they travel by their handles and arrive as live objects. */

import type { Handle } from '../sync/storage.js';

/** Names what stands for a live object on its way: the object's place among the handles that travel beside the data. */
export const LIVE = 'isolith:live';

/** Data ready for structured clone, and the handles of the live objects that were in it. */
export interface Packed {
  readonly data: unknown;
  readonly handles: readonly Handle[] | undefined;
}

/**
 * Takes live objects out of data, at any depth of arrays, plain objects, maps and sets; a copy is
 * made only if there are any. The handles travel apart, because WebKit's structuredClone copies
 * shared memory, and the data may be cloned before it is sent.
 */
export function packLive(data: unknown): Packed {
  const handles: Handle[] = [];
  const packed = replace(data, (value) => (isLive(value) ? { [LIVE]: handles.push(value.handle) - 1 } : undefined));
  return { data: packed, handles: handles.length > 0 ? handles : undefined };
}

/** Whether this is an object of isolith/sync, from whichever copy of the package: a class instance with a handle. */
function isLive(value: object): value is { handle: Handle } {
  if (Object.getPrototypeOf(value) === Object.prototype || !('handle' in value)) return false;
  const { handle } = value;
  return typeof handle === 'object' && handle !== null && 'isolith' in handle && 'buffer' in handle;
}

/**
 * A copy of `value` with every object that `other` answers for replaced; `value` itself where there is none.
 *
 * The shape stays: what was one object twice is one object twice, and cycles lead into the copy.
 */
export function replace(value: unknown, other: (value: Record<string, unknown>) => object | undefined): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const instead = new Map<object, object>();
  const met = new Set<object>([value]);
  const left: object[] = [value];
  const meet = (it: unknown): void => {
    if (typeof it !== 'object' || it === null || met.has(it)) return;
    met.add(it);
    left.push(it);
  };
  for (let it = left.pop(); it !== undefined; it = left.pop()) {
    const found = other(it as Record<string, unknown>);
    if (found !== undefined) {
      instead.set(it, found);
    } else if (isContainer(it)) {
      if (it instanceof Map) it.forEach((item, key) => (meet(key), meet(item)));
      else if (it instanceof Set) it.forEach(meet);
      else Object.values(it).forEach(meet);
    }
  }
  return instead.size === 0 ? value : copy(value, instead);
}

function isContainer(value: object): boolean {
  if (Array.isArray(value) || value instanceof Map || value instanceof Set) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Copies containers, each once; `copies` knows what stands for which object, and learns. */
function copy(value: unknown, copies: Map<object, object>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  if (!isContainer(value)) return value;
  if (value instanceof Map) {
    const map = new Map<unknown, unknown>();
    copies.set(value, map);
    for (const [key, item] of value) map.set(copy(key, copies), copy(item, copies));
    return map;
  }
  if (value instanceof Set) {
    const set = new Set<unknown>();
    copies.set(value, set);
    for (const item of value) set.add(copy(item, copies));
    return set;
  }
  const target: object = Array.isArray(value) ? new Array(value.length) : {};
  copies.set(value, target);
  for (const [key, item] of Object.entries(value)) {
    // Defined, not assigned: a property may be called __proto__.
    Object.defineProperty(target, key, { value: copy(item, copies), configurable: true, enumerable: true, writable: true });
  }
  return target;
}
