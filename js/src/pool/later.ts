/** Puts things off until this turn's code has run. */

/** Does `what` once after this turn's code, however often it is asked to in that. */
export function later(what: () => void): () => void {
  let isDue = false;
  return () => {
    if (isDue) return;
    isDue = true;
    queueMicrotask(() => {
      isDue = false;
      what();
    });
  };
}
