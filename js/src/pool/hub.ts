/** One per thread that owns pools: where all their workers ring, and where answers are looked for. */

import type { Kernel } from '../kernel.js';
import { type PoolExports, poolExports, Views } from './exports.js';
import { Patience } from './patience.js';

/** A crew as its hub sees it. */
export interface Spoke {
  /** Takes answers that are there, after so many glances; whether there were any. */
  collect(glances: number): boolean;
  /** Says that its workers must ring when they have answered; true if any has a job. */
  doze(): boolean;
  /** Whether it waits for nothing: then nobody need ring, until it hands out a job. */
  readonly isIdle: boolean;
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
  /** Whether answers are looked for after this turn's code, and whether more than once. */
  #expects = false;
  #spins = false;
  #chainEnds = 0;
  #turns: ReturnType<typeof setTimeout> | undefined;
  #later: MessageChannel | undefined;

  constructor(kernel: Kernel) {
    this.kernel = poolExports(kernel);
    this.views = new Views(kernel.memory);
  }

  add(spoke: Spoke): void {
    this.#spokes.add(spoke);
  }

  remove(spoke: Spoke): void {
    this.#spokes.delete(spoke);
  }

  /** A worker of this crew has rung: the event loop had its turn. */
  bell(spoke: Spoke): void {
    this.#chainEnds = 0;
    const any = spoke.collect(0);
    if (spoke.isIdle) return;
    if (any) spoke.dispatch();
    // With nothing on its way there is nothing to look for.
    if (spoke.doze()) this.wake();
  }

  /** Takes all answers, sends what waits, and sleeps again. */
  wake(): void {
    const until = performance.now() + ROUND;
    for (;;) {
      if (this.#collect(0)) {
        if (performance.now() < until) continue;
        // Not asleep, so nobody rings: come back by ourselves.
        this.#later ??= this.#laterChannel();
        this.#later.port2.postMessage(0);
        return;
      }
      if (!this.#doze() || !this.#collect(0)) return;
    }
  }

  #laterChannel(): MessageChannel {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => this.wake();
    return channel;
  }

  #collect(glances: number): boolean {
    let any = false;
    for (const spoke of this.#spokes) {
      if (!spoke.collect(glances)) continue;
      any = true;
      if (!spoke.isIdle) spoke.dispatch();
    }
    return any;
  }

  // Each link has a bell of its own: one for all could be rung by a thread that was killed and runs
  // on for a while, whose message nobody gets.
  #doze(): boolean {
    let busy = false;
    for (const spoke of this.#spokes) if (!spoke.isIdle && spoke.doze()) busy = true;
    return busy;
  }

  /**
   * A short job went to a worker that is awake and will not ring: looks for its answer for a moment
   * after this turn's code, which saves both sides a wake-up. A chain of such looks ends after a few
   * milliseconds. `looks`: the worker looks out for long, so that this time it is worth it.
   */
  expectSoon(looks = false): void {
    if (looks) this.#patience.learn(true);
    if (this.#expects) return;
    this.#expects = true;
    this.#spins = this.#patience.has() && this.#hasTime();
    queueMicrotask(this.#look);
  }

  #hasTime(): boolean {
    const now = performance.now();
    if (this.#chainEnds === 0) {
      this.#chainEnds = now + CHAIN;
      this.#turns ??= setTimeout(() => {
        this.#turns = undefined;
        this.#chainEnds = 0;
      });
    }
    return now <= this.#chainEnds;
  }

  readonly #look = (): void => {
    this.#expects = false;
    if (this.#spins) this.#spin();
    // Dozes, and looks once more.
    if (!this.#isIdle()) this.wake();
  };

  #spin(): void {
    const until = performance.now() + SPIN;
    let found = false;
    do found = this.#collect(GLANCES);
    while (!found && performance.now() < until);
    this.#patience.learn(found);
  }

  #isIdle(): boolean {
    for (const spoke of this.#spokes) if (!spoke.isIdle) return false;
    return true;
  }
}

let hub: Hub | undefined;

/** This thread's hub, for all who have workers; undefined where memory is not shared. */
export function hubOf(kernel: Kernel): Hub | undefined {
  return kernel.shared ? (hub ??= new Hub(kernel)) : undefined;
}
