/** The certain death of a thread: known by the Web Lock that it held, awaited before anything is reused. */

import type { Thread } from '../worker-start.js';

/** How long a kill waits for a thread that is inside the kernel, in milliseconds. */
const INSIDE = 2000;
/** After so long a terminated thread without a lock is taken for dead, where nothing is shared with it. */
const LINGER = 3000;

/** Resolves when the worker that holds this lock is dead; never where there are no Web Locks. */
export function deathOf(lock: string): Promise<void> {
  const { locks } = globalThis.navigator ?? {};
  if (!locks) return new Promise(() => {});
  return new Promise((resolve) => {
    locks.request(lock, () => resolve()).catch(() => {});
  });
}

/**
 * Terminates a thread as soon as it is outside the kernel; resolves when it is dead: true if that is
 * certain, false if nothing tells.
 *
 * Terminated inside, it would leave a lock held for ever; it is there for microseconds.
 */
export async function bury(thread: Thread, death: Promise<void>, isOutside: () => boolean): Promise<boolean> {
  const until = performance.now() + INSIDE;
  for (let tries = 0; !isOutside() && performance.now() < until; tries++) {
    if (tries > 100) await pause(1);
  }
  thread.terminate();
  return Promise.race([death.then(() => true), pause(thread.startedBy === 'caller' ? 0 : LINGER).then(() => false)]);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
