/** The receiving side of live objects in task data: from handles to queues, locks and channels. */

import { attach } from '../sync/attach.js';
import type { Handle } from '../sync/storage.js';
import { LIVE, replace } from './live.js';

/** Puts the live objects back in place of what `packLive` left for them. */
export function reviveLive(data: unknown, handles: readonly Handle[] | undefined): unknown {
  if (handles === undefined) return data;
  const live = handles.map(attach);
  return replace(data, (value) => (LIVE in value ? live[Number(value[LIVE])] : undefined));
}
