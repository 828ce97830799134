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
  const packed = replace(data, (value) => (isLive(value) ? { [LIVE]: handles.push(value.handle) - 1 } : undefined), new Map());
  return { data: packed, handles: handles.length > 0 ? handles : undefined };
}

/** Whether this is an object of isolith/sync, from whichever copy of the package: a class instance with a handle. */
function isLive(value: object): value is { handle: Handle } {
  if (Object.getPrototypeOf(value) === Object.prototype || !('handle' in value)) return false;
  const { handle } = value;
  return typeof handle === 'object' && handle !== null && 'isolith' in handle && 'buffer' in handle;
}

/** A copy of `value` with every object that `other` answers for replaced; `value` itself where there is none. */
export function replace(value: unknown, other: (value: Record<string, unknown>) => object | undefined, done: Map<object, unknown>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (done.has(value)) return done.get(value);
  const instead = other(value as Record<string, unknown>);
  done.set(value, instead ?? value);
  if (instead !== undefined) return instead;
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => replace(item, other, done));
    return settle(value, items.some((item, at) => item !== value[at]) ? items : value, done);
  }
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) => [key, replace(item, other, done)] as const);
    return settle(value, entries.some(([key, item]) => item !== value.get(key)) ? new Map(entries) : value, done);
  }
  if (value instanceof Set) {
    const items = [...value].map((item: unknown) => replace(item, other, done));
    return settle(value, items.some((item) => !value.has(item)) ? new Set(items) : value, done);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, replace(item, other, done)] as const);
  const changed = entries.some(([key, item]) => item !== (value as Record<string, unknown>)[key]);
  return settle(value, changed ? Object.fromEntries(entries) : value, done);
}

function settle(value: object, copy: unknown, done: Map<object, unknown>): unknown {
  done.set(value, copy);
  return copy;
}
