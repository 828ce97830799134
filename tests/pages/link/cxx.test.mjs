// Side modules of C++, as Emscripten compiles them: vtables, run-time types, and exceptions of both kinds, across modules and in workers.
// needs: tests/linker/build.mjs
import { assert, assertEqual, test } from '/tests/pages/lib/test.mjs';
import { createHeap, createPool } from 'isolith';

const isolated = { shared: true, reason: 'needs shared memory' };
const load = async (name) => new Uint8Array(await (await fetch(`/tests/linker/target/${name}.wasm`)).arrayBuffer());
const KINDS = ['native', 'invoked'];
const options = { oneTable: true, imports: '/tests/linker/throws.mjs' };

/** A square and a rectangle, a constructor's 11, and a counter that began at 2. */
const shapes = (x, calls) => x * x + 5000 + 3 * x + 1000 + 11 + 2 + calls;

for (const kind of KINDS) {
  test(`${kind} exceptions, linked at once in either order, and one after the other`, async () => {
    const heap = await createHeap();
    const [one, two] = await Promise.all([`shapes-${kind}`, `thrower-${kind}`].map(load));
    const before = heap.stats().blocks;
    const together = await heap.link([one, two], options);
    const turned = await heap.link([two, one], options);
    const library = await heap.link(two, options);
    const later = await heap.link(one, { ...options, libraries: [library] });
    for (const { exports } of [together, turned, later]) {
      assertEqual([exports.shapes(5), exports.shapes(6)], [shapes(5, 0), shapes(6, 1)]);
      assertEqual([2, 7, 20].map(exports.caught), [2, 107, 220]);
      assertEqual(exports.storm(5000), 5000 * 107);
    }
    let uncaught;
    try {
      together.exports.thrown(7);
    } catch (error) {
      uncaught = error;
    }
    assert(kind === 'native' ? uncaught instanceof WebAssembly.Exception : /C\+\+ exception/.test(uncaught?.message), `the page sees what nobody caught: ${uncaught}`);
    assertEqual(together.exports.caught(7), 107);
    for (const linked of [together, turned, library]) await linked.unload();
    assert(later.unloaded, 'the library took it with it');
    assert(heap.stats().blocks >= before, 'thrown objects are left, as this runtime frees none');
  });

  test(`${kind} exceptions in a worker`, async () => {
    // One: what lies between throw and catch is in static data where C++ is compiled without threads.
    const pool = createPool(1);
    const library = await pool.kernel(await load(`thrower-${kind}`), options);
    const kernel = await pool.kernel(await load(`shapes-${kind}`), { ...options, libraries: [library] });
    const calls = await Promise.all(Array.from({ length: 60 }, (_, at) => pool.call(kernel, 'caught', [2, 7, 20][at % 3])));
    assertEqual(calls, Array.from({ length: 60 }, (_, at) => [2, 107, 220][at % 3]));
    const storms = await Promise.all([1, 2, 3, 4].map(() => pool.call(kernel, 'storm', 1000)));
    assertEqual(storms, [107_000, 107_000, 107_000, 107_000]);
    await library.unload();
    await pool.destroy();
  }, isolated);
}
