/** Types of `isolith/local-shared-memory`: what is inferred, and what must not compile. */
import LocalSharedMemory from 'isolith/local-shared-memory';
import { expectType, type Same } from './expect.js';

const memory = new LocalSharedMemory(10, 20, false);
const plain: WebAssembly.Memory = memory;
expectType<Same<ReturnType<typeof LocalSharedMemory.attach>, LocalSharedMemory>>();
LocalSharedMemory.attach(plain);

const ptr = memory.malloc(8);
expectType<Same<typeof ptr, number>>();
expectType<Same<ReturnType<typeof memory.getBigInt64>, bigint>>();
const view = memory.arrayView(Float32Array, ptr);
expectType<Same<typeof view, Float32Array<ArrayBufferLike>>>();
memory.free(view);
memory.free(ptr);
// @ts-expect-error a string is no array
memory.free('ptr');

const long = memory.add(BigInt64Array, ptr / 8, 1n);
expectType<Same<typeof long, bigint>>();
const int = memory.compareExchange(Int32Array, ptr / 4, 1, 2);
expectType<Same<typeof int, number>>();
// @ts-expect-error the elements are bigints
memory.add(BigInt64Array, 0, 1);
// @ts-expect-error there are no atomics on floats
memory.add(Float32Array, 0, 1);
// @ts-expect-error a thread waits on Int32Array or BigInt64Array
memory.wait(Uint8Array, 0, 1);
// @ts-expect-error without its ends, a fill would overwrite the allocator
memory.fill(Int32Array, 1);
const sub = memory.subarray(Uint16Array, 8, 16);
expectType<Same<typeof sub, Uint16Array<ArrayBufferLike>>>();
expectType<Same<ReturnType<typeof memory.BigUint64Array>, BigUint64Array<ArrayBufferLike>>>();
// @ts-expect-error the elements are bigints
memory.BigUint64Array([1]);
