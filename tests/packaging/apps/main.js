// What every packaging test's page does: shared memory, a pool of workers over it, a guest, and a report for the runner.
import { allocMemory, createPoolWasm, freeMemory, memory } from 'isolith';
import { compile, instantiate } from 'isolith/wasm';

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

// (func (export "add") (param i32 i32) (result i32)), metered so that the linker is needed too.
const add = '0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b';
const instance = await instantiate(await compile(Uint8Array.from(add.match(/../g), (pair) => parseInt(pair, 16))), { fuel: 100 });
const [guest] = await instance.call('add', 40, 2);
await instance.drop();
globalThis.report = { isolated: crossOriginIsolated, sum, answer, startedBy, guest };
