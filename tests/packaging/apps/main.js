// What every packaging test's page does: shared memory, a pool of workers over it, and a report for the runner.
import { allocMemory, createPoolWasm, freeMemory, memory } from 'isolith';

const block = allocMemory(1024);
block.memory.fill(7);
const pool = await createPoolWasm(memory, 2);
const sum = await pool.runHeap(({ ptr, size, HEAP }) => {
  let total = 0;
  for (let at = ptr; at < ptr + size; at += 1) total += HEAP[at];
  return total;
}, block);
const answer = await pool.run((n) => n * 2, 21);
const startedBy = [...new Set(pool.startedBy())].join();
freeMemory(block);
pool.destroy();
globalThis.report = { isolated: crossOriginIsolated, sum, answer, startedBy };
