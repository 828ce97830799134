// The codec against this browser's own structuredClone.
// modes: isolated bare
import { assert, assertEqual, assertThrows, test } from '/tests/pages/lib/test.mjs';
import { picture } from '/tests/pages/lib/picture.mjs';
import { decode, encode } from 'isolith/sync';

const target = new Uint8Array(1 << 18);

function through(value) {
  const end = encode(value, target, 5);
  assert(end > 5, `encode answered ${end}`);
  return decode(target, 5, end);
}

const shared = { deep: [1] };
const cycle = { shared, list: [shared, , null, undefined, -0, NaN] };
cycle.self = cycle;
const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer;

const VALUES = [
  undefined, null, true, 0, -0, 127, 128, -1, 2 ** 31, 0.1, NaN, -Infinity, 5n, -(2n ** 200n),
  '', 'ascii', 'naïve', '漢字 🎈', 'a\ud800b', '\ufeffbom', 'x'.repeat(3000), 'é'.repeat(3000), '漢'.repeat(3000),
  cycle, [[], {}], Object.assign([1], { named: 2 }), 'abc'.match(/b/), new Array(5), JSON.parse('{"__proto__": 1}'),
  new Date(1e12), new Date(NaN), /a\/b/giu, new Map([[shared, cycle]]), new Set([1, '1', shared]),
  Object(false), Object(-0), Object('s'), Object(9n),
  buffer, new ArrayBuffer(0), new DataView(buffer, 2, 3), [new Uint16Array(buffer, 2, 2), new Uint8Array(buffer)],
  new Float64Array([NaN, -0, 0.5]), new BigInt64Array([-1n]), new Uint8ClampedArray([300]),
  new RangeError('far'), Object.assign(new Error('m'), { name: 'Custom' }), new (class extends TypeError {})('sub'),
];

test('values come out as structuredClone copies them', () => {
  for (const value of VALUES) assertEqual(picture(through(value)), picture(structuredClone(value)));
});

test('resizable buffers stay resizable, and views that track them track them', () => {
  const resizable = new ArrayBuffer(4, { maxByteLength: 16 });
  if (!resizable.resizable) return assertEqual(picture(through(resizable)), picture(structuredClone(resizable)));
  const view = through(new Uint8Array(resizable));
  view.buffer.resize(10);
  assertEqual(view.length, 10);
});

test('encoding into and decoding from shared memory works where Web APIs refuse it', () => {
  if (typeof SharedArrayBuffer === 'undefined') return;
  const memory = new Uint8Array(new SharedArrayBuffer(1 << 16));
  for (const value of ['x'.repeat(1000), '漢'.repeat(1000), { a: 'long enough for the decoder of the browser' }]) {
    assertEqual(decode(memory, 0, encode(value, memory, 0)), value);
  }
});

test('functions and platform objects are refused', () => {
  for (const value of [() => 1, Symbol('s'), [{ f() {} }]]) assertThrows(() => encode(value, target, 0), { name: 'DataCloneError' });
  for (const value of [new Blob([]), new MessageChannel().port1, document.body, new ImageData(1, 1), new DOMException('x')]) {
    assertEqual(encode(value, target, 0), -2, String(value));
  }
});
