// Typed access in real engines: strings on shared memory, growth from another thread, structs by address in tasks.
// modes: isolated bare
import { assert, assertEqual, assertThrows, context, test } from '/tests/pages/lib/test.mjs';
import { createHeap, createPoolWasm } from 'isolith';
import { createWasmHeapManager, defineStruct, heapManager, utf8 } from 'isolith/heap-manager';
import LocalSharedMemory from 'isolith/local-shared-memory';

const isolated = { shared: true, reason: 'shared memory needs an isolated page' };
const TEXTS = ['', 'ascii', 'sixteen letters!', 'é ß 漢字 😀', '\ufeffwith a mark', 'long '.repeat(100), '漢字 '.repeat(100), 'a'.repeat(70_000)];
const ENCODINGS = ['Ascii', 'Utf8', 'Utf16', 'Utf32'];

/** A bump allocator on a memory of its own. */
function makeManager(shared, initial = 4) {
  const memory = new WebAssembly.Memory({ initial, maximum: 64, shared });
  let next = 16;
  const alloc = (size) => {
    const address = next;
    next += Math.ceil(size / 8) * 8 || 8;
    while (next > memory.buffer.byteLength) memory.grow(1);
    return address;
  };
  return { memory, manager: createWasmHeapManager(() => memory.buffer, alloc, () => {}) };
}

for (const shared of [true, false]) {
  const options = shared ? isolated : {};
  const title = shared ? 'shared' : 'unshared';

  test(`every string is written and read whole, ${title}`, () => {
    const { manager } = makeManager(shared);
    for (const encoding of ENCODINGS) {
      for (const text of TEXTS) {
        if (encoding === 'Ascii' && /[^\0-\x7f]/.test(text)) continue;
        assertEqual(manager[`allocNullTerminated${encoding}String`](text).value, text, encoding);
      }
    }
    manager.viewUint8Array(64, 6).set([0x61, 0xff, 0xed, 0xa0, 0x80, 0]);
    assertEqual(manager.readNullTerminatedUtf8String(64), 'a\ufffd\ufffd\ufffd\ufffd');
    assertEqual(manager.allocNullTerminatedUtf16String('a\ud800').value, 'a\ufffd');
    assertEqual(manager.allocNullTerminatedUtf8String('a\udc00b').value, 'a\ufffdb');
  }, options);

  test(`growth is followed and what lies beyond is refused, ${title}`, () => {
    const { memory, manager } = makeManager(shared, 1);
    const ref = manager.allocFloat64(1.5);
    const array = manager.allocInt16Array([1, 2, 3]);
    const { view } = array;
    for (let pages = 2; pages < 20; pages++) {
      assertThrows(() => manager.readInt32(memory.buffer.byteLength), { name: 'RangeError', message: new RegExp(String(memory.buffer.byteLength)) });
      memory.grow(1);
      manager.writeInt32(memory.buffer.byteLength - 4, pages);
      assertEqual(manager.readInt32(memory.buffer.byteLength - 4), pages);
      assertEqual([ref.value, array.readAt(2), [...array.view]], [1.5, 3, [1, 2, 3]]);
    }
    assertEqual(view.length, shared ? 3 : 0, 'only a view of unshared memory is lost');
    assertThrows(() => array.readAt(3), { name: 'RangeError', message: /3/ });
    ref.free();
    assertThrows(() => ref.value, { code: 'ERR_USE_AFTER_FREE' });
  }, options);

  test(`LocalSharedMemory allocates, grows, reads and writes, ${title}`, () => {
    const memory = new LocalSharedMemory(10, 40, shared);
    assert(memory instanceof WebAssembly.Memory);
    const ptr = memory.malloc(600_000, 4096);
    assertEqual([ptr % 4096, memory.sizeof(ptr), memory.buffer instanceof ArrayBuffer], [0, 600_000, !shared]);
    memory.setFloat64(ptr + 599_991, Math.PI);
    assertEqual(memory.getFloat64(ptr + 599_991), Math.PI);
    assertEqual([memory.add(Int32Array, ptr / 4, 5), memory.getInt32(ptr) - memory.load(Int32Array, ptr / 4)], [memory.getInt32(ptr) - 5, 0]);
    assertEqual([...memory.Float32Array([1, 2])], [1, 2]);
    assertThrows(() => memory.malloc(40 * 65536), { code: 'ENOMEM' });
    memory.free(ptr);
    assertThrows(() => memory.free(ptr), { code: 'ERR_DOUBLE_FREE' });
  }, options);
}

test('heapManager reads and writes the heap of the runtime', async () => {
  const heap = await createHeap();
  const text = heapManager.allocNullTerminatedUtf8String('one heap ✓');
  assertEqual(heap.sizeof(text.address), 13);
  assertEqual(text.value, 'one heap ✓');
  text.free();
});

test('a struct is found by its address in a task, and a growth there is followed here', async () => {
  const heap = await createHeap({ initial: 16, maximum: 256 });
  const Particle = defineStruct({ x: 'f32', pos: ['f64', 3], next: 'pointer32', name: utf8(32) });
  const particle = Particle.alloc(heap, { x: 1, pos: [1, 2, 3], name: 'from the page' });
  const columns = Particle.columns(heap, 100);
  const pool = await createPoolWasm(heap.memory, 2);
  const far = await pool.run(async ({ url, ptr, columns }, { heap }) => {
    const { defineStruct, utf8 } = await import(url);
    const Particle = defineStruct({ x: 'f32', pos: ['f64', 3], next: 'pointer32', name: utf8(32) });
    const particle = Particle.at(heap, ptr);
    particle.name = `${particle.name}, back from ${'a task ✓'}`.slice(9);
    Particle.columnsAt(heap, columns, 100).x.fill(7);
    const far = heap.alloc(3_000_000).ptr + 2_999_992;
    Particle.at(heap, ptr).next = far;
    new Float64Array(heap.memory.buffer, far - (far % 8), 1)[0] = 2.5;
    return far;
  }, { url: import.meta.resolve('isolith/heap-manager'), ptr: particle.ptr, columns: columns.ptr });
  assertEqual([particle.name, particle.next, columns.x[99]], ['page, back from a task ✓', far, 7]);
  const Far = defineStruct({ value: 'f64' });
  assertEqual(Far.at(heap, far - (far % 8)).value, 2.5);
  pool.destroy();
}, isolated);

test('a LocalSharedMemory is attached in a worker, which wakes one that waits', async () => {
  const memory = new LocalSharedMemory(20, 100);
  const flag = memory.malloc(4);
  memory.store(Int32Array, flag / 4, 0);
  const source = `
    onmessage = async ({ data: { url, memory, flag } }) => {
      const { default: LocalSharedMemory } = await import(url);
      const mine = LocalSharedMemory.attach(memory);
      const answer = mine.wait(Int32Array, flag / 4, 0, 10000);
      const ptr = mine.malloc(100);
      mine.memset(ptr, 9, 100);
      postMessage({ answer, ptr });
    };
    postMessage('ready');`;
  const script = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(script, { type: 'module' });
  try {
    const answer = await new Promise((resolve, reject) => {
      worker.onerror = (event) => reject(new Error(event.message));
      worker.onmessage = ({ data }) => {
        if (data !== 'ready') return resolve(data);
        worker.postMessage({ url: import.meta.resolve('isolith/local-shared-memory'), memory, flag });
        const timer = setInterval(() => {
          if (memory.notify(Int32Array, flag / 4, 1) > 0) clearInterval(timer);
        }, 5);
        setTimeout(() => clearInterval(timer), 9000);
      };
    });
    assertEqual(answer.answer, 'ok');
    assert(memory.arrayView(Uint8Array, answer.ptr).every((byte) => byte === 9));
  } finally {
    worker.terminate();
    URL.revokeObjectURL(script);
  }
}, isolated);

test('a thread that may not block is told so', () => {
  const memory = new LocalSharedMemory(10, 20);
  const ptr = memory.malloc(4);
  assertThrows(() => memory.wait(Int32Array, ptr / 4, memory.load(Int32Array, ptr / 4), 0), { name: 'TypeError' });
}, isolated);
