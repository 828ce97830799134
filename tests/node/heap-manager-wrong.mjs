// The cases in which wasm-heap-manager 0.5.1 is wrong, as data: what it answers, what is right, and why.
import { makeHeap, managed } from './heap-manager-lib.mjs';

const value = (it) => ({ value: it });
const THROWS = 'throws';

/** The name of what a call throws, to tell a RangeError that names its cause from an accident. */
function thrown(call) {
  try {
    call();
    return 'nothing';
  } catch (error) {
    return error.constructor.name;
  }
}

/** Each `run(create)` answers what shows the difference; `peer` and `ours` are the answers. */
export const PEER_IS_WRONG = [
  {
    name: 'growth of a shared memory',
    reason: 'the buffer of a shared memory never detaches, so its length of 0 is waited for in vain',
    run(create) {
      const { heap, manager } = managed(create, { shared: true, initial: 1 });
      heap.memory.grow(1);
      new Int32Array(heap.memory.buffer)[20_000] = 7;
      return manager.readInt32(80_000);
    },
    peer: THROWS,
    ours: value(7),
  },
  {
    name: 'a UTF-8 byte order mark',
    reason: 'the text has it as its first character; only a decoder told to ignore its role keeps it',
    run: (create) => managed(create).manager.allocNullTerminatedUtf8String('\ufeffa').value,
    peer: value('a'),
    ours: value('\ufeffa'),
  },
  {
    name: 'a UTF-16 byte order mark',
    reason: 'as in UTF-8: U+FEFF was written, so U+FEFF is read',
    run: (create) => managed(create).manager.allocNullTerminatedUtf16String('\ufeffa').value,
    peer: value('a'),
    ours: value('\ufeffa'),
  },
  {
    name: 'a lone surrogate at the end of UTF-16',
    reason: 'the Encoding standard replaces it by U+FFFD; the decoder is never flushed',
    run: (create) => managed(create).manager.allocNullTerminatedUtf16String('a\ud800').value,
    peer: value('a'),
    ours: value('a\ufffd'),
  },
  {
    name: 'a cut sequence at the end of UTF-8',
    reason: 'the Encoding standard replaces it by U+FFFD; the decoder is never flushed',
    run(create) {
      const { manager } = managed(create);
      for (const [i, byte] of [0x61, 0xe6, 0xbc, 0].entries()) manager.writeUint8(64 + i, byte);
      return manager.readNullTerminatedUtf8String(64);
    },
    peer: value('a'),
    ours: value('a\ufffd'),
  },
  {
    name: 'a UTF-8 string that does not fit',
    reason: 'the error is thrown after half of the string has overwritten what was there',
    run(create) {
      const ref = managed(create).manager.allocNullTerminatedUtf8String('before');
      return [thrown(() => ref.write('far too long')), ref.value];
    },
    peer: value(['Error', 'far to']),
    ours: value(['RangeError', 'before']),
  },
  {
    name: 'an ASCII string that is none',
    reason: 'the error is thrown after a part of the string has overwritten what was there',
    run(create) {
      const ref = managed(create).manager.allocNullTerminatedAsciiString('before');
      return [thrown(() => ref.write('aé')), ref.value];
    },
    peer: value(['Error', 'aefore']),
    ours: value(['RangeError', 'before']),
  },
  {
    name: 'a string whose terminator lies beyond the heap',
    reason: 'writing outside of a typed array is ignored, so the string stays without an end',
    run(create) {
      const { manager } = managed(create);
      return [thrown(() => manager.writeNullTerminatedUtf16String(2 * 65536 - 4, 'ab', 100)), manager.readUint16(2 * 65536 - 4)];
    },
    peer: value(['nothing', 97]),
    ours: value(['RangeError', 0]),
  },
  {
    name: 'writing a string without a capacity',
    reason: 'the document of 0.1 has no third argument; a missing one becomes NaN',
    run(create) {
      const { manager } = managed(create);
      manager.writeNullTerminatedUtf8String(64, 'ab');
      return manager.readNullTerminatedUtf8String(64);
    },
    peer: THROWS,
    ours: value('ab'),
  },
  {
    name: 'reading a byte outside of the heap',
    reason: 'undefined is no number, and the mistake goes on unseen',
    run: (create) => managed(create).manager.readUint8(1e9),
    peer: value(undefined),
    ours: THROWS,
  },
  {
    name: 'writing a byte outside of the heap',
    reason: 'the value is lost without a word',
    run: (create) => managed(create).manager.writeUint8(1e9, 1),
    peer: value(undefined),
    ours: THROWS,
  },
  {
    name: 'an address that is no integer',
    reason: '4.5 is not 4: whoever computed it has made a mistake',
    run: (create) => managed(create).manager.readInt32(4.5),
    peer: value(0),
    ours: THROWS,
  },
  {
    name: 'a view that reaches beyond the heap',
    reason: 'a shorter view than asked for is cut off without a word',
    run: (create) => managed(create, { initial: 1 }).manager.viewInt32Array(65536 - 8, 10).length,
    peer: value(2),
    ours: THROWS,
  },
  {
    name: 'an index outside of an array',
    reason: "it reads and writes a neighbour's bytes",
    run(create) {
      const { manager } = managed(create);
      const array = manager.allocInt32Array(2);
      manager.allocInt32(77);
      return array.readAt(2);
    },
    peer: value(77),
    ours: THROWS,
  },
  {
    name: 'a negative pointer of 53 bits',
    reason: 'it is written modulo 2^64 and can then not be read back',
    run(create) {
      const { manager } = managed(create);
      return [thrown(() => manager.writePointer53(64, -1)), thrown(() => manager.readPointer53(64))];
    },
    peer: value(['nothing', 'Error']),
    ours: value(['RangeError', 'nothing']),
  },
  {
    name: 'freeing through a second reference',
    reason: 'the first one stays listed, so freeAll frees its block again',
    run(create) {
      const { manager } = managed(create);
      const first = manager.allocInt32(1);
      manager.wrapInt32(first.address).free();
      return [first.isFreed, thrown(() => manager.freeAll())];
    },
    peer: value([false, 'Error']),
    ours: value([true, 'nothing']),
  },
  {
    name: 'a reference of another manager',
    reason: 'the address means another block, or none, in this heap',
    run(create) {
      const [one, two] = [managed(create), managed(create)];
      const ref = one.manager.allocInt32();
      two.manager.allocInt32();
      return [thrown(() => two.manager.free(ref)), two.heap.live.size];
    },
    peer: value(['nothing', 0]),
    ours: value(['TypeError', 1]),
  },
  {
    name: 'an allocator that answers an unaligned array',
    reason: 'the error leaves the block allocated with nobody who could free it',
    run(create) {
      const heap = makeHeap({ first: 17 });
      const manager = create(heap.getHeap, heap.alloc, heap.free);
      return [thrown(() => manager.allocInt32Array(3)), heap.live.size];
    },
    peer: value(['Error', 1]),
    ours: value(['RangeError', 0]),
  },
  {
    name: 'an address of 2 GiB or more from a wasm export',
    reason: 'an i32 result is signed: the address is the number modulo 2^32, and no failure',
    run(create) {
      // No machine that runs tests needs 2 GiB for this: what matters is the address in the message.
      const manager = create(() => new ArrayBuffer(64), () => -(2 ** 31), () => {});
      try {
        manager.allocInt32();
      } catch ({ message }) {
        return message;
      }
      return 'allocated';
    },
    peer: value('Failed to allocate 4 bytes'),
    ours: value('address 2147483648 (4 bytes) is outside of the heap of 64 bytes'),
  },
  {
    name: 'the names of the document of 0.1',
    reason: 'the README of 0.5.1 still promises them',
    run: (create) => {
      const { manager } = managed(create);
      const ref = manager.allocClampedUint8(300);
      return [ref.value, ref.allocatedByteSize, manager.readClampedUint8(ref.address)];
    },
    peer: THROWS,
    ours: value([255, 1, 255]),
  },
];
