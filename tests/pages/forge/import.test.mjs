// The package imported inside a task is the page's own runtime: same memory, same heap.
import { assertEqual, test } from '/tests/pages/lib/test.mjs';
import { createHeap, createPool } from 'isolith';

test('a task that imports isolith gets the memory of the page', async () => {
  const heap = await createHeap();
  const pool = createPool(1);
  const url = new URL('/pkg/dist/index.js', location.href).href;
  const ptr = await pool.run(async (url) => {
    const { allocMemory } = await import(url);
    const block = allocMemory(3);
    block.memory.set([1, 2, 3]);
    return block.ptr;
  }, url);
  assertEqual([...heap.HEAP.slice(ptr, ptr + 3), heap.sizeof(ptr)], [1, 2, 3, 3]);
  heap.free(ptr);
  pool.destroy();
}, { shared: true, reason: 'workers share the heap only on isolated pages' });
