// The memory part of the forge-runtime document, snippet by snippet, as a user would paste it.
// modes: isolated bare
import { assert, assertEqual, assertRejects, assertThrows, context, respond, test } from '/tests/pages/lib/test.mjs';
import { allocMemory, createHeap, freeMemory, memory, createPoolWasm } from 'isolith';

test('basic usage: bytes of a block can be written and it can be freed', () => {
  const block = allocMemory(100);
  block.memory[0] = 65;
  block.memory[1] = 66;
  block.memory[2] = 67;
  assertEqual([...block.memory.subarray(0, 3)], [65, 66, 67]);
  assertEqual([typeof block.ptr, block.size, block.memory.length], ['number', 100, 100]);
  freeMemory(block);
  assertEqual([block.ptr, block.memory, block.size], [null, null, 0]);
});

test('100 MB and 1 GB can be allocated, and the memory says how large it is', () => {
  const hundred = allocMemory(1024 * 1024 * 100);
  const giant = allocMemory(1024 * 1024 * 1024);
  assert(giant.memory.buffer.byteLength >= 1024 ** 3 + 1024 * 1024 * 100);
  giant.memory[1024 ** 3 - 1] = 7;
  assertEqual(giant.memory[1024 ** 3 - 1], 7);
  freeMemory(giant);
  freeMemory(hundred);
});

test('alloc(1_000_000_000) works on the heap object', async () => {
  const heap = await createHeap();
  const block = heap.alloc(1_000_000_000);
  assertEqual(block.size, 1_000_000_000);
  heap.free(block);
});

test('working with strings by hand', () => {
  const block = allocMemory(100);
  const bytes = new TextEncoder().encode('hello');
  block.memory.set(bytes);
  // Browsers refuse to decode a view of shared memory, hence slice() where the document has subarray().
  assertEqual(new TextDecoder().decode(block.memory.slice(0, bytes.length)), 'hello');
  freeMemory(block);
});

test('createHeap gives the runtime heap: same memory, strings there and back', async () => {
  const heap = await createHeap();
  assertEqual(heap.memory === memory, true);
  assertEqual(heap.HEAP.buffer === memory.buffer, true);
  const block = heap.fromString('Hello Wörld, \u{1F980}');
  assertEqual(heap.toString(block), 'Hello Wörld, \u{1F980}');
  assertEqual(block.size, new TextEncoder().encode('Hello Wörld, \u{1F980}').length);
  heap.free(block);
});

test('an ArrayBuffer and a view are copied in whole', async () => {
  const heap = await createHeap();
  const source = Uint8Array.from({ length: 1000 }, (_, at) => at % 251);
  const whole = heap.fromArrayBuffer(source.buffer);
  const part = heap.fromArrayBuffer(source.subarray(100, 200));
  assertEqual([...whole.memory], [...source]);
  assertEqual([...part.memory], [...source.subarray(100, 200)]);
  heap.free(whole);
  heap.free(part);
});

test('a JSON response is processed in a worker without blocking the page', async () => {
  const heap = await createHeap();
  const pool = await createPoolWasm(memory, 4);
  await respond('/todos/1', { status: 200, headers: { 'content-type': 'application/json' }, body: '{"title":"delectus aut autem"}' });
  const block = await heap.fromResponse(await fetch('/todos/1'));
  const title = await pool.runHeap(
    ({ ptr, size, HEAP }) => {
      const text = new TextDecoder().decode(Uint8Array.from(HEAP.subarray(ptr, ptr + size)));
      const json = JSON.parse(text);
      return json.title;
    },
    block,
  );
  assertEqual(title, 'delectus aut autem');
  heap.free(block);
  pool.destroy();
}, { shared: true, reason: 'workers share the heap only on isolated pages' });

test('a response streams into the heap with progress, whatever its length', async () => {
  const heap = await createHeap();
  const before = heap.stats();
  const chunks = Array.from({ length: 40 }, (_, at) => new Uint8Array(10_000).fill(at));
  const body = () => new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const seen = [];
  const block = await heap.fromResponse(new Response(body()), { onProgress: (received) => seen.push(received) });
  assertEqual(block.size, 400_000);
  assertEqual(chunks.every((chunk, at) => block.memory[at * 10_000] === at && block.memory[at * 10_000 + 9_999] === at), true);
  assertEqual(seen.at(-1), 400_000);
  heap.free(block);
  assertEqual(heap.stats().blocks, before.blocks);
});

test('a response that fails or is aborted gives its memory back', async () => {
  const heap = await createHeap();
  const before = heap.stats().blocks;
  const broken = new ReadableStream({
    pull(controller) {
      controller.error(new Error('the wire broke'));
    },
  });
  await assertRejects(heap.fromResponse(new Response(broken)), { message: /the wire broke/ });
  const stop = new AbortController();
  const endless = new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(1000));
    },
  });
  const taken = heap.fromResponse(new Response(endless), {
    signal: stop.signal,
    onProgress: () => stop.abort(new Error('no longer wanted')),
  });
  await assertRejects(taken, { message: /no longer wanted/ });
  assertEqual(heap.stats().blocks, before);
});

test('sizes that cannot be are refused in words, sizes that do not fit say what is free', () => {
  for (const size of [-1, NaN, 1.5, Infinity, 2 ** 32]) {
    assertThrows(() => allocMemory(size), { name: 'RangeError', message: new RegExp(String(size).replace('+', '\\+')) });
  }
  assertThrows(() => allocMemory(2 ** 32 - 1), { name: 'IsolithError', code: 'ENOMEM', message: /4294967295 bytes: \d+ bytes are free/ });
  assertThrows(() => allocMemory(16, 3), { name: 'RangeError', message: /power of two/ });
});

test('double, wild and foreign frees are typed errors and harm nothing', async () => {
  const heap = await createHeap();
  const other = await createHeap({ initial: 8, maximum: 16, shared: false });
  const mine = heap.alloc(50);
  const theirs = other.alloc(50);
  const address = mine.ptr;
  assertThrows(() => heap.free(theirs), { code: 'ERR_WILD_POINTER', message: /another heap/ });
  assertThrows(() => heap.free(address + 16), { code: 'ERR_WILD_POINTER' });
  heap.free(mine);
  assertThrows(() => heap.free(mine), { code: 'ERR_DOUBLE_FREE' });
  assertThrows(() => heap.free(address), { code: 'ERR_DOUBLE_FREE' });
  assertThrows(() => freeMemory({ ptr: 16, size: 1, memory: null }), { name: 'TypeError' });
  other.free(theirs);
  heap.check();
});

test('blocks are aligned to 16 bytes, and to more when asked', () => {
  for (const align of [undefined, 1, 16, 64, 4096, 65536]) {
    const block = allocMemory(10, align);
    assertEqual(block.ptr % Math.max(16, align ?? 16), 0);
    freeMemory(block);
  }
});

test('views follow the growth of the memory', () => {
  const block = allocMemory(10);
  block.memory[3] = 99;
  const old = block.memory;
  memory.grow(1);
  assert(block.memory !== old, 'a view of the grown memory');
  assertEqual(block.memory[3], 99);
  freeMemory(block);
});

test(`the memory is ${context.shared ? 'shared' : 'not shared'} here`, () => {
  assertEqual(memory.buffer instanceof ArrayBuffer, !context.shared);
});
