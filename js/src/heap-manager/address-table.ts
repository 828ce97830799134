/** A table by address: open addressing, several times faster than a Map where thousands of blocks come and go. */

const FIRST_SLOTS = 64;

/** Values by address; an address is an integer above 0. Remembers in which order they came. */
export class AddressTable<V> {
  /** The address in each slot; 0 where it is free. Its length is a power of two. */
  private keys = new Float64Array(FIRST_SLOTS);
  private values: (V | undefined)[] = new Array<V | undefined>(FIRST_SLOTS).fill(undefined);
  /** When each slot's value came, counted. */
  private turns = new Float64Array(FIRST_SLOTS);
  private turn = 0;
  private count = 0;

  /** The value at an address. */
  get(address: number): V | undefined {
    return this.values[this.find(address)];
  }

  /** Puts a value at an address, where it replaces the one there. */
  set(address: number, value: V): void {
    if (this.count * 2 >= this.keys.length) this.grow();
    const slot = this.find(address);
    if (this.keys[slot] === 0) this.count++;
    this.keys[slot] = address;
    this.values[slot] = value;
    this.turns[slot] = this.turn++;
  }

  /** Takes the value at an address out. */
  take(address: number): V | undefined {
    const { keys, values, turns } = this;
    const mask = keys.length - 1;
    let gap = this.find(address);
    const value = values[gap];
    if (keys[gap] === 0) return undefined;
    this.count--;
    // Moves up what follows without a gap, so that a search may still stop at the first free slot.
    for (let slot = (gap + 1) & mask; keys[slot] !== 0; slot = (slot + 1) & mask) {
      const key = keys[slot]!;
      if (((slot - this.home(key)) & mask) < ((slot - gap) & mask)) continue;
      keys[gap] = key;
      values[gap] = values[slot];
      turns[gap] = turns[slot]!;
      gap = slot;
    }
    keys[gap] = 0;
    values[gap] = undefined;
    return value;
  }

  /** All addresses with their values, in the order in which they came. */
  entries(): [address: number, value: V][] {
    const slots: number[] = [];
    this.keys.forEach((key, slot) => {
      if (key !== 0) slots.push(slot);
    });
    slots.sort((a, b) => this.turns[a]! - this.turns[b]!);
    return slots.map((slot) => [this.keys[slot]!, this.values[slot]!]);
  }

  /** The slot of an address, or the free one where it would be. */
  private find(address: number): number {
    const { keys } = this;
    const mask = keys.length - 1;
    let slot = this.home(address);
    for (let key = keys[slot]!; key !== address && key !== 0; key = keys[slot]!) slot = (slot + 1) & mask;
    return slot;
  }

  /** Where an address belongs: blocks lie at multiples of 8 at least, so the low bits say nothing. */
  private home(address: number): number {
    const spread = Math.imul(address >>> 3, 0x9e37_79b1);
    return (spread ^ (spread >>> 15)) & (this.keys.length - 1);
  }

  private grow(): void {
    const { keys, values, turns } = this;
    this.keys = new Float64Array(keys.length * 2);
    this.values = new Array<V | undefined>(keys.length * 2).fill(undefined);
    this.turns = new Float64Array(keys.length * 2);
    keys.forEach((key, old) => {
      if (key === 0) return;
      const slot = this.find(key);
      this.keys[slot] = key;
      this.values[slot] = values[old];
      this.turns[slot] = turns[old]!;
    });
  }
}
