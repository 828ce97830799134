/** The filesystem as a worker's tasks see it: the global `fs` and `ctx.fs`. */

import { type FsCallbacks, makeCallbacks } from './callbacks.js';
import { constants } from './constants.js';
import { getClient } from './current.js';
import { type FsPromises, makePromises } from './promises.js';
import { type FsStores, makeStores } from './stores.js';
import { Dir, Dirent, Stats } from './stats.js';
import { type FsSync, makeSync } from './sync.js';
import { makeXattr, type Xattr } from './xattr.js';

/** What tasks get: the promises (with callbacks, too), the same blocking, and all that `isolith/fs` has but tar streams. */
export type WorkerFs = FsCallbacks & FsPromises & FsSync & Omit<FsStores, 'flush'> & {
  readonly promises: FsPromises;
  /** Called, it resolves when all changes are durable; it has the blocking functions, too. */
  readonly sync: (() => Promise<void>) & FsSync;
  readonly xattr: Xattr;
  readonly constants: typeof constants;
  readonly Dir: typeof Dir;
  readonly Dirent: typeof Dirent;
  readonly Stats: typeof Stats;
};

let made: WorkerFs | undefined;

/** The filesystem of this worker; throws where it is not on the page's memory. */
export function workerFs(): WorkerFs {
  if (made) return made;
  getClient();
  return (made = makeFs());
}

/** All of it, for whatever thread this is. */
export function makeFs(): WorkerFs {
  const promises = makePromises(getClient);
  const blocking = makeSync(getClient);
  const { flush, ...stores } = makeStores(getClient);
  return {
    ...makeCallbacks(getClient, promises),
    ...blocking,
    ...stores,
    promises,
    sync: Object.assign(flush, blocking),
    xattr: makeXattr(getClient),
    constants, Dir, Dirent, Stats,
  } as WorkerFs;
}
