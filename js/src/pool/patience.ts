/** Whether looking out for the other side is worth it: what was in vain is tried ever more seldom. */

/** The most chances that are let go by after looks in vain. */
const MOST = 63;

/** Learns from looks that paid and looks in vain; where the other side has no core to run on, all are. */
export class Patience {
  #skip = 0;
  #next = 0;

  /** Whether to look this time. */
  has(): boolean {
    return this.#skip === 0 || --this.#skip === 0;
  }

  /** How a look went. */
  learn(paid: boolean): void {
    this.#next = paid ? 0 : Math.min(MOST, this.#next * 2 + 1);
    this.#skip = this.#next;
  }
}
