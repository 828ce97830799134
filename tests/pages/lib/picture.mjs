// Values as text that tells apart what equality does not: holes, -0, identity, classes, shared buffers.

/** The picture of a value; equal for two values if no script could tell one from a clone of the other. */
export function picture(value, seen = new Map()) {
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : `${typeof value} ${units(String(value))}`;
  if (seen.has(value)) return `#${seen.get(value)}`;
  seen.set(value, seen.size);
  const brand = Object.prototype.toString.call(value);
  const inside = (it) => picture(it, seen);
  if (brand === '[object Map]') return `Map ${[...value].map((pair) => pair.map(inside)).join()}`;
  if (brand === '[object Set]') return `Set ${[...value].map(inside).join()}`;
  if (brand === '[object Date]') return `Date ${value.getTime()}`;
  if (brand === '[object RegExp]') return `${value} ${value.lastIndex}`;
  if (brand === '[object ArrayBuffer]') return `Buffer ${value.maxByteLength} ${new Uint8Array(value)}`;
  if (ArrayBuffer.isView(value)) return `${brand} ${value.byteOffset} ${value.byteLength} ${inside(value.buffer)}`;
  if (value instanceof Error) return `${value.constructor.name} ${value.name} ${value.message} ${Object.keys(value)}`;
  if (/Boolean|Number|String|BigInt/.test(brand)) return `${brand} ${inside(value.valueOf())}`;
  const length = Array.isArray(value) ? value.length : '';
  const prototype = Object.getPrototypeOf(value) === null ? 'null' : value.constructor?.name;
  return `${brand} ${prototype} ${length}{${Object.keys(value).map((key) => `${units(key)}:${inside(value[key])}`).join()}}`;
}

/** The picture as a task. */
export const pictured = (value) => picture(value);

/** Text whose lone surrogates survive wherever it goes. */
function units(text) {
  return text.replace(/[\ud800-\udfff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`);
}
