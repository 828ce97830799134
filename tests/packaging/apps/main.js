// What every packaging test's page does: each part of the package once, with its workers and its wasm, and a report for the runner.
import { allocMemory, createPoolWasm, freeMemory, memory, readText, writeText } from 'isolith';
import { inspect } from 'isolith/link';
import { createQueue } from 'isolith/sync';
import { compile, instantiate, runWasi } from 'isolith/wasm';

const bytesOf = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));

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

// A file that the page has written, read and answered by a worker, and a queue that both hold.
await writeText('/app/note.txt', 'from the page');
await pool.run((path, { fs }) => fs.writeFileSync(`${path}.copy`, fs.readFileSync(path, 'utf8').toUpperCase()), '/app/note.txt');
const file = await readText('/app/note.txt.copy');
const queue = createQueue({ capacity: 8, type: 'i32' });
await pool.run((queue) => [1, 2, 3].forEach((n) => queue.push(n)), queue);
const queued = [queue.pop(), queue.pop(), queue.pop()];
pool.destroy();

// (func (export "add") (param i32 i32) (result i32)), metered so that the linker is needed too.
const add = bytesOf('0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b');
const instance = await instantiate(await compile(add), { fuel: 100 });
const [guest] = await instance.call('add', 40, 2);
await instance.drop();
const exports = (await inspect(add)).exports.map(({ name }) => name);

// (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))), a memory, and a _start that exits with 7.
const exits = bytesOf(
  '0061736d0100000001080260017f0060000002240116776173695f736e617073686f745f70726576696577310970726f635f65786974000003020101' +
  '0503010001071302066d656d6f72790200065f737461727400010a08010600410710000b',
);
const { exitCode } = await runWasi(exits);

globalThis.report = { isolated: crossOriginIsolated, sum, answer, startedBy, file, queued, guest, exports, exitCode, ...globalThis.more };
