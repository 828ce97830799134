/** The channel on which the threads of one memory call each other. */

import type { Kernel } from '../kernel.js';
import { Door, Word } from './exports.js';

/** Its name; made up by whoever asks first. */
export function channelName(kernel: Kernel): string {
  const { words } = Door.of(kernel);
  for (const word of [Word.channelLow, Word.channelHigh]) {
    const [random] = crypto.getRandomValues(new Int32Array(1)) as unknown as [number];
    Atomics.compareExchange(words, word, 0, random | 1);
  }
  return `isolith:desk:${Atomics.load(words, Word.channelLow)}:${Atomics.load(words, Word.channelHigh)}`;
}
