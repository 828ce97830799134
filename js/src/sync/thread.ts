/** Who this thread is to the locks of shared memory. */

import { threadLocal } from '../thread-local.js';

const thread = threadLocal<{ id: number; graveyard?: Int32Array }>('thread', () => ({ id: 0 }));

/** Turnstiles keep two bits beside an id, and V8 allocates for numbers of more than 30 bits. */
const MOST = 0x0fff_ffff;

/**
 * Says which thread this is; a worker calls it once, before it uses a lock or queue.
 *
 * Ids are 1 to 2²⁸ − 1 and never used again, so that one names a single life of a thread: after a
 * worker is certain to be dead, its killer passes the id to the `poison` of what it may have held.
 */
export function setThreadId(n: number): void {
  if (!Number.isInteger(n) || n < 1 || n > MOST) throw new RangeError(`a thread id is 1 to ${MOST}, not ${n}`);
  thread.id = n;
}

/** This thread's id: what `setThreadId` said, else a random one. */
export function threadId(): number {
  return thread.id === 0 ? (thread.id = 1 + Math.floor(Math.random() * MOST)) : thread.id;
}

/**
 * Words of a graveyard, where the dead are listed for all threads: how many there were, then their ids,
 * the latest in a ring. It remembers the last 255 dead, far longer than anybody waits without looking.
 */
export const GRAVEYARD_WORDS = 256;

/**
 * Shared words in which the killer of threads lists the dead, the same on every thread, all 0 at first.
 *
 * With it a thread that waits for a lock or a queue finds out by itself that whoever is inside is
 * dead, and sweeps: within 50 ms where it blocks, a second where it awaits. Without it only `poison` does.
 */
export function setGraveyard(words: Int32Array): void {
  if (words.length < GRAVEYARD_WORDS) throw new RangeError(`a graveyard has ${GRAVEYARD_WORDS} words, not ${words.length}`);
  thread.graveyard = words;
}

/** Lists a thread as dead. Only when it is certain never to run again. */
export function bury(dead: number): void {
  const { graveyard } = thread;
  if (graveyard === undefined) return;
  // The id goes in before the count that announces it; one killer at a time (the page's pool).
  const count = Atomics.load(graveyard, 0);
  Atomics.store(graveyard, 1 + ((count >>> 0) % (GRAVEYARD_WORDS - 1)), dead);
  Atomics.store(graveyard, 0, count + 1);
}

/** Whether a thread is listed as dead. */
export function isDead(id: number): boolean {
  const { graveyard } = thread;
  if (graveyard === undefined || id === 0) return false;
  const listed = Math.min(Atomics.load(graveyard, 0) >>> 0, GRAVEYARD_WORDS - 1);
  for (let i = 1; i <= listed; i++) if (Atomics.load(graveyard, i) === id) return true;
  return false;
}
