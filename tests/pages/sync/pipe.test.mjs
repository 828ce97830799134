// Pipes between the page and workers: byte streams with back-pressure in bytes, through the platform's transforms.
// modes: isolated
import { assert, assertEqual, assertRejects, sleep, test } from '/tests/pages/lib/test.mjs';
import { createPool } from 'isolith';
import { createPipe, setThreadId } from 'isolith/sync';
import { thread } from './thread.mjs';

const shared = { shared: true, reason: 'pipes need shared memory' };
const byob = { ...shared, only: ['chromium', 'firefox'], reason: 'WebKitGTK 2.50 has no readers that bring their own buffers' };
setThreadId(3);

/** Bytes of which each tells its place: i % 251. */
const byteAt = (i) => i % 251;

/** Writes `total` bytes in chunks of `size`, in a worker. */
const write = async ({ handle, total, size }, sync) => {
  const writer = sync.Pipe.attach(handle).writable.getWriter();
  for (let at = 0; at < total; at += size) {
    await writer.write(Uint8Array.from({ length: Math.min(size, total - at) }, (_, i) => (at + i) % 251));
  }
  await writer.close();
};

test('a reader brings its own buffers, and gets the bytes in them', async () => {
  const pipe = createPipe({ capacity: 1000 });
  const writer = thread(write, { handle: pipe.handle, total: 50_000, size: 3001 });
  const reader = pipe.readable.getReader({ mode: 'byob' });
  let [buffer, at] = [new ArrayBuffer(777), 0];
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(buffer));
    assertEqual(value.buffer.byteLength, 777, 'another buffer came back');
    for (const byte of value) if (byte !== byteAt(at++)) throw new Error(`byte ${at - 1} is ${byte}`);
    if (done) break;
    buffer = value.buffer;
  }
  assertEqual(at, 50_000);
  await writer.result;
  writer.end();
}, byob);

test('a reader may change its mind between its own buffers and the pipe\'s, and cancel in the middle of a read', async () => {
  const pipe = createPipe({ capacity: 100 });
  const writer = pipe.writable.getWriter();
  await writer.write(Uint8Array.of(1, 2, 3));
  let reader = pipe.readable.getReader({ mode: 'byob' });
  assertEqual([...(await reader.read(new Uint8Array(2))).value], [1, 2]);
  reader.releaseLock();
  reader = pipe.readable.getReader();
  assertEqual([...(await reader.read()).value], [3]);
  reader.releaseLock();
  reader = pipe.readable.getReader({ mode: 'byob' });
  const waiting = reader.read(new Uint16Array(4));
  await sleep(20);
  await reader.cancel();
  assertEqual((await waiting).done, true);
  await assertRejects(writer.write(new Uint8Array(1)), { code: 'EPIPE' });
}, byob);

test('back-pressure counts bytes: no more than the capacity is under way, and desiredSize says so', async () => {
  const pipe = createPipe({ capacity: 1000 });
  const writer = pipe.writable.getWriter();
  assertEqual(writer.desiredSize, 1);
  await writer.write(new Uint8Array(400));
  assertEqual(writer.desiredSize, 1);
  let written = 0;
  const write = writer.write(new Uint8Array(2500)).then(() => (written = 2500));
  assertEqual(writer.desiredSize, 1 - 2500);
  await sleep(50);
  assertEqual(written, 0, 'a write settled before its bytes were in the pipe');
  const reader = pipe.readable.getReader();
  let got = 0;
  while (got < 1899) {
    const { value } = await reader.read();
    assert(value.length <= 1000, `a chunk of ${value.length} bytes`);
    got += value.length;
  }
  await write;
  while (got < 2900) got += (await reader.read()).value.length;
  assertEqual(writer.desiredSize, 1);
  await writer.close();
  assertEqual((await reader.read()).done, true);
}, shared);

test('text of any alphabet through TextEncoderStream, a worker, gzip and TextDecoderStream', async () => {
  const [there, back] = [createPipe({ capacity: 300 }), createPipe({ capacity: 50 })];
  const zip = thread(async ({ there, back }, sync) => {
    await sync.Pipe.attach(there).readable.pipeThrough(new CompressionStream('gzip')).pipeTo(sync.Pipe.attach(back).writable);
  }, { there: there.handle, back: back.handle });
  const lines = Array.from({ length: 2000 }, (_, i) => `häßlich 漢字 🎈 ${i}\n`);
  const source = new ReadableStream({
    start(controller) {
      for (const line of lines) controller.enqueue(line);
      controller.close();
    },
  });
  const sent = source.pipeThrough(new TextEncoderStream()).pipeTo(there.writable);
  let text = '';
  const reader = back.readable.pipeThrough(new DecompressionStream('gzip')).pipeThrough(new TextDecoderStream()).getReader();
  for (let part; !(part = await reader.read()).done; ) text += part.value;
  assertEqual(text.length, lines.join('').length);
  assert(text === lines.join(''), 'the text changed on its way');
  await sent;
  await zip.result;
  zip.end();
}, shared);

test('a response made of a pipe reads to its end; tee and pipeTo with a signal work', async () => {
  const pipe = createPipe({ capacity: 64 });
  const writer = thread(write, { handle: pipe.handle, total: 10_000, size: 333 });
  const [one, two] = pipe.readable.tee();
  const [a, b] = await Promise.all([one, two].map((stream) => new Response(stream).arrayBuffer()));
  for (const buffer of [a, b]) {
    assertEqual(buffer.byteLength, 10_000);
    new Uint8Array(buffer).forEach((byte, i) => { if (byte !== byteAt(i)) throw new Error(`byte ${i} is ${byte}`); });
  }
  await writer.result;
  writer.end();
  const stopped = createPipe({ capacity: 8 });
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(100)) });
  const stop = new AbortController();
  const piping = endless.pipeTo(stopped.writable, { signal: stop.signal });
  await sleep(20);
  stop.abort(new Error('enough'));
  // The platform ends a pipe when the chunk in hand is written, then aborts: the reader gets that chunk first.
  const reader = stopped.readable.getReader();
  const drain = (async () => { for (;;) await reader.read(); })();
  await Promise.all([assertRejects(piping, { message: 'enough' }), assertRejects(drain, { code: 'EPIPE' })]);
}, shared);

test('what is not bytes is refused by name; buffers and views of shared memory are taken', async () => {
  const refused = createPipe().writable.getWriter();
  await assertRejects(refused.write('text'), { name: 'TypeError', message: 'a pipe takes chunks of bytes, not string' });
  refused.closed.catch(() => {});
  const pipe = createPipe();
  const writer = pipe.writable.getWriter();
  const source = Uint16Array.of(1, 2);
  const view = new Uint8Array(new SharedArrayBuffer(2));
  view.set([7, 8]);
  for (const chunk of [source.buffer, new DataView(source.buffer, 2), view]) await writer.write(chunk);
  assertEqual([...(await pipe.readable.getReader().read()).value], [1, 0, 2, 0, 2, 0, 7, 8]);
}, shared);

test('a reader is told when the pool has killed the writer, and a writer when it has killed the reader', async () => {
  const pool = createPool(1);
  const [full, empty] = [createPipe({ capacity: 10 }), createPipe({ capacity: 10 })];
  const work = async ({ full, empty }) => {
    full.readable;
    await empty.writable.getWriter().write(new Uint8Array(3));
    for (;;);
  };
  const control = new AbortController();
  const task = pool.run(work, { full, empty }, { signal: control.signal });
  const reader = empty.readable.getReader();
  assertEqual((await reader.read()).value.length, 3);
  control.abort();
  const read = reader.read();
  const write = full.writable.getWriter().write(new Uint8Array(100));
  await Promise.all([assertRejects(read, { code: 'EPIPE' }), assertRejects(write, { code: 'EPIPE' }), task.catch(() => {})]);
  pool.destroy();
}, { ...shared, timeout: 40_000 });
