// Runs the filters on an image in the heap: by the compiled kernels in a pool's workers, or in JavaScript there or here.
import { createHeap, createPool } from 'isolith';
import * as plain from './plain.js';

/** Steepness of the grey curve, in sixteenths. */
const CONTRAST = 24;

/** Opens a pool with both kernels; `load(name)` gives a module's bytes. */
export async function openFilters(load, workers = 2) {
  const heap = await createHeap();
  const pool = createPool(workers);
  const [rust, c] = [await pool.kernel(await load('blur')), await pool.kernel(await load('tone'))];
  await pool.call(c, 'prepare', CONTRAST);
  return { heap, pool, rust, c };
}

/** Blurs and tones the pixels in `source` into `target`; both are blocks of `width * height * 4` bytes. */
export const WAYS = {
  async kernels({ pool, rust, c }, source, target, width, height) {
    await pool.parallelFor(rust, 'blur', height, [source.ptr, target.ptr, width, height]);
    await pool.parallelFor(c, 'tone', height, [target.ptr, width]);
  },
  async workers({ pool }, source, target, width, height) {
    const rows = Math.ceil(height / pool.size);
    const parts = Array.from({ length: pool.size }, (_, at) => [at * rows, Math.min(height, (at + 1) * rows)]);
    const places = { source: source.ptr, target: target.ptr, width, height, contrast: CONTRAST };
    for (const [name, fn] of Object.entries(plain)) {
      const code = fn.toString();
      await Promise.all(parts.map(([from, to]) => pool.run(runPlain, { ...places, name, code, from, to })));
    }
  },
  async page(_, source, target, width, height) {
    plain.blur(0, height, source.memory, target.memory, width, height);
    plain.tone(0, height, target.memory, width, CONTRAST);
  },
};

/** A task: sees only what it is given, so the filter comes as text and is compiled once per worker. */
function runPlain({ name, code, from, to, source, target, width, height, contrast }, { heap }) {
  const filter = ((globalThis.filters ??= {})[name] ??= new Function(`return (${code})`)());
  const bytes = width * height * 4;
  const into = heap.view(Uint8Array, target, bytes);
  if (name === 'blur') filter(from, to, heap.view(Uint8Array, source, bytes), into, width, height);
  else filter(from, to, into, width, contrast);
}

/** Pixels that are neither smooth nor random. */
export function paint(pixels, width) {
  for (let at = 0; at < pixels.length; at += 4) {
    const [x, y] = [(at >> 2) % width, Math.floor((at >> 2) / width)];
    pixels[at] = (x * x + y * 7) >> 3;
    pixels[at + 1] = (x ^ y) & 255;
    pixels[at + 2] = ((x * y) >> 5) + (at % 13);
    pixels[at + 3] = 255;
  }
}
