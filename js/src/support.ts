/** What this browser and page can do: each feature is true, or a sentence that says why not. */

import { IsolithError } from './errors.js';

const README = 'https://github.com/isolith/isolith#cross-origin-isolation';

/** What `support()` answers about: true, or why not. */
export type Support = Record<
  'sharedMemory' | 'blocking' | 'waitAsync' | 'webLocks' | 'workers' | 'indexedDB' | 'opfs' | 'functions',
  true | string
>;

let shareable: boolean | undefined;

/**
 * Whether shared memory really reaches other threads from here.
 *
 * `crossOriginIsolated` and `typeof SharedArrayBuffer` each lie in some browser, and a shared
 * memory can be made anywhere; posting one is what fails where it matters.
 */
export function canShareMemory(): boolean {
  return (shareable ??= probe());
}

function probe(): boolean {
  if (typeof SharedArrayBuffer === 'undefined' || typeof MessageChannel === 'undefined') return false;
  const channel = new MessageChannel();
  try {
    channel.port1.postMessage(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
    return true;
  } catch {
    return false;
  } finally {
    channel.port1.close();
    channel.port2.close();
  }
}

/** Why shared memory is not to be had, naming the headers that would change it. */
const NOT_ISOLATED =
  'this page is not cross-origin isolated: serve it with the headers ' +
  '"Cross-Origin-Opener-Policy: same-origin" and "Cross-Origin-Embedder-Policy: require-corp" ' +
  `(the Vite plugin isolith/vite and the service worker isolith/coi can set them; see ${README})`;

/** Throws the one error for features that need shared memory where there is none. */
export function requireShared(feature: string): void {
  if (!canShareMemory()) throw new IsolithError('ERR_NOT_ISOLATED', `${feature} needs shared memory, but ${NOT_ISOLATED}`);
}

/** Whether this is WebKit; Chromium names it too. */
export function isWebKit(): boolean {
  const { userAgent = '' } = globalThis.navigator ?? {};
  return /AppleWebKit/.test(userAgent) && !/Chrom/.test(userAgent);
}

/** Whether this thread may block: a page's main thread may not. */
export function mayBlock(): boolean {
  try {
    return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0) === 'not-equal';
  } catch {
    return false;
  }
}

/** Whether functions can be made from source here: not under a CSP without `unsafe-eval`. */
export function mayCompileFunctions(): boolean {
  try {
    return new Function('return true')() === true;
  } catch {
    return false;
  }
}

/** What works here. Synchronous, on any thread; never throws. */
export function support(): Support {
  const has = (yes: boolean, why: string): true | string => yes || why;
  const nav = typeof navigator === 'undefined' ? undefined : navigator;
  return {
    sharedMemory: has(canShareMemory(), NOT_ISOLATED),
    blocking: has(mayBlock(), 'this thread may not block; workers may'),
    waitAsync: has(typeof Atomics.waitAsync === 'function', 'Atomics.waitAsync is missing'),
    webLocks: has(nav?.locks !== undefined, 'navigator.locks is missing: it needs a secure context'),
    workers: has(typeof Worker === 'function', 'Worker is missing'),
    indexedDB: has(typeof indexedDB !== 'undefined', 'indexedDB is missing'),
    opfs: has(typeof nav?.storage?.getDirectory === 'function', 'navigator.storage.getDirectory is missing'),
    functions: has(mayCompileFunctions(), "the Content-Security-Policy forbids 'unsafe-eval': use pool.module(url)"),
  };
}
