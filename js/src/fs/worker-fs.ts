/** The filesystem as a worker's tasks see it: the global `fs` and `ctx.fs`. */

import { constants } from './constants.js';
import { getClient } from './current.js';
import { type FsPromises, makePromises } from './promises.js';
import { type FsSync, makeSync } from './sync.js';

/** What tasks get: the promises, and the same blocking. */
export type WorkerFs = FsPromises & FsSync & { readonly promises: FsPromises; readonly sync: FsSync; readonly constants: typeof constants };

let made: WorkerFs | undefined;

/** The filesystem of this worker; throws where it is not on the page's memory. */
export function workerFs(): WorkerFs {
  if (made) return made;
  getClient();
  const promises = makePromises(getClient);
  const sync = makeSync(getClient);
  return (made = { ...promises, ...sync, promises, sync, constants });
}
