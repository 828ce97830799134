/** What a pool's worker does with its scope: takes the page's messages, and gives tasks their globals. */

import { packError } from './errors.js';
import { holdLock } from './pool/lock.js';
import { Runner } from './runner.js';
import type { FromWorker, ToWorker } from './protocol.js';
import type { LoadModule } from './task.js';

interface Scope<To> {
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  /** Chromium gives null for what it cannot read here, others an event of its own. */
  onmessage: ((event: MessageEvent<To | null>) => void) | null;
  onmessageerror: (() => void) | null;
  addEventListener(type: 'unhandledrejection', listener: (event: PromiseRejectionEvent) => void): void;
}

/** Begins; `load` imports modules, `other` takes messages that are not for a pool's worker, and is true if it has. */
export function serve<Other = never>(load: LoadModule, lock = holdLock(), other?: (message: ToWorker | Other) => message is Other): Runner {
  const scope = globalThis as unknown as Scope<ToWorker | Other>;
  const runner = new Runner((message, transfer) => (transfer ? scope.postMessage(message, transfer) : scope.postMessage(message)), load, lock);
  Object.defineProperty(globalThis, 'heap', { configurable: true, get: () => runner.heap() });
  Object.defineProperty(globalThis, 'fs', { configurable: true, get: () => runner.fs() });
  scope.onmessage = ({ data }) => {
    if (data === 0) runner.bell();
    else if (data === null) runner.unread();
    else if (!other?.(data)) runner.take(data as ToWorker);
  };
  scope.onmessageerror = () => runner.unread();
  // Browsers tell the page of uncaught errors, but not of these.
  scope.addEventListener('unhandledrejection', (event) => {
    event.preventDefault();
    scope.postMessage({ type: 'stray', error: packError(event.reason) });
  });
  return runner;
}
