// A storm on one heap: page and workers allocate, paint, resize and free at random, and free each other's blocks.
import { assertEqual, context, random, test } from '/tests/pages/lib/test.mjs';
import { createHeap, createPoolWasm } from 'isolith';

/** Runs for `ms`; every block holds a pattern made of its address, checked before it goes. */
function storm({ ms, seed }, { heap }) {
  let state = seed;
  const next = (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const paint = (ptr, size) => heap.HEAP.fill((ptr >>> 4) & 255, ptr, ptr + size);
  const isPainted = (ptr, size, as = ptr) => {
    const bytes = heap.HEAP;
    for (let at = ptr; at < ptr + size; at++) if (bytes[at] !== ((as >>> 4) & 255)) return false;
    return true;
  };
  const live = [];
  let steps = 0;
  let resized = 0;
  const end = performance.now() + ms;
  while (performance.now() < end) {
    for (let round = 0; round < 100; round++, steps++) {
      const what = next(10);
      if (what < 5 && live.length < 400) {
        const size = next(4) === 0 ? next(60_000) : next(600);
        const block = heap.alloc(size, 16 << next(3));
        paint(block.ptr, size);
        live.push(block);
      } else if (live.length > 0) {
        const at = next(live.length);
        const block = live[at];
        const { ptr, size } = block;
        if (!isPainted(ptr, size)) throw new Error(`the pattern of ${ptr} (${size} bytes) is damaged`);
        if (what < 8) {
          heap.free(block);
          live.splice(at, 1);
        } else {
          const to = next(4) === 0 ? next(60_000) : next(600);
          heap.realloc(block, to);
          if (!isPainted(block.ptr, Math.min(size, to), ptr)) throw new Error(`realloc of ${ptr} from ${size} to ${to} bytes lost some`);
          paint(block.ptr, to);
          resized++;
        }
      }
    }
  }
  return { steps, resized, left: live.map(({ ptr }) => ptr) };
}

/** A full minute in one browser; the others show in seconds that nothing differs. */
const ms = context.browser === 'chromium' ? 60_000 : 6_000;
const SLICES = 40;

test('the heap survives a storm of all threads', async () => {
  const heap = await createHeap();
  const pool = await createPoolWasm(heap.memory, 2);
  const before = heap.stats();
  const seeds = random(20261121);
  const runs = [1, 2].map(() => pool.run(storm, { ms, seed: Math.floor(seeds() * 2 ** 32) }));
  let pageSteps = 0;
  let left = [];
  for (let slice = 0; slice < SLICES; slice++) {
    const mine = storm({ ms: ms / SLICES / 3, seed: slice + 1 }, { heap });
    pageSteps += mine.steps;
    left.push(...mine.left);
    await new Promise((resolve) => setTimeout(resolve, ms / SLICES / 2));
  }
  for (const run of await Promise.all(runs)) {
    assertEqual([run.steps > 0, run.resized > 0], [true, true]);
    left.push(...run.left);
  }
  assertEqual(pageSteps > 0, true);
  // What the workers left is freed here: a block may be freed by another thread than its maker.
  for (const ptr of left) heap.free(ptr);
  heap.check();
  const after = heap.stats();
  assertEqual([after.blocks, after.bytesInUse], [before.blocks, before.bytesInUse]);
  pool.destroy();
}, { timeout: 120_000, shared: true, reason: 'workers share the heap only on isolated pages' });
