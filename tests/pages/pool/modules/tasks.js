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
