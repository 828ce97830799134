/** Cross-origin isolation without a server's help: registers a service worker that adds the headers. */

import { IsolithError } from './errors.js';

/** How isolation is set up. */
export interface CoiOptions {
  /**
   * Address of the service worker, on the page's own origin and at the root of what it should
   * cover; default `isolith-coi.js` beside the document. It is the package's `dist/coi-worker.js`:
   * copy it there, or let the Vite plugin do so (`isolith({ coi: true })`).
   */
  readonly script?: string | URL;
  /** Reload the page once when the service worker has taken over; default true. */
  readonly reload?: boolean;
}

const RELOADED = 'isolith:coi:reloaded';

/** How long the service worker may take to be active, in milliseconds. */
const DEADLINE = 10_000;

/**
 * Makes the page cross-origin isolated: at the first visit by one reload, from then on at once.
 *
 * Resolves to whether the page is isolated now. Rejects with `ERR_COI` where service workers are
 * not to be had or the script cannot be registered. Call it before anything else is loaded.
 */
export async function enableIsolation(options: CoiOptions = {}): Promise<boolean> {
  if (globalThis.crossOriginIsolated) {
    sessionStorage.removeItem(RELOADED);
    return true;
  }
  const container = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (!container) {
    throw new IsolithError('ERR_COI', 'service workers are not available here: they need a secure context (https or localhost)');
  }
  const script = new URL(options.script ?? 'isolith-coi.js', document.baseURI);
  let registration: ServiceWorkerRegistration;
  try {
    registration = await container.register(script);
  } catch (cause) {
    throw new IsolithError('ERR_COI', `the service worker ${script.href} could not be registered: is coi-worker.js there?`, { cause });
  }
  await activation(registration);
  // One reload only: where it did not help, another would not either.
  if (options.reload === false || sessionStorage.getItem(RELOADED)) return false;
  sessionStorage.setItem(RELOADED, '1');
  location.reload();
  return false;
}

function activation(registration: ServiceWorkerRegistration): Promise<void> {
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  return new Promise((resolve, reject) => {
    if (!worker || worker.state === 'activated') return resolve();
    const late = setTimeout(() => reject(new IsolithError('ERR_COI', `the service worker was not active within ${DEADLINE} ms`)), DEADLINE);
    worker.addEventListener('statechange', () => {
      if (worker.state !== 'activated' && worker.state !== 'redundant') return;
      clearTimeout(late);
      if (worker.state === 'activated') resolve();
      else reject(new IsolithError('ERR_COI', 'the service worker could not be installed'));
    });
  });
}
