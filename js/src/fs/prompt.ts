/** Looking out for what comes at once, instead of sleeping and being woken. */

import { linger } from '../sync/wait.js';

/** Being woken takes a thread some 50 µs: what comes within this many milliseconds is looked out for. */
const SOON = 0.3;

/** A long wait counts as this much, so that quick ones are believed again after a few. */
const LONG = 4 * SOON;

/** Looks out until `attempt` says true; false when it has not for so many milliseconds. */
export function lookOut(attempt: () => boolean, most = SOON): boolean {
  const end = performance.now() + most;
  do {
    linger(3);
    if (attempt()) return true;
  } while (performance.now() < end);
  return false;
}

/** One kind of wait of a thread: whether looking out pays is learnt from how long the last ones took. */
export class Prompt {
  #usual = 0;
  #since = 0;

  /** A wait begins. */
  begin(): void {
    this.#since = performance.now();
  }

  lookOut(attempt: () => boolean): boolean {
    return this.#usual <= SOON && lookOut(attempt);
  }

  /** The wait has ended, awake or asleep. */
  end(): void {
    this.#usual += (Math.min(performance.now() - this.#since, LONG) - this.#usual) / 4;
  }
}
