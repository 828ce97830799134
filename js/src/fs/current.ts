/** The filesystem of this thread: made when first asked for, in the way that the thread's entry has set. */

import type { Client } from './client.js';

let client: Client | undefined;
let make: (() => Client) | undefined;

/** Sets how this thread comes to its filesystem; the first who says so counts. */
export function setMaker(how: () => Client): void {
  make ??= how;
}

/** The filesystem of this thread, if anybody has asked for it. */
export function madeClient(): Client | undefined {
  return client;
}

/** The filesystem of this thread; throws where the runtime has not started. */
export function getClient(): Client {
  if (!client && !make) throw new Error('this thread has no way to the filesystem: import isolith/fs');
  return (client ??= make!());
}
