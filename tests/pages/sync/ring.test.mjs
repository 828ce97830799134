// Rings between workers and inside a real AudioWorklet.
// modes: isolated
import { assertEqual, test } from '/tests/pages/lib/test.mjs';
import { createRing } from 'isolith/sync';
import { thread } from './thread.mjs';

const shared = { shared: true, reason: 'rings need shared memory' };

test('a million elements from worker to worker, one by one and in blocks', async () => {
  const ring = createRing({ capacity: 1000, type: 'f32' });
  const producer = thread((handle, sync) => {
    const ring = sync.Ring.attach(handle);
    const block = new Float32Array(128);
    for (let n = 0; n < 500_000; ) if (ring.pushOne(n)) n++;
    for (let n = 500_000; n < 1_000_000; ) {
      const count = Math.min(128, 1_000_000 - n);
      for (let i = 0; i < count; i++) block[i] = n + i;
      n += ring.push(block, 0, count);
    }
  }, ring.handle);
  const consumer = thread((handle, sync) => {
    const ring = sync.Ring.attach(handle);
    const block = new Float32Array(300);
    for (let n = 0; n < 1_000_000; ) {
      const count = n % 3 === 0 ? ring.pop(block, 0, 1) : ring.pop(block);
      for (let i = 0; i < count; i++) if (block[i] !== n++) throw new Error(`${block[i]} instead of ${n - 1}`);
    }
    return 'in order';
  }, ring.handle);
  await producer.result;
  assertEqual(await consumer.result, 'in order');
  for (const it of [producer, consumer]) it.end();
}, { timeout: 60_000, ...shared });

test('an AudioWorklet plays one ring and records into another', async () => {
  const blocks = 100;
  const length = 128 * blocks;
  const source = createRing({ capacity: length, type: 'f32' });
  const sink = createRing({ capacity: length + blocks, type: 'f32' });
  const samples = Float32Array.from({ length }, (_, i) => (i % 1000) / 1024);
  assertEqual(source.push(samples), length);
  const audio = new OfflineAudioContext(1, length, 44100);
  await audio.audioWorklet.addModule('/tests/pages/sync/ring-processor.js');
  const node = new AudioWorkletNode(audio, 'ring', { processorOptions: { source: source.handle, sink: sink.handle } });
  node.connect(audio.destination);
  const played = (await audio.startRendering()).getChannelData(0);
  assertEqual(played.every((value, i) => value === samples[i]), true, 'played what was pushed');
  assertEqual(source.availableRead, 0);
  const block = new Float32Array(129);
  for (let n = 0; n < blocks; n++) {
    assertEqual(sink.pop(block), 129);
    assertEqual(block[128], -1);
    for (let i = 0; i < 128; i++) if (block[i] !== samples[128 * n + i]) throw new Error(`sample ${i} of block ${n} is ${block[i]}`);
  }
}, shared);
