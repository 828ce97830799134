/** The worker script: bundled into one file that also runs as a classic script. */

import { packError } from './errors.js';
import type { FromWorker, ToWorker } from './protocol.js';
import { type FromStores, type StartStores, StoreThread, type ToStores } from './fs/store-worker.js';
import { setMaker } from './fs/current.js';
import { joinPage } from './fs/join.js';
import { workerFs } from './fs/worker-fs.js';
import { Runner } from './runner.js';

interface Scope {
  postMessage(message: FromWorker | FromStores, transfer?: Transferable[]): void;
  /** Chromium gives null for what it cannot read here, others an event of its own. */
  onmessage: ((event: MessageEvent<ToWorker | StartStores | null>) => void) | null;
  onmessageerror: (() => void) | null;
  addEventListener(type: 'unhandledrejection', listener: (event: PromiseRejectionEvent) => void): void;
}

const scope = globalThis as unknown as Scope;
const runner = new Runner((message, transfer) => (transfer ? scope.postMessage(message, transfer) : scope.postMessage(message)));
Object.defineProperty(globalThis, 'heap', { configurable: true, get: () => runner.heap() });
setMaker(joinPage);
Object.defineProperty(globalThis, 'fs', { configurable: true, get: workerFs });
scope.onmessage = ({ data }) => {
  if (data === null) return runner.unread();
  if (data === 0 || data.type !== 'stores') return runner.take(data);
  // The page's store thread, from now on for nothing else.
  const stores = new StoreThread((message) => scope.postMessage(message, []));
  scope.onmessage = (event) => stores.take(event.data as ToStores);
  stores.take(data);
};
scope.onmessageerror = () => runner.unread();
// Browsers tell the page of uncaught errors, but not of these.
scope.addEventListener('unhandledrejection', (event) => {
  event.preventDefault();
  scope.postMessage({ type: 'stray', error: packError(event.reason) }, []);
});
scope.postMessage({ type: 'loaded' }, []);
