/** Who this thread is to the locks of shared memory. */

let id = 0;

/**
 * Says which thread this is; a worker calls it once, before it uses a lock or queue.
 *
 * Ids are 1 to 2³¹ − 1 and never used again, so that one names a single life of a thread: after a
 * worker is certain to be dead, its killer passes the id to the `poison` of what it may have held.
 */
export function setThreadId(n: number): void {
  if (!Number.isInteger(n) || n < 1 || n > 0x7fff_ffff) throw new RangeError(`a thread id is 1 to 2147483647, not ${n}`);
  id = n;
}

/** This thread's id: what `setThreadId` said, else a random one. */
export function threadId(): number {
  return id === 0 ? (id = 1 + Math.floor(Math.random() * 0x7fff_fffe)) : id;
}
