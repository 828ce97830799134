/** The Web Lock by which a worker's death is known. */

/**
 * Takes a Web Lock that is let go of only by this thread's death; resolves to its name when it is held.
 *
 * The name is the thread's own choice, so that the first thing that a worker does can be to ask: the
 * browser answers while the rest of the start goes on.
 */
export function holdLock(): Promise<string> {
  const name = `isolith-${performance.timeOrigin}-${Math.random()}-${Math.random()}`;
  const held = new Promise<string>((resolve, reject) => {
    navigator.locks
      .request(name, () => {
        resolve(name);
        return new Promise(() => {});
      })
      .catch(reject);
  });
  // Whoever starts this thread hears of it.
  held.catch(() => {});
  return held;
}
