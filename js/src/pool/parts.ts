/** What of a worker's code its first tasks may not need: scripts of their own, loaded when a task asks. */

import { IsolithError } from '../errors.js';
import type { WorkerFs } from '../fs/worker-fs.js';
import type { attachHeap, getHeap } from '../heap.js';
import type { Start } from '../protocol.js';
import type { requireShared } from '../support.js';
import type { serve } from '../worker-scope.js';
import type { Kernels } from './duty-kernels.js';
import type { MailDuty } from './duty-mail.js';
import type { mourn } from './mourning.js';
import type { reviveLive } from './revive.js';
import type { Stage } from './stage.js';
import type { Values } from './values.js';

/** All that is neither the ring nor values. */
export interface Rest {
  readonly Kernels: typeof Kernels;
  readonly MailDuty: typeof MailDuty;
  readonly Stage: typeof Stage;
  readonly attachHeap: typeof attachHeap;
  readonly getHeap: typeof getHeap;
  readonly mourn: typeof mourn;
  readonly requireShared: typeof requireShared;
  readonly reviveLive: typeof reviveLive;
  readonly workerFs: () => WorkerFs;
}

interface Parts {
  readonly ring: typeof serve;
  readonly values: Values;
  readonly rest: Rest;
}

/** Where the scripts leave their parts for the one that has asked for them. */
const PARTS = Symbol.for('isolith.parts.1');

/** What `importScripts` refuses, in modules for being called at all. Without an address Firefox does not say so. */
const NO_ADDRESS = 'https://:';

const thread = globalThis as { [PARTS]?: Partial<Parts>; importScripts?(...urls: string[]): void };
let joined = false;
let start: Pick<Start, 'scripts' | 'memory' | 'mourning'> = {};

/** Hands parts over to whoever asks on this thread. */
export function provide(parts: Partial<Parts>): void {
  thread[PARTS] = { ...thread[PARTS], ...parts };
}

/** Says where the parts are to be had, and who this thread is to them. */
export function expectParts(from: Start): void {
  start = from;
}

/** Whether this worker is a module: it cannot load a script in the middle of a task. */
export function isModule(): boolean {
  try {
    thread.importScripts!(NO_ADDRESS);
  } catch (refusal) {
    return refusal instanceof TypeError;
  }
  return false;
}

/** Takes over from the first script: the runtime, the ring, all messages. */
export function ring(): typeof serve {
  return part('ring');
}

/**
 * Writes and reads values beyond numbers. Like `rest` it may have to load a script, which blocks for as
 * long; throws `ERR_WORKER_START` where that is not to be had any more.
 */
export function values(): Values {
  return part('values');
}

/** Files, heaps, proxies, linked modules and what arrives alive. */
export function rest(): Rest {
  const here = part('rest');
  if (!joined) {
    joined = true;
    const { memory, mourning } = start;
    if (memory && mourning) here.mourn(memory, mourning);
  }
  return here;
}

function part<Name extends keyof Parts>(name: Name): Parts[Name] {
  return thread[PARTS]?.[name] ?? load(name);
}

function load<Name extends keyof Parts>(name: Name): Parts[Name] {
  const url = start.scripts?.[name] ?? '';
  let cause: unknown;
  try {
    thread.importScripts!(url);
  } catch (error) {
    cause = error;
  }
  const here = thread[PARTS]?.[name];
  if (here) return here;
  throw new IsolithError('ERR_WORKER_START', `the worker's script ${url} cannot be loaded: ${String(cause)}`, { cause });
}
