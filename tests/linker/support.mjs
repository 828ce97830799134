// What the linker's tests share: instances, the text a fixture answers, a memory with canaries.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OUT } from './build.mjs';

export const PAGE = 65536;

/** What the fixtures answer alone under wasmtime; recorded by `node tests/linker/answers.mjs --bless`. */
export const ANSWERS = join(dirname(fileURLToPath(import.meta.url)), 'answers.json');
export const answers = existsSync(ANSWERS) ? JSON.parse(readFileSync(ANSWERS, 'utf8')) : { seeds: [0, 1, 12345, 0xffff] };

/** Fixtures with a `run`, that the exact route takes. */
export const EXACT = [
  'pointers-stock', 'pointers-imported', 'pointers-pic', 'pointers-nameless', 'pointers-debug',
  'kernel-stock', 'kernel-imported', 'kernel-pic', 'kernel-nameless', 'kernel-debug', 'kernel-threads',
  'threads-plain', 'threads-first', 'threads-threads', 'threads-pic',
];

/** Three fixtures, `name` at place `place` among them; each fixture has other neighbours. */
export function neighbours(name, place) {
  const index = EXACT.indexOf(name);
  const names = [1, 2].map((step) => EXACT[(index + step * 4) % EXACT.length]);
  names.splice(place, 0, name);
  return names;
}

/** The bytes of a fixture module. */
export function fixture(name) {
  return new Uint8Array(readFileSync(join(OUT, `${name}.wasm`)));
}

/** A memory that fits what the modules of a `combine` declare. */
export function memoryFor({ neededPages, layout }) {
  const maximum = layout.maximumPages === null ? {} : { maximum: Math.min(layout.maximumPages, neededPages + 256) };
  return new WebAssembly.Memory({ initial: neededPages, shared: layout.shared, ...maximum });
}

/** An instance of a module, with a memory of its own if it wants one and none is given. */
export function instantiate(bytes, memory, more = {}) {
  const module = new WebAssembly.Module(bytes);
  const imports = { env: { memory: memory ?? ownMemory(module, bytes), ...more } };
  return new WebAssembly.Instance(module, imports);
}

function ownMemory(module, bytes) {
  if (!WebAssembly.Module.imports(module).some(({ kind }) => kind === 'memory')) return undefined;
  // Limits of the imported memory: after `env` and `memory` come kind 2, flags, minimum, maximum.
  const at = find(bytes, [3, 101, 110, 118, 6, 109, 101, 109, 111, 114, 121, 2]) + 12;
  const [initial, next] = leb(bytes, at + 1);
  const maximum = bytes[at] & 1 ? { maximum: leb(bytes, next)[0] } : {};
  return new WebAssembly.Memory({ initial, ...maximum, shared: (bytes[at] & 2) !== 0 });
}

function find(bytes, pattern) {
  for (let at = 0; at < 4096; at++) if (pattern.every((byte, index) => bytes[at + index] === byte)) return at;
  throw new Error('the module imports no env.memory');
}

function leb(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return [value, at];
  }
}

/** The text that a fixture's `run` answers: a pointer to a pointer and a length. */
export function textOf(instance, memory, seed) {
  const at = instance.exports.run(seed);
  const buffer = (instance.exports.memory ?? memory).buffer;
  const [ptr, length] = new Uint32Array(buffer.slice(at, at + 8));
  return new TextDecoder().decode(buffer.slice(ptr, ptr + length));
}

/** The answers of a module alone in a memory of its own. */
export function alone(bytes, seeds) {
  const memory = ownMemory(new WebAssembly.Module(bytes), bytes);
  const instance = instantiate(bytes, memory);
  return seeds.map((seed) => textOf(instance, memory, seed));
}

/** The custom and other sections of a module: id, name, and where the bytes are. */
export function sections(bytes) {
  const found = [];
  for (let at = 8; at < bytes.length; ) {
    const [size, body] = leb(bytes, at + 1);
    const [length, text] = bytes[at] === 0 ? leb(bytes, body) : [0, body];
    const name = new TextDecoder().decode(bytes.subarray(text, text + length));
    found.push({ id: bytes[at], name, start: at, body, end: body + size });
    at = body + size;
  }
  return found;
}

/** A module without the sections that `drop` picks. */
export function without(bytes, drop) {
  const kept = sections(bytes).filter((section) => !drop(section));
  return new Uint8Array([bytes.subarray(0, 8), ...kept.map(({ start, end }) => bytes.subarray(start, end))].flatMap((part) => [...part]));
}

/** A module in which a name is another of the same length. */
export function renamed(bytes, from, to) {
  const copy = Buffer.from(bytes);
  for (let at = copy.indexOf(from); at >= 0; at = copy.indexOf(from, at)) copy.write(to, at);
  return new Uint8Array(copy);
}
