/** Which slots of a function table belong to which linked modules, so that several can share it. */

/** A stretch of a function table, of which every thread has a copy; `end` is the first slot after it. */
export interface Slots {
  readonly table: number;
  readonly start: number;
  readonly end: number;
}

let tables = 0;

/** One function table, as the page gives its slots away. */
export class Common<Member> {
  readonly id = ++tables;
  /** The modules that have slots here, in the order in which they were linked. */
  readonly members = new Set<Member>();
  readonly #taken = new Set<Slots>();

  /** The first slot that nobody has, nor anybody behind it. */
  get end(): number {
    return Math.max(0, ...[...this.#taken].map(({ end }) => end));
  }

  /** Takes the slots from the end on, up to `end`. */
  take(end: number): Slots {
    const slots = { table: this.id, start: this.end, end };
    this.#taken.add(slots);
    return slots;
  }

  giveBack(slots: Slots): void {
    this.#taken.delete(slots);
  }
}
