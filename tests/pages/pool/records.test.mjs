// Records, lists of them and dictionaries through a pool and back, beside this browser's own structuredClone.
// modes: isolated bare
import { assert, assertEqual, test } from '/tests/pages/lib/test.mjs';
import { createPool } from 'isolith';

/** A value as text that tells apart what equality of values does not: holes, -0, identity, order of names. */
function picture(value, seen = new Map()) {
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : `${typeof value} ${String(value)}`;
  if (seen.has(value)) return `#${seen.get(value)}`;
  seen.set(value, seen.size);
  if (value instanceof Date) return `Date ${value.getTime()}`;
  if (value instanceof Map || value instanceof Set) return `${value.constructor.name} ${[...value].map((part) => picture(part, seen))}`;
  const kind = Array.isArray(value) ? `Array ${value.length}` : Object.getPrototypeOf(value) === Object.prototype ? '' : 'other';
  return `${kind}{${Object.keys(value).map((key) => `${key}:${picture(value[key], seen)}`).join()}}`;
}

/** A pool for as long as `body` takes. */
async function withPool(size, body) {
  const pool = createPool(size);
  await body(pool);
  await pool.destroy();
}

const list = (length, make) => Array.from({ length }, (_, i) => make(i));
const shared = { tags: ['a', 'b'] };

const VALUES = {
  records: list(64, (i) => ({ id: i, name: `item ${i} of many`, price: i * 1.25, tags: ['x', `tag-${i}`], at: { x: i, y: -i } })),
  'records of several kinds': list(90, (i) => (i % 3 ? { id: i, next: null, ok: i % 2 === 0 } : { ok: undefined, id: String(i), z: { z: { z: i } } })),
  'one inside the other': list(60, (i) => i).reduce((inner, i) => ({ i, inner, [`only ${i}`]: true }), {}),
  numbers: list(300, (i) => [0, -0, NaN, Infinity, 0.1, -1, 2 ** 28, -(2 ** 28) - 1, 2 ** 31, 1e300][i % 10]),
  'text of all planes': list(200, (i) => ({ [`ключ${i % 5}`]: `é漢🎈 ${i}`, plain: 'x'.repeat(i) })),
  'halves of characters': list(40, (i) => (i % 2 ? '\ud83c' : '\udf88')),
  dates: list(40, (i) => ({ i, at: new Date(i * 1e9), bad: new Date(NaN) })),
  dictionary: Object.fromEntries(list(2000, (i) => [`key ${i}`, i])),
  'integer names': Object.fromEntries(list(50, (i) => [50 - i, `v${i}`])),
  'the same twice': list(40, () => shared),
  'a parent pointer': (() => {
    const parent = { children: [] };
    parent.children.push(...list(40, (i) => ({ i, parent })));
    return parent;
  })(),
  'with a map deep inside': list(40, (i) => ({ i, more: { of: new Map([[i, { i }]]) } })),
  'with a hole': [...list(40, (i) => ({ i })), , 1],
  'with a name on an array': Object.assign(list(40, (i) => ({ i })), { extra: 1 }),
  'own __proto__': list(40, (i) => JSON.parse(`{"__proto__": {"i": ${i}}, "more": 1}`)),
  'half a megabyte': list(5000, (i) => ({ id: i, text: `a longer text that makes this ${i} large`, more: [i, i] })),
};

for (const [name, value] of Object.entries(VALUES)) {
  test(`${name} arrives as structured clone would copy it, and comes back so`, () => withPool(1, async (pool) => {
    const expected = picture(structuredClone(value));
    // What the first taught both sides must not show in the next ones.
    for (let round = 0; round < 3; round++) assertEqual(picture(await pool.run((x) => x, value)), expected);
  }));
}

test('values of all kinds in any order, many at once', () => withPool(2, async (pool) => {
  const values = list(200, (i) => Object.values(VALUES)[(i * 7) % (Object.keys(VALUES).length - 1)]);
  const back = await Promise.all(values.map((value) => pool.run((x) => x, value)));
  for (const [i, value] of values.entries()) assertEqual(picture(back[i]), picture(structuredClone(value)));
}));

test('a date that is met twice stays one', () => withPool(1, async (pool) => {
  const late = new Date(1e12);
  const back = await pool.run((x) => x, [...list(40, (i) => ({ i })), late, { late }]);
  assert(back[40] === back[41].late && back[40].getTime() === 1e12, 'one date');
}), { shared: true, reason: "WebKit's structured clone makes two of it" });

test('a getter that runs a task of its own while its object is sent', () => withPool(1, async (pool) => {
  let inner;
  const value = {
    before: list(40, (i) => ({ i })),
    get asked() {
      inner = pool.run((x) => x, list(40, (i) => ({ [`n${i}`]: 'inner' })));
      return 1;
    },
    after: list(40, (i) => `text ${i}`),
  };
  const back = await pool.run((x) => x, value);
  assertEqual(back.before.length + back.after.join(), `40${list(40, (i) => `text ${i}`).join()}`);
  assertEqual((await inner)[39].n39, 'inner');
  assert(back.asked === 1, 'its value');
}));
