/** The filesystem of this thread: made when first asked for, in the way that the thread's entry has set. */

import { threadLocal } from '../thread-local.js';
import type { Client } from './client.js';

const thread = threadLocal<{ client?: Client; joins?: boolean }>('files', () => ({}));
let make: (() => Client) | undefined;

/** Says that this thread is a worker of a page, whose files are the page's; before anybody asks for them. */
export function joinsPage(): void {
  thread.joins = true;
}

/** Whether this thread's files are those of the page that has started it. */
export function isJoining(): boolean {
  return thread.joins === true;
}

/** Sets how this thread comes to its filesystem; the first who says so counts. */
export function setMaker(how: () => Client): void {
  make ??= how;
}

/** The filesystem of this thread, if anybody has asked for it. */
export function madeClient(): Client | undefined {
  return thread.client;
}

/** The filesystem of this thread; throws where the runtime has not started. */
export function getClient(): Client {
  if (!thread.client && !make) throw new Error('this thread has no way to the filesystem: import isolith/fs');
  return (thread.client ??= make!());
}
