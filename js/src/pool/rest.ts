/** What of a worker's code only some tasks need: a script of its own, loaded when the first of them asks. */

import { IsolithError } from '../errors.js';
import type { WorkerFs } from '../fs/worker-fs.js';
import type { attachHeap, getHeap } from '../heap.js';
import type { Start } from '../protocol.js';
import type { Kernels } from './duty-kernels.js';
import type { MailDuty } from './duty-mail.js';
import type { mourn } from './mourning.js';
import type { reviveLive } from './revive.js';
import type { Stage } from './stage.js';

/** All that the first script leaves out. */
export interface Rest {
  readonly Kernels: typeof Kernels;
  readonly MailDuty: typeof MailDuty;
  readonly Stage: typeof Stage;
  readonly attachHeap: typeof attachHeap;
  readonly getHeap: typeof getHeap;
  readonly mourn: typeof mourn;
  readonly reviveLive: typeof reviveLive;
  readonly workerFs: () => WorkerFs;
}

/** Where a script leaves the rest for the one that has asked for it. */
const REST = Symbol.for('isolith.rest.1');

const thread = globalThis as { [REST]?: Rest; importScripts?(...urls: string[]): void };
let joined = false;
let start: Pick<Start, 'rest' | 'memory' | 'mourning'> = {};

/** Hands the rest over to whoever asks on this thread. */
export function provide(rest: Rest): void {
  thread[REST] = rest;
}

/**
 * Says where the rest is to be had, and who this thread is to it. Waits only in workers that are
 * modules: they cannot load a script in the middle of a task, so they do it here.
 */
export function expectRest(from: Start): void | Promise<unknown> {
  start = from;
  if (thread[REST] || from.rest === undefined) return;
  try {
    thread.importScripts!();
  } catch {
    return import(/* @vite-ignore */ /* webpackIgnore: true */ from.rest);
  }
}

/**
 * The rest, which the first call on a thread may have to load: that blocks, as long as a script takes
 * to load. Throws `ERR_WORKER_START` where it is not to be had any more.
 */
export function rest(): Rest {
  const here = (thread[REST] ??= load());
  if (!joined) {
    joined = true;
    const { memory, mourning } = start;
    if (memory && mourning) here.mourn(memory, mourning);
  }
  return here;
}

function load(): Rest {
  const { rest = '' } = start;
  let cause: unknown;
  try {
    thread.importScripts!(rest);
  } catch (error) {
    cause = error;
  }
  const { [REST]: here } = thread;
  if (!here) throw new IsolithError('ERR_WORKER_START', `the rest of the worker's script, ${rest}, cannot be loaded: ${String(cause)}`, { cause });
  return here;
}
