// The example 01-kernels: a picture through kernels of Rust and C on 2 workers is the one that JavaScript makes.
// needs: examples/01-kernels/build.mjs
import { assert, assertEqual, test } from '/tests/pages/lib/test.mjs';
import { openFilters, paint, WAYS } from '/examples/01-kernels/src/filters.js';

const load = async (name) => (await fetch(`/examples/01-kernels/public/generated/${name}.wasm`)).arrayBuffer();

test('all ways make the same picture, of any size', async () => {
  const filters = await openFilters(load);
  const { heap, pool, rust, c } = filters;
  for (const [width, height] of [[1, 1], [3, 2], [7, 5], [64, 1], [333, 211]]) {
    const bytes = width * height * 4;
    const [source, target] = [heap.alloc(bytes), heap.calloc(bytes)];
    paint(source.memory, width);
    const pictures = [];
    for (const run of Object.values(WAYS)) {
      target.memory.fill(0);
      await run(filters, source, target, width, height);
      pictures.push(target.memory.slice());
    }
    assert(pictures[0].some((byte) => byte !== 0), 'a picture is there');
    for (const picture of pictures) assertEqual(picture, pictures[2], `${width} by ${height}`);
    heap.free(source);
    heap.free(target);
  }
  await rust.unload();
  await c.unload();
  await pool.destroy();
}, { shared: true, reason: 'needs shared memory' });
