// Typed access rows: numbers, references, strings and structs; us beside wasm-heap-manager and LocalSharedMemory.
import { createWasmHeapManager as ours, defineStruct } from 'isolith/heap-manager';
import Memory from 'isolith/local-shared-memory';
import { createWasmHeapManager as peer } from 'wasm-heap-manager';
import { LocalSharedMemory } from '../peers/local-shared-memory.mjs';

const COUNT = 4096;
const LIVE = 10_000;
const OURS = 'isolith';
const PEER = 'wasm-heap-manager 0.5.1';
const RAW = 'raw typed array';
const TEXTS = Array.from({ length: 26 }, (_, i) => String.fromCharCode(97 + i) + 'bcdefghijklmnop');

/** Keeps results alive, so that no loop is thrown away. */
let sink = 0;

/** A manager by `create` over one allocator that reuses what is freed; the memory has grown, as real ones have. */
function open(create, shared) {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 256, shared });
  const free = [];
  let next = 1024;
  const manager = create(() => memory.buffer, (size) => (size <= 64 && free.pop()) || (next += (size + 15) & ~15) - ((size + 15) & ~15), (at) => free.push(at));
  memory.grow(1);
  return { manager, memory };
}

/** A row whose sample is nanoseconds per operation of a loop that the engine has compiled for it alone. */
function row(name, who, make, more) {
  return {
    group: 'typed access', name, who, unit: 'ns', better: 'lower', n: 100 * COUNT,
    setup: ({ state }) => { state.loop = make(); },
    run({ state: { loop } }, n) {
      const start = performance.now();
      sink ^= loop(n);
      return ((performance.now() - start) * 1e6) / n;
    },
    ...more,
  };
}

/** The same loop for us, the peer and, as a reference, the raw platform. Each gets a function of its own. */
function contest(title, loops, { n = 100 * COUNT, kinds = [true, false], times, raw } = {}) {
  return kinds.flatMap((shared) => {
    const name = `${title}, ${shared ? 'shared' : 'unshared'}`;
    const limit = times?.[shared ? 'shared' : 'unshared'];
    const targets = [];
    if (limit) targets.push({ than: PEER, times: limit, browsers: ['chromium'] });
    if (raw) targets.push({ than: RAW, times: raw });
    return [
      row(name, OURS, () => loops.ours(open(ours, shared)), { n, ...(targets.length ? { targets } : {}) }),
      ...(loops.peer ? [row(name, PEER, () => loops.peer(open(peer, shared)), { n })] : []),
      ...(loops.raw ? [row(name, RAW, () => loops.raw(open(ours, shared)), { n, reference: true })] : []),
    ];
  });
}

const NUMBERS = { shared: 3, unshared: 1.5 };

const numbers = [
  ...contest('read an int32 by address', {
    ours: ({ manager }) => (n) => { let s = 0; for (let i = 0; i < n; i++) s = (s + manager.readInt32(4096 + ((i * 4) & 16383))) | 0; return s; },
    peer: ({ manager }) => (n) => { let s = 0; for (let i = 0; i < n; i++) s = (s + manager.readInt32(4096 + ((i * 4) & 16383))) | 0; return s; },
    raw: ({ memory }) => { const view = new Int32Array(memory.buffer); return (n) => { let s = 0; for (let i = 0; i < n; i++) s = (s + view[1024 + (i & 4095)]) | 0; return s; }; },
  }, { times: NUMBERS }),
  ...contest('write a float64 by address', {
    ours: ({ manager }) => (n) => { for (let i = 0; i < n; i++) manager.writeFloat64(4096 + ((i * 8) & 32767), i); return n; },
    peer: ({ manager }) => (n) => { for (let i = 0; i < n; i++) manager.writeFloat64(4096 + ((i * 8) & 32767), i); return n; },
  }, { times: NUMBERS }),
  ...contest('read through a reference', {
    ours({ manager }) { const refs = Array.from({ length: 1024 }, (_, i) => manager.wrapInt32(4096 + i * 4)); return (n) => { let s = 0; for (let i = 0; i < n; i++) s = (s + refs[i & 1023].read()) | 0; return s; }; },
    peer({ manager }) { const refs = Array.from({ length: 1024 }, (_, i) => manager.wrapInt32(4096 + i * 4)); return (n) => { let s = 0; for (let i = 0; i < n; i++) s = (s + refs[i & 1023].read()) | 0; return s; }; },
  }, { times: NUMBERS }),
  ...contest('read an element of an array', {
    ours({ manager }) { const array = manager.wrapInt32Array(4096, COUNT); return (n) => { let s = 0; for (let i = 0; i < n; i++) s = (s + array.readAt(i & 4095)) | 0; return s; }; },
    peer({ manager }) { const array = manager.wrapInt32Array(4096, COUNT); return (n) => { let s = 0; for (let i = 0; i < n; i++) s = (s + array.readAt(i & 4095)) | 0; return s; }; },
  }, { times: NUMBERS }),
  ...contest('read through the view of an array', {
    ours({ manager }) { const { view } = manager.wrapInt32Array(4096, COUNT); return (n) => { let s = 0; for (let i = 0; i < n; i++) s = (s + view[i & 4095]) | 0; return s; }; },
    raw: ({ memory }) => { const view = new Int32Array(memory.buffer, 4096, COUNT); return (n) => { let s = 0; for (let i = 0; i < n; i++) s = (s + view[i & 4095]) | 0; return s; }; },
  }, { raw: 0.8 }),
  ...contest('read an unaligned int32', {
    ours: ({ manager }) => (n) => { let s = 0; for (let i = 0; i < n; i++) s = (s + manager.readInt32(4097 + ((i * 4) & 16383))) | 0; return s; },
    peer: ({ manager }) => (n) => { let s = 0; for (let i = 0; i < n; i++) s = (s + manager.readInt32(4097 + ((i * 4) & 16383))) | 0; return s; },
  }),
];

const write = ({ manager }) => TEXTS.forEach((text, i) => manager.writeNullTerminatedUtf8String(4096 + i * 32, text, 32));
const readTexts = (manager) => (n) => { let s = 0; for (let i = 0; i < n; i++) s += manager.readNullTerminatedUtf8String(4096 + (i % 26) * 32, 32).charCodeAt(0); return s; };
const writeTexts = (manager) => (n) => { let s = 0; for (let i = 0; i < n; i++) s += manager.writeNullTerminatedUtf8String(4096 + (i % 26) * 32, TEXTS[i % 26], 32); return s; };
// In browsers the peer throws at strings of shared memory; ours is measured there against the peer unshared.
const text = (name, loop, times) => [
  row(name, `${OURS}, unshared`, () => { const heap = open(ours, false); write(heap); return loop(heap.manager); }, { n: 20_000, targets: [{ than: PEER, times, browsers: ['chromium'] }] }),
  row(name, `${OURS}, shared`, () => { const heap = open(ours, true); write(heap); return loop(heap.manager); }, { n: 20_000, targets: [{ than: PEER, times, browsers: ['chromium'] }] }),
  row(name, PEER, () => { const heap = open(peer, false); write(heap); return loop(heap.manager); }, { n: 20_000, caveat: 'unshared: in shared memory it throws' }),
];
const strings = [...text('read UTF-8 of 16 letters', readTexts, 5), ...text('write UTF-8 of 16 letters', writeTexts, 3)];

/** One of 10,000 live blocks goes by its address, at random, and a new one comes. */
function churn(create) {
  const { manager } = open(create, false);
  const refs = Array.from({ length: LIVE }, () => manager.allocInt32());
  let turn = 1;
  return (n) => {
    for (let i = 0; i < n; i++) {
      turn = (Math.imul(turn, 1664525) + 1013904223) >>> 0;
      const at = turn % LIVE;
      manager.free(refs[at].address);
      refs[at] = manager.allocInt32();
    }
    return refs.length;
  };
}
const frees = [
  row('free by address and allocate, 10,000 live', OURS, () => churn(ours), { n: 20_000, targets: [{ than: PEER, times: 50, browsers: ['chromium'] }] }),
  row('free by address and allocate, 10,000 live', PEER, () => churn(peer), { n: 500 }),
];

const memories = [
  ['LocalSharedMemory getInt32', (memory, at) => (n) => { let s = 0; for (let i = 0; i < n; i++) s = (s + memory.getInt32(at + ((i * 4) & 16383))) | 0; return s; }],
].flatMap(([name, loop]) => [
  row(name, OURS, () => { const memory = new Memory(40, 100); return loop(memory, memory.malloc(20_000)); }, { targets: [{ than: 'LocalSharedMemory style', times: 3, browsers: ['chromium'] }] }),
  row(name, 'LocalSharedMemory style', () => { const memory = new LocalSharedMemory(); return loop(memory, memory.malloc(20_000)); }, { caveat: 'written after its document' }),
]);

const Body = defineStruct({ x: 'f64', y: 'f64', mass: 'f32', id: 'u32' });
const structs = [
  row('struct: move 4,096 bodies, per body', `${OURS}, objects`, () => {
    const bodies = [...Body.array(open(ours, true).manager, COUNT)];
    return (n) => { for (let i = 0; i < n; i++) { const body = bodies[i & 4095]; body.x += body.y * 0.5; } return n; };
  }),
  row('struct: move 4,096 bodies, per body', `${OURS}, columns`, () => {
    const { x, y } = Body.columns(open(ours, true).manager, COUNT);
    return (n) => { for (let i = 0; i < n; i++) x[i & 4095] += y[i & 4095] * 0.5; return n; };
  }),
  row('struct: move 4,096 bodies, per body', 'DataView by hand', () => {
    const view = new DataView(open(ours, true).memory.buffer, 4096);
    return (n) => { for (let i = 0; i < n; i++) { const at = (i & 4095) * 24; view.setFloat64(at, view.getFloat64(at, true) + view.getFloat64(at + 8, true) * 0.5, true); } return n; };
  }, { reference: true }),
];

export default [...numbers, ...strings, ...frees, ...memories, ...structs];
