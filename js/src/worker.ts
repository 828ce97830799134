/** The worker script: bundled into one file that also runs as a classic script. */

import { packError } from './errors.js';
import type { FromWorker, ToWorker } from './protocol.js';
import { Runner } from './runner.js';

interface Scope {
  postMessage(message: FromWorker, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  addEventListener(type: 'unhandledrejection', listener: (event: PromiseRejectionEvent) => void): void;
}

const scope = globalThis as unknown as Scope;
const runner = new Runner((message, transfer = []) => scope.postMessage(message, transfer));
Object.defineProperty(globalThis, 'heap', { configurable: true, get: () => runner.heap() });
scope.onmessage = ({ data }) => runner.take(data);
// Browsers tell the page of uncaught errors, but not of these.
scope.addEventListener('unhandledrejection', (event) => {
  event.preventDefault();
  scope.postMessage({ type: 'stray', error: packError(event.reason) }, []);
});
scope.postMessage({ type: 'loaded' }, []);
