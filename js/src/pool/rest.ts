/** The parts of a worker's code that most tasks do not need. */

import { setMaker } from '../fs/current.js';
import { joinPage } from '../fs/join.js';
import { workerFs } from '../fs/worker-fs.js';
import { attachHeap, getHeap } from '../heap.js';
import { requireShared } from '../support.js';
import { Kernels } from './duty-kernels.js';
import { MailDuty } from './duty-mail.js';
import { mourn } from './mourning.js';
import type { Rest } from './parts.js';
import { reviveLive } from './revive.js';
import { Stage } from './stage.js';

/** All of them; on a thread that has no way to the filesystem of its own they go to the page's. */
export function makeRest(): Rest {
  setMaker(joinPage);
  return { Kernels, MailDuty, Stage, attachHeap, getHeap, mourn, requireShared, reviveLive, workerFs };
}
