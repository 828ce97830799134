/** The script of guests' workers: bundled into one file that also runs as a classic script. */

import { packError } from './errors.js';
import { getClient, setMaker } from './fs/current.js';
import { joinPage } from './fs/join.js';
import type { FromWorker, ToWorker } from './protocol.js';
import { GuestDuty } from './wasm/duty.js';
import { wasiOf } from './wasm/wasi-here.js';

interface Scope {
  postMessage(message: FromWorker, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  addEventListener(type: 'unhandledrejection', listener: (event: PromiseRejectionEvent) => void): void;
}

const scope = globalThis as unknown as Scope;
const duty = new GuestDuty(
  (message, transfer = []) => scope.postMessage(message, transfer),
  (kernel) => wasiOf(kernel, getClient),
);
setMaker(joinPage);
scope.onmessage = ({ data }) => duty.take(data);
// Browsers tell the page of uncaught errors, but not of these.
scope.addEventListener('unhandledrejection', (event) => {
  event.preventDefault();
  scope.postMessage({ type: 'stray', error: packError(event.reason) }, []);
});
scope.postMessage({ type: 'loaded' }, []);
