/** The blocks that a manager allocated: which reference owns each, and the garbage collection of those. */
import { AddressTable } from './address-table.js';
import type { HeapRef } from './ref.js';

/** A block that is freed once its reference is garbage. */
interface Token {
  readonly ref: WeakRef<HeapRef>;
  readonly address: number;
  readonly bytes: number;
}

/**
 * The live blocks by address.
 *
 * A block is in the table exactly while it is allocated, and whoever takes it out of the table frees
 * it: an explicit free or the garbage collector, whichever comes first. So no block is freed twice.
 * Without garbage collection the table holds the references themselves, so that none is lost.
 */
export class Allocations {
  private readonly blocks = new AddressTable<HeapRef | Token>();
  private readonly registry: FinalizationRegistry<Token> | undefined;
  private readonly owners: WeakMap<object, HeapRef> | undefined;

  /** @param collect frees the block at an address whose reference is garbage; absent without garbage collection. */
  constructor(collect?: (address: number) => void) {
    if (collect === undefined) return;
    this.owners = new WeakMap();
    this.registry = new FinalizationRegistry((token) => {
      // Not the same token: the block was freed by its address meanwhile, which may be in use anew.
      if (this.blocks.get(token.address) !== token) return;
      this.blocks.take(token.address);
      collect(token.address);
    });
  }

  /** Takes note of a new block. */
  add(ref: HeapRef): void {
    if (this.registry === undefined) {
      this.blocks.set(ref.address, ref);
      return;
    }
    const token = { ref: new WeakRef(ref), address: ref.address, bytes: ref.allocatedByteCount };
    this.blocks.set(ref.address, token);
    this.registry.register(ref, token, token);
  }

  /** Forgets a block; answers the reference that owned it, if that is still there. */
  remove(address: number): HeapRef | undefined {
    const block = this.blocks.take(address);
    if (block === undefined) return undefined;
    if (this.registry === undefined) return block as HeapRef;
    this.registry.unregister(block);
    return (block as Token).ref.deref();
  }

  /** Keeps `ref`, and so its block, alive as long as `view` is. */
  keep(view: object, ref: HeapRef): void {
    this.owners?.set(view, ref);
  }

  /** The addresses of all blocks. */
  addresses(): number[] {
    return this.blocks.entries().map(([address]) => address);
  }

  /** The references of all blocks that still have one, oldest first. */
  refs(): HeapRef[] {
    const blocks = this.blocks.entries().map(([, block]) => block);
    if (this.registry === undefined) return blocks as HeapRef[];
    return (blocks as Token[]).flatMap((token) => token.ref.deref() ?? []);
  }

  /** The bytes asked for in all blocks. */
  bytes(): number {
    let sum = 0;
    for (const [, block] of this.blocks.entries()) {
      sum += this.registry === undefined ? (block as HeapRef).allocatedByteCount : (block as Token).bytes;
    }
    return sum;
  }
}
