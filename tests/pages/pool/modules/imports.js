// Tasks of a module that imports the package by itself, as a bundler's output would.
import { createHeap, createPool } from '/pkg/dist/index.js';
import { readFile, sync } from '/pkg/dist/fs.js';
import { attach } from '/pkg/dist/sync.js';

export function write({ path, text }, ctx) {
  sync.writeFileSync(path, text);
  return [sync.readFileSync(path, 'utf8'), ctx.fs.readFileSync(path, 'utf8')];
}

export const later = (path) => readFile(path, 'utf8');

export function missing(path) {
  try {
    sync.readFileSync(path);
  } catch (error) {
    return [error.code, error instanceof Error, sync.existsSync(path)];
  }
}

export async function alloc(length, { heap }) {
  const own = await createHeap();
  const { ptr } = own.allocArray(Int32Array, length);
  return { ptr, oneMemory: heap.memory === own.memory };
}

export function push({ handle, to }) {
  const queue = attach(handle);
  for (let n = 0; n < to; n++) queue.push(n);
}

export async function nested(n) {
  const pool = createPool(1);
  const value = await pool.run((x) => x + 1, n);
  await pool.destroy();
  return value;
}
