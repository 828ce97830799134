/** The worker script: bundled into one file that also runs as a classic script. */

import type { FromWorker, ToWorker } from './protocol.js';
import { Runner } from './runner.js';

interface Scope {
  postMessage(message: FromWorker, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}

const scope = globalThis as unknown as Scope;
const runner = new Runner((message, transfer = []) => scope.postMessage(message, transfer));
Object.defineProperty(globalThis, 'heap', { configurable: true, get: () => runner.heap() });
scope.onmessage = ({ data }) => void runner.take(data);
scope.postMessage({ type: 'loaded' }, []);
