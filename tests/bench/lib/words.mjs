// How two workers of a reference row wait for each other: by a word in shared memory, looked at before it is slept on.

/** Where the bytes begin that stand behind the words. */
export const SHARED = 64;

/** Looks before sleeping: some 50 µs. */
const LOOKS = 1000;

/** Waits until the word is no longer `seen`; throws after ten seconds. */
export function awaitWord(words, at, seen) {
  for (let look = 0; look < LOOKS; look++) {
    if (Atomics.load(words, at) !== seen) return;
    Atomics.pause?.();
  }
  if (Atomics.wait(words, at, seen, 10_000) === 'timed-out') throw new Error('the other worker does not answer');
}
