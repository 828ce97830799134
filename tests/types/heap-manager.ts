/** Types of `isolith/heap-manager`: what is inferred, and what must not compile. */
import {
  createWasmHeapManager, defineStruct, heapManager, utf8, wrapEmscriptenModuleHeap,
  type BigInt64ArrayRef, type HeapRef, type Int32Ref, type NullTerminatedUtf16StringRef, type Pointer53ArrayRef,
  type StructArray, type StructView, type WasmHeapManager,
} from 'isolith/heap-manager';
import { expectType, type Same } from './expect.js';

const memory = new WebAssembly.Memory({ initial: 1 });
const manager = createWasmHeapManager(() => memory.buffer, (size) => size + 16, (_address) => {}, {
  pollingMode: 'whenEmpty', enableGarbageCollection: true,
});
expectType<Same<typeof manager, WasmHeapManager>>();
expectType<Same<typeof heapManager, WasmHeapManager>>();
// @ts-expect-error there is no such polling mode
createWasmHeapManager(() => memory.buffer, () => 1, () => {}, { pollingMode: 'sometimes' });
// @ts-expect-error a module without _free
wrapEmscriptenModuleHeap({ HEAPU8: new Uint8Array(1), _malloc: () => 1 });

// Both generations of names have the same types.
expectType<Same<typeof manager.readClampedUint8, (address: number) => number>>();
expectType<Same<typeof manager.readUint8Clamped, (address: number) => number>>();
expectType<Same<ReturnType<typeof manager.readBigUint128LE>, bigint>>();
expectType<Same<ReturnType<typeof manager.readBigInt64>, bigint>>();
expectType<Same<ReturnType<typeof manager.readPointer53>, number>>();

const int = manager.allocInt32(1);
expectType<Same<typeof int, Int32Ref>>();
expectType<Same<typeof int.value, number>>();
expectType<Same<typeof int.allocatedByteCount, 4>>();
expectType<Same<ReturnType<typeof int.write>, Int32Ref>>();
// @ts-expect-error an int32 is no bigint
int.value = 1n;
// @ts-expect-error the address is not for callers to change
int.address = 8;

const longs = manager.allocBigInt64Array([1n, 2n]);
expectType<Same<typeof longs, BigInt64ArrayRef>>();
expectType<Same<typeof longs.view, BigInt64Array<ArrayBufferLike>>>();
expectType<Same<ReturnType<typeof longs.readAt>, bigint>>();
// @ts-expect-error 64-bit elements are bigints
manager.allocBigInt64Array([1, 2]);
const pointers: Pointer53ArrayRef = manager.allocPointer53Array([1, 2 ** 40]);
manager.allocPointer53Array(new BigUint64Array(2));
expectType<Same<ReturnType<typeof pointers.readAt>, number>>();
pointers.free({ freeElements: true });

const text = manager.allocNullTerminatedUtf16String('text');
expectType<Same<typeof text, NullTerminatedUtf16StringRef>>();
expectType<Same<typeof text.encodedElementsView, Uint16Array<ArrayBufferLike>>>();
expectType<Same<typeof text.bytesPerElement, 2>>();
expectType<Same<typeof manager.allocatedHeapRefs, HeapRef[]>>();

const Point = defineStruct({ x: 'f32', y: 'f32' });
const Particle = defineStruct({
  id: 'u64', alive: 'bool', x: 'f32', pos: ['f64', 3], next: 'pointer32', far: 'pointer53', name: utf8(32), tags: [utf8(4), 2],
  at: Point, path: [Point, 8],
});
const particle = Particle.alloc(manager, { x: 1, pos: [1, 2, 3], id: 1n, alive: true, name: 'a', tags: ['b'], at: { x: 1 }, path: [{ y: 1 }] });
expectType<Same<typeof particle.id, bigint>>();
expectType<Same<typeof particle.alive, boolean>>();
expectType<Same<typeof particle.x, number>>();
expectType<Same<typeof particle.pos, Float64Array<ArrayBufferLike>>>();
expectType<Same<typeof particle.next, number>>();
expectType<Same<typeof particle.far, number>>();
expectType<Same<typeof particle.name, string>>();
expectType<Same<typeof particle.tags, string[]>>();
expectType<Same<typeof particle.at.x, number>>();
expectType<Same<ReturnType<typeof particle.path.at>['y'], number>>();
const point: StructView<{ readonly x: 'f32'; readonly y: 'f32' }> = particle.at;
const points: StructArray<{ readonly x: 'f32'; readonly y: 'f32' }> = particle.path;
expectType<Same<typeof Particle.offsets.pos, number>>();
point.x = 2;
points.at(0).y = 1;
// @ts-expect-error no such field
particle.nobody;
// @ts-expect-error a number is no bool
particle.alive = 1;
// @ts-expect-error arrays are written in place
particle.pos = new Float64Array(3);
// @ts-expect-error a field of another type
Particle.alloc(manager, { id: 1 });
// @ts-expect-error no such field
Particle.alloc(manager, { nobody: 1 });
// @ts-expect-error no such kind
defineStruct({ x: 'float' });

const columns = Particle.columns(memory, 10);
expectType<Same<typeof columns.id, BigUint64Array<ArrayBufferLike>>>();
expectType<Same<typeof columns.x, Float32Array<ArrayBufferLike>>>();
expectType<Same<typeof columns.alive, Uint8Array<ArrayBufferLike>>>();
expectType<Same<ReturnType<typeof columns.name.at>, string>>();
expectType<Same<typeof columns.path.y, Float32Array<ArrayBufferLike>>>();
const plain = particle.toObject();
expectType<Same<typeof plain.pos, number[]>>();
expectType<Same<typeof plain.at, { readonly x: number; readonly y: number }>>();
