/** One per thread that owns pools: where all their workers ring, and where answers are looked for. */

import type { Kernel } from '../kernel.js';
import { Patience } from './patience.js';
import { type PoolExports, poolExports, Views } from './exports.js';

/** What the hub looks after. */
export interface Spoke {
  /** Takes answers that are there, after so many glances; whether there were any. */
  collect(glances: number): boolean;
  /** Jobs on their way. */
  readonly load: number;
  /** Whether the worker must ring when it has answered. */
  doze(yes: boolean): void;
  /** Sends waiting jobs to whom there is room for. */
  dispatch(): void;
}

/** How long a round of collecting may keep the thread, in milliseconds. */
const ROUND = 4;
/** How long to look for the answer of a worker that is still hot, in milliseconds. */
const SPIN = 0.03;
/** How long a chain of such looks may keep the thread away from its event loop. */
const CHAIN = 4;
const GLANCES = 60;

/** The owner's side of all rings of this thread. */
export class Hub {
  readonly kernel: PoolExports;
  readonly views: Views;
  readonly #spokes = new Set<Spoke>();
  readonly #patience = new Patience();
  #spinning = false;
  #chainEnds = 0;
  #turns: ReturnType<typeof setTimeout> | undefined;
  #later: MessageChannel | undefined;

  constructor(kernel: Kernel) {
    this.kernel = poolExports(kernel);
    this.views = new Views(kernel.memory);
  }

  add(spoke: Spoke): void {
    this.#spokes.add(spoke);
    spoke.doze(true);
  }

  remove(spoke: Spoke): void {
    this.#spokes.delete(spoke);
  }

  /** A worker has rung: the event loop had its turn. */
  bell(): void {
    this.#chainEnds = 0;
    this.wake();
  }

  /** Takes all answers, sends what waits, and sleeps again. */
  wake(): void {
    const until = performance.now() + ROUND;
    for (;;) {
      if (this.#collect(0)) {
        this.#dispatch();
        if (performance.now() < until) continue;
        // Not asleep, so nobody rings: come back by ourselves.
        this.#later ??= this.#laterChannel();
        this.#later.port2.postMessage(0);
        return;
      }
      this.#doze(true);
      if (!this.#collect(0)) return;
      this.#dispatch();
    }
  }

  #laterChannel(): MessageChannel {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => this.wake();
    return channel;
  }

  #collect(glances: number): boolean {
    let any = false;
    for (const spoke of this.#spokes) if (spoke.load > 0 && spoke.collect(glances)) any = true;
    return any;
  }

  // Each link has a bell of its own: one for all could be rung by a thread that was killed and runs
  // on for a while, whose message nobody gets.
  #doze(yes: boolean): void {
    for (const spoke of this.#spokes) spoke.doze(yes);
  }

  #dispatch(): void {
    for (const spoke of this.#spokes) spoke.dispatch();
  }

  /**
   * A short job went to a worker that is awake: looks for its answer for a moment after this turn's
   * code, which saves both sides a wake-up. A chain of such looks ends after a few milliseconds.
   */
  expectSoon(): void {
    if (this.#spinning || !this.#patience.has()) return;
    const now = performance.now();
    if (this.#chainEnds === 0) {
      this.#chainEnds = now + CHAIN;
      this.#turns ??= setTimeout(() => {
        this.#turns = undefined;
        this.#chainEnds = 0;
      });
    } else if (now > this.#chainEnds) {
      return;
    }
    this.#spinning = true;
    queueMicrotask(() => {
      this.#spinning = false;
      this.#spin();
    });
  }

  #spin(): void {
    this.#doze(false);
    const until = performance.now() + SPIN;
    let found = false;
    do found = this.#collect(GLANCES);
    while (!found && performance.now() < until);
    this.#patience.learn(found);
    if (found) this.#dispatch();
    // Dozes, and looks once more.
    this.wake();
  }
}

let hub: Hub | undefined;

/** This thread's hub, for all who have workers; undefined where memory is not shared. */
export function hubOf(kernel: Kernel): Hub | undefined {
  return kernel.shared ? (hub ??= new Hub(kernel)) : undefined;
}
