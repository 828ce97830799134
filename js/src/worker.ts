/** The whole worker as one script, classic or module: for where several are not found, for users' own scripts, for the stores. */

import { type FromStores, type StartStores, StoreThread, type ToStores } from './fs/store-worker.js';
import { moduleAt } from './module-at.js';
import { provide } from './pool/parts.js';
import { makeRest } from './pool/rest.js';
import { VALUES } from './pool/values.js';
import type { FromWorker, ToWorker } from './protocol.js';
import { serve } from './worker-scope.js';

interface Scope {
  postMessage(message: FromStores | FromWorker): void;
  onmessage: ((event: MessageEvent<ToStores>) => void) | null;
}

const scope = globalThis as unknown as Scope;

provide({ values: VALUES, rest: makeRest() });
serve(moduleAt, undefined, (message: ToWorker | StartStores): message is StartStores => {
  if (message === 0 || message.type !== 'stores') return false;
  // The page's store thread, from now on for nothing else.
  const stores = new StoreThread((message) => scope.postMessage(message));
  scope.onmessage = ({ data }) => stores.take(data);
  stores.take(message);
  return true;
});
scope.postMessage({ type: 'loaded' });
