// Globals of Node.js that the suite uses.
export { Buffer } from 'buffer';

export const setImmediate = (call) => setTimeout(call, 0);

for (const name of ['dispose', 'asyncDispose']) {
  if (!Symbol[name]) Object.defineProperty(Symbol, name, { value: Symbol.for(`Symbol.${name}`) });
}
ReadableStream.prototype[Symbol.asyncIterator] ??= async function* () {
  const reader = this.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
};
Error.isError ??= (value) => value instanceof Error;
Promise.withResolvers ??= () => {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};
