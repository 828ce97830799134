// Tasks that pools of the page tests load by URL.
export function double(x) {
  return x * 2;
}

export async function later(x, ctx) {
  await new Promise((resolve) => setTimeout(resolve, 5));
  ctx.progress('half');
  return [x, ctx.workerId > 0];
}

export const notAFunction = 1;

export function add(a, b) {
  return a + b;
}

export async function callMe(callback, times) {
  let sum = 0;
  for (let at = 0; at < times; at++) sum += await callback(at);
  return sum;
}

export async function* count(to) {
  for (let at = 0; at < to; at++) yield at;
}

export async function total(items) {
  let sum = 0;
  for await (const item of items) sum += item;
  return sum;
}

export function fail() {
  throw new RangeError('from the module');
}

export async function each(items, callback) {
  const seen = [];
  for await (const item of items) {
    seen.push(item);
    if ((await callback(item)) === 'enough') break;
  }
  return seen;
}

export async function* echo(items) {
  try {
    for await (const item of items) yield item;
  } finally {
    globalThis.echoed = (globalThis.echoed ?? 0) + 1;
  }
}

export const echoed = () => globalThis.echoed;

export async function* failing() {
  yield 1;
  throw new RangeError('in the generator');
}

export async function* odd() {
  yield 1;
  yield () => 1;
}

export const callBoth = async (first, second, value) => [await first(value), await second(value), first === second];

export const giveBack = () => () => 1;

export const forget = (callback) => void callback;

export const callForEver = async (callback) => { for (let n = 0; ; n++) await callback(n); };

export const hang = () => new Promise(() => {});

export const mark = () => (globalThis.mark ??= Math.random());

let kept;
export const keep = (callback) => void (kept = callback);
export const callKept = (value) => kept(value);

export async function nested(url, list) {
  const { createPool } = await import(url);
  const pool = createPool(2);
  const answer = await pool.map(list, (x) => x * 2);
  await pool.destroy();
  return answer;
}

export async function nestedEndless(url, _, ctx) {
  const { createPool } = await import(url);
  const pool = createPool(2);
  await pool.run((x) => x, 1);
  ctx?.progress?.('inside');
  return Promise.all([1, 2].map(() => pool.run(() => { for (;;); })));
}
