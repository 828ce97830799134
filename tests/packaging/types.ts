// Types as a user meets them: each line must compile, each `@ts-expect-error` must be an error.
import { allocMemory, createHeap, createPool, createPoolWasm, memory, type MemoryBlock } from 'isolith';

const block: MemoryBlock = allocMemory(16);
const pointer: number | null = block.ptr;
const bytes: Uint8Array | null = block.memory;
const shared: WebAssembly.Memory = memory;
// @ts-expect-error a size is a number
allocMemory('16');
// @ts-expect-error the pointer is null after free
const always: number = block.ptr;

const pool = createPool(2);
const answer: number = await pool.run((n: number) => n * 2, 21);
// @ts-expect-error the result is what the function returns
const text: string = await pool.run((n: number) => n * 2, 21);

const heap = await createHeap();
const other = await createPoolWasm(heap.memory, 1);
const sum: number = await other.runHeap(({ HEAP, ptr, size }) => HEAP.subarray(ptr, ptr + size).length, block);

export const used = [pointer, bytes, shared, always, answer, text, sum];
