// What the suite uses of node:path/posix and node:util.
export { basename, join } from '@zenfs/core/path';

export const promisify = (call) => (...args) =>
  new Promise((resolve, reject) => call(...args, (error, value) => (error ? reject(error) : resolve(value))));
