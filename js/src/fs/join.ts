/** A worker's way to the page's store thread: it calls on a channel, and blocks for answers. */

import { IsolithError } from '../errors.js';
import type { Kernel } from '../kernel.js';
import { getKernel } from '../runtime.js';
import { requireShared } from '../support.js';
import { type Bell, Client } from './client.js';
import { channelName } from './channel.js';
import type { Control } from './engine.js';

/** The filesystem for a worker that a page has started on its memory. */
export function joinPage(): Client {
  requireShared("a worker's filesystem");
  const kernel = getKernel();
  return new Client(kernel, new WorkerBell(kernel));
}

class WorkerBell implements Bell {
  readonly blocks = true;
  readonly #channel: BroadcastChannel;

  constructor(kernel: Kernel) {
    this.#channel = new BroadcastChannel(channelName(kernel));
  }

  async start(): Promise<void> {
    this.#channel.postMessage('start');
  }

  ring(asleep: boolean): void {
    if (asleep) this.#channel.postMessage(0);
  }

  control(control: Control): Promise<unknown> {
    return Promise.reject(new IsolithError('ENOTSUP', `${control.name} is the page's to call, not a worker's`));
  }
}
