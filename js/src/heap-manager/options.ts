/** What a manager is made from: its callbacks and options. */
import type { PollingMode } from '../bytes.js';

/** Allocates so many bytes; answers their address, or 0 where there is no room. */
export type AllocatorMethod = (size: number) => number;
/** Frees the block at an address. */
export type DeallocatorMethod = (address: number) => void;
/** Answers the current buffer of the heap. */
export type HeapGetterCallback = () => ArrayBufferLike;

/** Options of a manager. */
export interface WasmHeapManagerOptions {
  /** Fill each new block with zeros. Default true. */
  clearAllocatedRegions: boolean;
  /**
   * When to ask for the heap's buffer. `whenEmpty` (default): when an access does not fit into the
   * known buffer, which is how the growth of shared and of unshared memory shows. `always`: at each
   * access, for a buffer that is replaced without being detached. `never`: once.
   */
  pollingMode: PollingMode;
  /** Keep a list of all blocks that were allocated and not freed. Default true. */
  trackAllocations: boolean;
  /**
   * Free a block when its reference is garbage, once it is neither reachable itself nor through a
   * view it gave out. Default false. References to wrapped addresses never free them. Collection
   * may come late or not at all: a safety net, no replacement for `free`.
   */
  enableGarbageCollection: boolean;
}

/** The options of a manager that was given none. */
export const defaultWasmHeapManagerOptions: Readonly<WasmHeapManagerOptions> = Object.freeze({
  clearAllocatedRegions: true,
  pollingMode: 'whenEmpty',
  trackAllocations: true,
  enableGarbageCollection: false,
});
