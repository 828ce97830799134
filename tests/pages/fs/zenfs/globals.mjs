// Globals of Node.js that the suite uses.
export { Buffer } from 'buffer';

export const setImmediate = (call) => setTimeout(call, 0);

for (const name of ['dispose', 'asyncDispose']) {
  if (!Symbol[name]) Object.defineProperty(Symbol, name, { value: Symbol(name) });
}
Error.isError ??= (value) => value instanceof Error;
Promise.withResolvers ??= () => {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};
