/** The channel on which the threads of one memory call each other. */

import type { Kernel } from '../kernel.js';
import type { Control } from './engine.js';
import { Door, Word } from './exports.js';

/**
 * What is said there: 0 calls the store thread to the desk, `start` has the page start it, `news`
 * tells who watches to look. Controls name the thread that waits for the answer.
 */
export type ChannelMessage =
  | 0
  | 'start'
  | 'news'
  | { readonly type: 'control'; readonly id: number; readonly thread: number; readonly control: Control }
  | { readonly type: 'answer'; readonly id: number; readonly thread: number; readonly ok: boolean; readonly value: unknown };

/** Its name; made up by whoever asks first. */
export function channelName(kernel: Kernel): string {
  const { words } = Door.of(kernel);
  for (const word of [Word.channelLow, Word.channelHigh]) {
    const [random] = crypto.getRandomValues(new Int32Array(1)) as unknown as [number];
    Atomics.compareExchange(words, word, 0, random | 1);
  }
  return `isolith:desk:${Atomics.load(words, Word.channelLow)}:${Atomics.load(words, Word.channelHigh)}`;
}
