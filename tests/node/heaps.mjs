// What heaps must do outside browsers: run by each of Node, Deno and Bun, throws where it does not hold.
import { defineStruct, heapManager, utf8 } from '../../pkg/dist/heap-manager.js';
import { attachHeap, createHeap } from '../../pkg/dist/index.js';
import LocalSharedMemory from '../../pkg/dist/local-shared-memory.js';

function expect(actual, wanted, what) {
  if (JSON.stringify(actual) !== JSON.stringify(wanted)) {
    throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(wanted)}`);
  }
}

for (const shared of [true, false]) {
  const heap = await createHeap({ initial: 8, maximum: 64, shared });
  expect(heap.memory.buffer instanceof ArrayBuffer, !shared, 'the kind of memory');
  const block = heap.fromString('isolith ✓');
  expect(heap.toString(block), 'isolith ✓', 'a string there and back');
  expect(heap.allocs().length, 1, 'live blocks');
  const joined = await attachHeap(heap.memory);
  const theirs = joined.alloc(100, 64);
  expect(theirs.ptr % 64, 0, 'alignment');
  heap.free(theirs.ptr);
  let code = 'nothing thrown';
  try {
    joined.free(theirs);
  } catch (error) {
    code = error.code;
  }
  expect(code, 'ERR_DOUBLE_FREE', 'a double free through another handle');
  let full = 'nothing thrown';
  try {
    for (;;) heap.alloc(100_000);
  } catch (error) {
    full = error.code;
  }
  expect(full, 'ENOMEM', 'exhaustion');
  expect(heap.stats().pages, 64, 'pages when exhausted');
  heap.check();
}
const text = heapManager.allocNullTerminatedUtf8String(32);
text.value = 'typed ✓';
expect(text.value, 'typed ✓', 'a string by reference');
text.free();
const Body = defineStruct({ x: 'f32', pos: ['f64', 3], next: 'pointer32', name: utf8(32) });
const body = Body.alloc(heapManager, { x: 1.5, name: 'moon' });
expect([body.x, body.name, Body.size], [1.5, 'moon', 72], 'a struct');
body.free();

const memory = new LocalSharedMemory(16, 32);
const at = memory.malloc(24, 64);
memory.setFloat64(at, Math.PI);
expect([at % 64, memory.getFloat64(at), memory.sizeof(at)], [0, Math.PI, 24], 'LocalSharedMemory');
memory.free(at);
expect(memory.allocs(), [], 'allocations after free');
console.log('heaps hold');
