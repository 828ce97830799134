// Differential test: the same random operations on wasm-heap-manager 0.5.1 and on ours, shared and unshared.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createWasmHeapManager as peer } from 'wasm-heap-manager';
import { createWasmHeapManager as ours } from '../../pkg/dist/heap-manager.js';
import { managed, random } from './heap-manager-lib.mjs';
import { PEER_IS_WRONG } from './heap-manager-wrong.mjs';

const KINDS = {
  Int8: 1, Uint8: 1, Uint8Clamped: 1, Int16: 2, Uint16: 2, Int32: 4, Uint32: 4, BigInt64: 8, BigUint64: 8,
  Float32: 4, Float64: 8, Pointer32: 4, Pointer53: 8, Pointer64: 8,
};
const STRINGS = { Ascii: 1, Utf8: 1, Utf16: 2, Utf32: 4 };
const ALPHABET = ['a', 'Z', '0', ' ', '~', '\u0000', 'é', 'ß', '\u07ff', '\u0800', '漢', '\ufffd', '😀', '\u{10ffff}'];
const ODD_NUMBERS = [0, -0, 1, -1, 0.5, 1.5, 2.5, 254.5, 255, 256, 1e9, -1e9, 2 ** 31, 2 ** 32, 2 ** 53, 1e300, NaN, Infinity, -Infinity];

/** What a call answers or that it throws: messages and classes may differ, being right may not. */
function outcome(call) {
  try {
    const value = call();
    return ArrayBuffer.isView(value) ? { view: value.constructor.name, elements: Array.from(value) } : { value };
  } catch {
    return 'throws';
  }
}

function session(seed, shared) {
  const next = random(seed);
  const int = (limit) => Math.floor(next() * limit);
  const pick = (list) => list[int(list.length)];
  const sides = [managed(peer, { shared }), managed(ours, { shared })];
  const refs = [];

  const number = (kind) => {
    if (kind === 'Pointer53') return pick([0, 1, 2 ** 32, 2 ** 52 + 1, Number.MAX_SAFE_INTEGER, int(2 ** 31)]);
    if (/^Big|64$/.test(kind) && kind !== 'Float64') {
      return pick([0n, 1n, -1n, 2n ** 63n, 2n ** 64n + 5n, -(2n ** 70n), BigInt(int(2 ** 31)) << 20n]);
    }
    return next() < 0.5 ? pick(ODD_NUMBERS) : (next() - 0.5) * 2 ** int(40);
  };
  const text = (encoding) => {
    const alphabet = encoding === 'Ascii' ? ALPHABET.slice(0, 6) : ALPHABET;
    return Array.from({ length: next() < 0.1 ? int(300) : int(20) }, () => pick(alphabet)).join('');
  };
  const both = (what, call) => {
    const [theirs, mine] = sides.map((side, i) => outcome(() => call(side, i)));
    assert.deepStrictEqual(mine, theirs, `${what} (seed ${seed}, ${shared ? 'shared' : 'unshared'})`);
    return mine;
  };
  /** Makes a reference on both sides and keeps the pair. */
  const make = (what, kind, call) => {
    const pair = [];
    both(what, ({ manager }, i) => (pair[i] = call(manager)).address);
    if (pair.length === 2) refs.push({ pair, kind });
  };
  const use = (what, pair, call) => both(what, (_, i) => call(pair[i]));

  for (let step = 0; step < 1500; step++) {
    const kind = pick(Object.keys(KINDS));
    const size = KINDS[kind];
    const encoding = pick(Object.keys(STRINGS));
    // Only what is within the heap: the peer answers undefined, or nothing, beyond it.
    const address = 16 + int(60_000);
    const aligned = Math.ceil(address / 8) * 8;
    switch (int(16)) {
      case 0: both(`read${kind}`, ({ manager }) => manager[`read${kind}`](address)); break;
      case 1: { const v = number(kind); both(`write${kind}`, ({ manager }) => manager[`write${kind}`](address, v)); break; }
      case 2: both(`read${kind}Atomic`, ({ manager }) => manager[`read${kind}Atomic`](aligned)); break;
      case 3: { const v = number(kind); both(`write${kind}Atomic`, ({ manager }) => manager[`write${kind}Atomic`](address, v)); break; }
      case 4: { const v = next() < 0.5 ? number(kind) : undefined; make(`alloc${kind}`, kind, (m) => m[`alloc${kind}`](v)); break; }
      case 5: { const n = int(20); make(`alloc${kind}Array`, `${kind}Array`, (m) => m[`alloc${kind}Array`](n)); break; }
      case 6: both(`view${kind}Array`, ({ manager }) => manager[`view${kind}Array`](aligned, 7)); break;
      case 7: make(`wrap${kind}`, kind, (m) => m[`wrap${kind}`](address)); refs.at(-1).wrapped = true; break;
      case 8: { const s = next() < 0.5 ? text(encoding) : int(30); make(`alloc${encoding}`, encoding, (m) => m[`allocNullTerminated${encoding}String`](s)); break; }
      case 9: {
        const s = text(encoding);
        both(`write${encoding}`, ({ manager }) => manager[`writeNullTerminated${encoding}String`](aligned, s, s.length * 4 + 1));
        both(`read${encoding}`, ({ manager }) => manager[`readNullTerminated${encoding}String`](aligned));
        both(`count of ${encoding}`, ({ manager }) => manager.getElementCountOfNullTerminatedString(aligned, STRINGS[encoding], 2000));
        break;
      }
      case 10: both('total', ({ manager }) => manager.totalAllocatedByteCount); both('refs', ({ manager }) => manager.allocatedHeapRefs.map((r) => r.address)); break;
      case 11: { const v = pick([0n, -1n, 2n ** 200n + 3n]); both('wide', ({ manager }) => { manager.writeBigUint256(address, v); manager.writeBigUint128(address + 40, v); return [manager.readBigUint256(address), manager.readBigUint128(address + 33)]; }); break; }
      default: {
        if (refs.length === 0) break;
        const at = int(refs.length);
        const { pair, kind: of, wrapped } = refs[at];
        if (of.endsWith('Array')) {
          const { elementCount } = pair[1];
          const index = int(Math.max(1, elementCount)), v = number(of.slice(0, -5));
          if (elementCount > 0) {
            use(`${of}.writeAt`, pair, (r) => r.writeAt(index, v).readAt(index));
            use(`${of}.writeAtomicAt`, pair, (r) => r.writeAtomicAt(index, v).readAtomicAt(index));
          }
          use(`${of}.view`, pair, (r) => r.view);
          use(`${of} sizes`, pair, (r) => [r.elementCount, r.bytesPerElement, r.allocatedByteCount]);
        } else if (of in STRINGS) {
          const s = text(of);
          // A string that is too long is a listed case for UTF-8.
          if (of !== 'Utf8' || Buffer.byteLength(s) < (pair[1].allocatedElementCount ?? 0)) use(`${of}.write`, pair, (r) => r.write(s).value);
          use(`${of} sizes`, pair, (r) => [r.allocatedElementCount, r.encodedElementCount, r.encodedByteCount, r.bytesPerElement, r.allocatedByteCount]);
          use(`${of}.encodedElementsView`, pair, (r) => r.encodedElementsView);
          use(`${of}.encodedBytesView`, pair, (r) => r.encodedBytesView);
          use(`${of}.allocatedElementsView`, pair, (r) => r.allocatedElementsView);
        } else {
          const v = number(of);
          use(`${of}.value`, pair, (r) => { r.value = v; return r.value; });
          use(`${of}.write`, pair, (r) => r.write(v).read());
          use(`${of}.writeAtomic`, pair, (r) => r.writeAtomic(v).readAtomic());
        }
        use('bytes', pair, (r) => r.allocatedBytesView);
        if (next() < 0.3) {
          const how = wrapped ? 0 : int(3);
          if (how === 0) use('clear', pair, (r) => r.clear());
          if (how === 1) use('free', pair, (r) => r.free());
          if (how === 2) both('free by address', ({ manager }, i) => manager.free(pair[i].address));
          if (how > 0) {
            refs.splice(at, 1);
            use('freed', pair, (r) => [r.isFreed, r.isNotFreed, r.address]);
            use('read after free', pair, (r) => (r.value ?? r.view));
            use('free again', pair, (r) => r.free());
          }
        }
      }
    }
  }
  both('freeAll', ({ manager }) => manager.freeAll());
  both('what was freed', ({ heap }) => [heap.frees, heap.live.size]);
  both('memory', ({ heap }) => Buffer.from(new Uint8Array(heap.memory.buffer)).toString('latin1'));
}

for (const shared of [false, true]) {
  test(`random operations answer as the peer does, ${shared ? 'shared' : 'unshared'}`, () => {
    for (let seed = 1; seed <= 25; seed++) session(seed, shared);
  });
}

for (const { name, reason, run, peer: theirs, ours: mine } of PEER_IS_WRONG) {
  test(`where the peer is wrong: ${name}`, () => {
    assert.ok(reason.length > 10);
    assert.deepStrictEqual(outcome(() => run(peer)), theirs, 'what the peer does');
    assert.deepStrictEqual(outcome(() => run(ours)), mine, 'what ours does');
  });
}
