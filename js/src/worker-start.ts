/** Starts a worker by the first way that works here: user's URL, file, Blob, or the caller's own thread. */

import { IsolithError, unpackError } from './errors.js';
import { hearWorkers } from './fs/service.js';
import type { FromWorker, Start, ToWorker } from './protocol.js';

/** Where the worker script is: its address, or a function that makes the worker. */
export type WorkerSource = string | URL | (() => Worker);

/** How a worker came to be. */
export type StartedBy = 'user' | 'file' | 'blob' | 'caller';

/** A thread that tasks can be sent to. */
export interface Thread {
  readonly startedBy: StartedBy;
  /** The Web Lock that it holds for as long as it lives. */
  readonly lock: string | undefined;
  post(message: ToWorker, transfer?: Transferable[]): void;
  onmessage: (message: FromWorker) => void;
  /** The thread died by itself, or its script threw outside a task. */
  onerror: (error: Error) => void;
  terminate(): void;
}

/** How long a script may take to say that it runs, and to be ready, in milliseconds. */
const START_TIMEOUT = 10_000;

/** The same for a script that has started before: it takes long only where the machine is busy, and there is no other way. */
const PROVEN_TIMEOUT = 30_000;

/** A way to start a script: how it is called, what does it, and where the rest is of a script in parts. */
export type Way = readonly [startedBy: StartedBy, make: () => Worker | Promise<Worker>, scripts?: () => NonNullable<Start['scripts']>];

/** A script that can be a thread, and the ways to start it. */
export interface Script {
  readonly ways: readonly Way[];
  /** The way that worked last: others that failed are not tried again. */
  proven: Way | undefined;
  /** What to do where no worker can be had. */
  readonly here?: (start: Start) => Promise<Thread>;
}

/** From a Blob of the script's text, for where its file is not found. */
export const fromBlob = (text: () => Promise<{ readonly default: string }>): Way => [
  'blob',
  async () => {
    const url = URL.createObjectURL(new Blob([(await text()).default], { type: 'text/javascript' }));
    try {
      return new Worker(url);
    } finally {
      // The fetch of the script has begun by then; a turn later nobody needs the address.
      setTimeout(() => URL.revokeObjectURL(url), START_TIMEOUT);
    }
  },
];

/** The script of the pools' workers. */
const POOL: Script = {
  ways: [
    // Classic scripts: they can load the rest in the middle of a task, which modules cannot.
    [
      'file',
      () => new Worker(new URL('./worker-first.js', import.meta.url)),
      () => ({ ring: new URL('./worker-ring.js', import.meta.url).href, values: new URL('./worker-values.js', import.meta.url).href, rest: new URL('./worker-rest.js', import.meta.url).href }),
    ],
    ['file', () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })],
    fromBlob(() => import('./worker-inline.js')),
  ],
  proven: undefined,
  here: callerThread,
};

function ways(source: WorkerSource | undefined, script: Script): readonly Way[] {
  if (source === undefined) return script.proven ? [script.proven] : script.ways;
  const make = typeof source === 'function' ? source : () => new Worker(source, { type: 'module' });
  return [['user', make]];
}

/**
 * Starts one thread. Rejects with `ERR_WORKER_START` when a script that the user named does not
 * start in time; otherwise falls back way by way, at last to the caller's own thread.
 */
export async function startThread(start: Start, source?: WorkerSource, script = POOL): Promise<Thread> {
  hearWorkers();
  const causes: unknown[] = [];
  for (const way of ways(source, script)) {
    const [startedBy, make, scriptsOf] = way;
    let worker: Worker | undefined;
    try {
      worker = await make();
      // A script of the user's may import ours late, and would miss what comes before.
      if (startedBy === 'user') await answers(worker, 'loaded');
      const isProven = source === undefined && script.proven !== undefined;
      const ready = answers(worker, 'ready', isProven ? PROVEN_TIMEOUT : START_TIMEOUT);
      const scripts = scriptsOf?.();
      worker.postMessage(scripts ? { ...start, scripts, proven: isProven } : start);
      const [lock] = await Promise.all([ready, ...(scripts && !isProven ? Object.values(scripts).map(isScript) : [])]);
      if (source === undefined) script.proven = way;
      return workerThread(startedBy, worker, lock);
    } catch (cause) {
      worker?.terminate();
      causes.push(cause);
    }
  }
  if (source !== undefined || !script.here || (typeof Worker === 'function' && script.proven !== undefined)) {
    throw new IsolithError('ERR_WORKER_START', `the worker did not start: ${String(causes[0])}`, { cause: causes[0] });
  }
  return script.here(start);
}

/** Rejects unless there is a script at the address: bundlers that find workers may not find what else is named so. */
async function isScript(url: string): Promise<void> {
  const abort = new AbortController();
  const late = setTimeout(() => abort.abort(new IsolithError('ERR_WORKER_START', `${url} did not answer within ${START_TIMEOUT} ms`)), START_TIMEOUT);
  try {
    const { ok, headers, status } = await fetch(url, { signal: abort.signal });
    if (ok && /javascript|ecmascript/.test(headers.get('content-type') ?? '')) return;
    throw new IsolithError('ERR_WORKER_START', `${url} is no script: it answered ${status}, ${headers.get('content-type') ?? 'of no type'}`);
  } finally {
    clearTimeout(late);
    // Whether it is there is all that was asked.
    abort.abort();
  }
}

/** Resolves when the worker sends a message of this type, to the lock that it names; rejects on failure, error and timeout. */
function answers(worker: Worker, type: 'loaded' | 'ready', timeout = START_TIMEOUT): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      settle(() => reject(new IsolithError('ERR_WORKER_START', `no answer within ${timeout} ms`)));
    }, timeout);
    const settle = (how: () => void): void => {
      clearTimeout(late);
      worker.onmessage = null;
      worker.onerror = null;
      how();
    };
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data === 0) return;
      if (data.type === type) settle(() => resolve(data.type === 'ready' ? data.lock : undefined));
      else if (data.type === 'failed') settle(() => reject(unpackError(data.error)));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      settle(() => reject(new IsolithError('ERR_WORKER_START', event.message || 'the script could not be loaded')));
    };
  });
}

function workerThread(startedBy: StartedBy, worker: Worker, lock: string | undefined): Thread {
  const thread: Thread = {
    startedBy,
    lock,
    // An empty list of what moves is a list that has to be looked through.
    post: (message, transfer) => (transfer ? worker.postMessage(message, transfer) : worker.postMessage(message)),
    onmessage: () => {},
    onerror: () => {},
    terminate: () => worker.terminate(),
  };
  const unread = (): void => thread.onerror(new IsolithError('ERR_WORKER_CRASHED', 'what the worker sent cannot be read on this thread: it is nested too deeply'));
  worker.onmessage = ({ data }: MessageEvent<FromWorker | null>) => {
    if (data === null) unread();
    else thread.onmessage(data);
  };
  worker.onmessageerror = unread;
  worker.onerror = (event) => {
    event.preventDefault();
    thread.onerror(new IsolithError('ERR_WORKER_CRASHED', event.message || 'the worker crashed'));
  };
  return thread;
}

/** Tasks on the caller's own thread, for where no worker can be had; clones as a worker would. */
async function callerThread(start: Start): Promise<Thread> {
  const [{ Runner }, { makeRest }, { provide }, { moduleAt }] = await Promise.all([import('./runner.js'), import('./pool/rest.js'), import('./pool/parts.js'), import('./module-at.js')]);
  provide({ rest: makeRest() });
  let runner: InstanceType<typeof Runner> | undefined;
  const thread: Thread = {
    startedBy: 'caller',
    lock: undefined,
    post: (message, transfer = []) => {
      const copy = structuredClone(message, { transfer });
      setTimeout(() => runner?.take(copy));
    },
    onmessage: () => {},
    onerror: () => {},
    terminate: () => {
      thread.onmessage = () => {};
    },
  };
  return new Promise((resolve, reject) => {
    runner = new Runner((message, transfer = []) => {
      if (message !== 0 && message.type === 'ready') resolve(thread);
      else if (message !== 0 && message.type === 'failed') reject(unpackError(message.error));
      else thread.onmessage(structuredClone(message, { transfer }));
    }, moduleAt);
    const { type, workerId, heapMemory } = start;
    runner.take({ type, workerId, ...(heapMemory ? { heapMemory } : {}) });
  });
}
