// The page: the same picture by each way, its time, and whether all agree byte for byte.
import { openFilters, paint, WAYS } from './filters.js';

const [WIDTH, HEIGHT] = [1920, 1080];
const NAMES = { kernels: 'Rust and C kernels, 2 workers', workers: 'JavaScript, 2 workers', page: 'JavaScript, this thread' };

const load = async (name) => (await fetch(`./generated/${name}.wasm`)).arrayBuffer();
const filters = await openFilters(load);
const { heap } = filters;
const [source, target] = [heap.alloc(WIDTH * HEIGHT * 4), heap.alloc(WIDTH * HEIGHT * 4)];
paint(source.memory, WIDTH);

const list = document.querySelector('ul');
let first;
for (const [way, run] of Object.entries(WAYS)) {
  const times = [];
  for (let round = 0; round < 5; round++) {
    target.memory.fill(0);
    const start = performance.now();
    await run(filters, source, target, WIDTH, HEIGHT);
    times.push(performance.now() - start);
  }
  const pixels = target.memory.slice();
  first ??= pixels;
  const same = pixels.every((byte, at) => byte === first[at]);
  const item = document.createElement('li');
  item.textContent = `${NAMES[way]}: ${times.sort((a, b) => a - b)[2].toFixed(1)} ms${same ? '' : ' — DIFFERS'}`;
  list.append(item);
}
const image = new ImageData(new Uint8ClampedArray(first), WIDTH, HEIGHT);
document.querySelector('canvas').getContext('2d').putImageData(image, 0, 0);
document.body.dataset.done = 'true';
